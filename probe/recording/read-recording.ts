/** Reads one recording back, from whatever is left of it. */
import path from 'node:path';
import { Draft } from './draft.ts';
import { isSound } from './entries.ts';
import { fold } from './fold.ts';
import { type Entry, type ProcessLine, RECORDING_SCHEMA, type Recording } from './format.ts';
import { readLines } from './lines.ts';
import { ownerOf } from './owner.ts';
import { readReach, siteOfHolder, stackOf } from './reach.ts';

/** One recording, or a sentence that says why it is none. */
export function readRecording(file: string): Recording | string {
  const name = path.basename(file);
  let draft: Draft | null = null;
  let doubt: string | null = null;
  const problem = readLines(file, isSound, (line) => {
    if (draft === null) {
      const process = line.t === 'process' ? line : headOf(name, line);
      if (!process) return false;
      doubt = doubtAbout(name, line);
      draft = new Draft(file, process);
    }
    fold(draft, line);
    return true;
  });
  const recording = (draft as Draft | null)?.end();
  if (!recording) return problem && !problem.includes('skipped') ? problem : `${name} is not a recording of outlive.`;
  recording.reach = readReach(file);
  for (const [i, holder] of (recording.reach?.holders ?? []).entries()) {
    const stack = stackOf(holder);
    if (stack !== null) recording.sites.set(siteOfHolder(i), stack);
  }
  recording.problems.push(...[doubt, problem].filter((sentence) => sentence !== null));
  return recording;
}

/** What can be said of the process when the first line is lost. Null when it is not one of ours. */
function headOf(name: string, { t }: Entry): ProcessLine | null {
  const owner = ownerOf(name);
  if (!owner || !(t in KNOWN)) return null;
  const unknown = { parent: 0, host: '', node: 'unknown', argv: [], cwd: '/', settings: {} };
  return { t: 'process', schema: RECORDING_SCHEMA, ...owner, ...unknown };
}

/** What tells our lines from those of another program. */
const KNOWN: Partial<Record<Entry['t'], true>> = { sample: true, totals: true, site: true, cost: true, finding: true };

function doubtAbout(name: string, first: Entry): string | null {
  if (first.t !== 'process') return `${name} has lost its beginning: which program it was is not known.`;
  if ((first.schema as string) === RECORDING_SCHEMA) return null;
  return `${name} is of format ${first.schema}; this version reads ${RECORDING_SCHEMA}, and what it knows of it.`;
}
