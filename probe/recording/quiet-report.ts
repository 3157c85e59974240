/**
 * The report of a run that left nothing to tell, as most processes are: written without all that findings need, which is
 * most of what a report is made with. It is the same report.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { assemble, type Found, startedBy, storeReport } from './assemble.ts';
import { recordingOf } from './fold.ts';
import type { Entry, ProcessLine, Recording } from './format.ts';
import { ownerOf } from './owner.ts';

const NOTHING: Found = { findings: [], withdrawn: [], open: [], keptAliveBy: () => [] };

/** This process's own recording: what stands in it, null where that is not known. */
interface Own {
  file: string;
  standing: readonly Entry[] | null;
}

/** Of any other process: a recording, or a sentence. */
type Read = (file: string) => Recording | string;

/** As `writeReportOf`; false, and nothing is written, where there is more to tell. */
export function writeQuietReport(
  folder: string,
  owner: Pick<ProcessLine, 'pid' | 'startedMs'>,
  own: Own,
  read: Read,
): boolean {
  const recordings = quietRecordings(folder, owner.startedMs, (file) => ofThis(file, own) ?? read(file));
  if (recordings === null) return false;
  storeReport(folder, assemble(startedBy(recordings, owner.pid), NOTHING, [], null));
  return true;
}

/** Of this run, oldest first; null: of one there is more to tell, or something else lies beside them. */
function quietRecordings(folder: string, startedMs: number, read: Read): Recording[] | null {
  const recordings: Recording[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.jsonl')) continue;
    const owner = ownerOf(name);
    if (owner === null) return null;
    if (owner.startedMs < startedMs) continue;
    const recording = read(path.join(folder, name));
    if (typeof recording === 'string' || !isQuiet(recording)) return null;
    recordings.push(recording);
  }
  return recordings.sort((a, b) => a.process.startedMs - b.process.startedMs);
}

/** What this process has just written it need not read; most have no child, and read nothing. */
function ofThis(file: string, own: Own): Recording | null {
  if (file !== own.file) return null;
  const { standing } = own;
  return standing === null ? null : recordingOf(file, standing);
}

function isQuiet({ findings, withdrawn, openSites, handles, rounds }: Recording): boolean {
  return findings.size + withdrawn.length + openSites.length + handles.length + rounds.length === 0;
}
