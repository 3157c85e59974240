/** Runs that were made, and what they come to. */
import { readFileSync } from 'node:fs';

export interface Row {
  /** As it was given to `outlive soak`. */
  scenario: string;
  under: string;
  /** What `outlive soak` ended with: 0 as declared, 1 not so, 2 not to be told here; null: by a signal. */
  code: number | null;
  seconds: number;
  /** Of the machine, the minute's average before and after. */
  load: [before: number, after: number];
  /** Every claim that was judged; none where the soak itself failed. */
  checks: { passed: boolean; sentence: string }[];
  /** Of an overload: all its figures. */
  comparison?: unknown;
  /** What it said on its way. */
  said: string;
  /** Where its recordings are kept; null: all was as declared, they are gone. */
  out: string | null;
}

export function readRows(file: string): Row[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);
}

/** A line for each scenario and condition, in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const nameOf = ({ scenario, under }: Row) => `${scenario} | ${under}`;
  const lines = [...new Set(rows.map(nameOf))].map((name) => {
    const own = rows.filter((row) => nameOf(row) === name);
    const passed = own.filter(({ code }) => code === 0).length;
    const unclear = own.filter(({ code }) => code === 2).length;
    const seconds = rangeOf(own.map((row) => row.seconds));
    const load = rangeOf(own.flatMap((row) => row.load).map(Math.round));
    return `| ${name} | ${load} | ${passed} of ${own.length} | ${unclear || ''} | ${seconds} | ${rangeOf(own.flatMap(refusedIn))} |`;
  });
  return [
    '| scenario | machine | load | as declared | not to be told | seconds | refused in run |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

/** Where a claim tells of the run that was refused. */
function refusedIn({ checks }: Row): number[] {
  return checks.flatMap(({ sentence }) => {
    const [, run] = /it was run (\d+)/.exec(sentence) ?? [];
    return run === undefined ? [] : [Number(run)];
  });
}

function rangeOf(numbers: readonly number[]): string {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  if (numbers.length === 0) return '';
  return least === most ? String(least) : `${least}–${most}`;
}
