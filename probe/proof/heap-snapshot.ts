/**
 * A snapshot of the heap with every open resource marked, for another process to read: who holds what (see heap/).
 * Written by the `heapdump` package where the service has it, built for this Node.js; by Node's own writer elsewhere.
 */
import { createRequire } from 'node:module';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { getHeapStatistics, writeHeapSnapshot } from 'node:v8';
import type { Resource } from '../account/ledger.ts';
import { closeSync, openSync } from '../process/runtime.ts';

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
const TIMES = 14;
const MB = 1024 * 1024;

/** Reachable while a snapshot is written. */
export const marks: Mark[] = [];

/** `resources`: by the key of what they belong to. A sentence where it is not written: the heap is too large, or memory too small. */
export function writeMarkedSnapshot(
  file: string,
  resources: Iterable<readonly [key: string, resource: Resource]>,
  maxMb: number,
): Written | string {
  const { used_heap_size: used } = getHeapStatistics();
  if (used > maxMb * MB)
    return `The heap has ${Math.round(used / MB)} MB, more than the ${maxMb} MB up to which one is written.`;
  if (freemem() < TIMES * used)
    return `Less than ${Math.round((TIMES * used) / MB)} MB of memory are free, which one may take.`;
  for (const [key, { ref }] of resources) if (ref !== null) marks.push({ outliveMark: flat(key), target: ref });
  // all that the service has in memory: for nobody else's eyes
  closeSync(openSync(file, 'wx', 0o600));
  const began = process.hrtime.bigint();
  try {
    const by = write(file);
    return { file, by, tookMs: Number(process.hrtime.bigint() - began) / 1e6 };
  } finally {
    marks.length = 0;
  }
}

function write(file: string): Written['by'] {
  try {
    const require = createRequire(join(process.cwd(), 'outlive.js'));
    const { writeSnapshot } = require('heapdump') as { writeSnapshot(file: string): boolean | string };
    if (writeSnapshot(file)) return 'heapdump';
  } catch {
    // not installed, or built for another Node.js
  }
  writeHeapSnapshot(file);
  return 'node';
}

/** One string, not a tree of the parts that it was made from: a snapshot shows those. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}
