/**
 * The report of a run that left nothing to tell, as most processes are: written without all that findings need, which is
 * most of what a report is made with. It is the same report.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { assemble, type Found, startedBy, storeReport } from './assemble.ts';
import type { ProcessLine, Recording } from './format.ts';
import { ownerOf, readRecording } from './read-recording.ts';

const NOTHING: Found = { findings: [], withdrawn: [], open: [], keptAliveBy: () => [] };

/** As `writeReportOf`; false, and nothing is written, where there is more to tell. */
export function writeQuietReport(folder: string, owner: Pick<ProcessLine, 'pid' | 'startedMs'>): boolean {
  const recordings = quietRecordings(folder, owner.startedMs);
  if (recordings === null) return false;
  storeReport(folder, assemble(startedBy(recordings, owner.pid), NOTHING, [], null));
  return true;
}

/** Of this run, oldest first; null: of one there is more to tell, or something else lies beside them. */
function quietRecordings(folder: string, startedMs: number): Recording[] | null {
  const recordings: Recording[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.jsonl')) continue;
    const owner = ownerOf(name);
    if (owner === null) return null;
    if (owner.startedMs < startedMs) continue;
    const recording = readRecording(path.join(folder, name));
    if (typeof recording === 'string' || !isQuiet(recording)) return null;
    recordings.push(recording);
  }
  return recordings.sort((a, b) => a.process.startedMs - b.process.startedMs);
}

function isQuiet({ findings, withdrawn, openSites, handles, rounds }: Recording): boolean {
  return findings.size + withdrawn.length + openSites.length + handles.length + rounds.length === 0;
}
