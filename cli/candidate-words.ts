/** Candidates as lines for people. */
import type { Candidate, Trace } from '../candidates/find.ts';
import { visible } from '../reports/words.ts';

/** Of one file, as it was given. */
export interface Traced {
  file: string;
  candidate: Candidate;
  trace: Trace;
}

export function inWords({ file, line, what, paths: [first, ...others] }: Candidate & { file: string }): string {
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return `${visible(file)}:${line}  ${what}: ${first}${more}\n`;
}

export function counted(candidates: number): string {
  return candidates === 1 ? '1 candidate' : `${candidates} candidates`;
}
