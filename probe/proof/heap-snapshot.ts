/**
 * A snapshot of the heap with every open resource marked, for another process to read: who holds what (see heap/).
 * Written by the `heapdump` package where the service has it, built for this Node.js; by Node's own writer elsewhere.
 */
import { dirname } from 'node:path';
import { getHeapStatistics, writeHeapSnapshot } from 'node:v8';
import type { Resource } from '../account/ledger.ts';
import { freeMemory } from '../process/free-memory.ts';
import { closeSync, openSync, rmSync, statfsSync } from '../process/runtime.ts';
import { mayHaveStreamedFiles } from '../process/streamed-files.ts';
import { findHeapdump } from './heapdump.ts';

/** A reader finds it by its properties, and what it is about by the weak reference. */
interface Mark {
  outliveMark: string;
  target: WeakRef<object>;
}

export interface Written {
  file: string;
  /** Milliseconds that the event loop was held. */
  tookMs: number;
  /** Who wrote it. */
  by: 'heapdump' | 'node';
}

/** Memory that writing one takes at most, in times of the heap: measured on Node 20 to 26. */
const MEMORY = 14;
/** … and the file. */
const DISK = 3;
const MB = 1024 * 1024;

/** Reachable while a snapshot is written. */
export const marks: Mark[] = [];

/** `resources`: by the key of what they belong to. A sentence where it is not written, as of a heap above `maxMb`. */
export function writeMarkedSnapshot(
  file: string,
  resources: Iterable<readonly [key: string, resource: Resource]>,
  maxMb: number,
): Written | string {
  const why = whyNot(dirname(file), maxMb);
  if (why !== null) return why;
  for (const [key, { ref }] of resources) if (ref !== null) marks.push({ outliveMark: flat(key), target: ref });
  const began = process.hrtime.bigint();
  try {
    // all that the service has in memory: for nobody else's eyes
    closeSync(openSync(file, 'wx', 0o600));
    const by = write(file);
    return { file, by, tookMs: Number(process.hrtime.bigint() - began) / 1e6 };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // half of one is of no use; what was there already is not ours
    if (code !== 'EEXIST') rmSync(file, { force: true });
    return `${file} cannot be written${code && ` (${code})`}.`;
  } finally {
    marks.length = 0;
  }
}

function whyNot(folder: string, maxMb: number): string | null {
  if (mayHaveStreamedFiles()) return 'Node has streamed a file by itself, and a snapshot may then crash the process.';
  const { used_heap_size: used } = getHeapStatistics();
  const heap = `The heap has ${Math.round(used / MB)} MB`;
  if (used > maxMb * MB)
    return `${heap}, more than the ${maxMb} MB up to which a snapshot is written (--snapshot-max-mb).`;
  if (freeMemory() < MEMORY * used) {
    return `${heap}, and less than ${Math.round((MEMORY * used) / MB)} MB of memory are free, which a snapshot may take.`;
  }
  if (freeDisk(folder) < DISK * used) {
    return `${heap}, and less than ${Math.round((DISK * used) / MB)} MB are free for a snapshot in ${folder}.`;
  }
  return null;
}

function freeDisk(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    // writing it will say why
    return Number.POSITIVE_INFINITY;
  }
}

function write(file: string): Written['by'] {
  if (findHeapdump()?.(file)) return 'heapdump';
  writeHeapSnapshot(file);
  return 'node';
}

/** One string, not a tree of the parts that it was made from: a snapshot shows those. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}
