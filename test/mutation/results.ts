/** What came of all mutants: counts, the table, what was not found. */
import { type Judged, judge, leaked, type Outcome } from './judge.ts';
import type { Mutant } from './mutate.ts';
import type { Observed } from './workbench.ts';

/** Of mutants that leak, this share must be found at the exact line. */
const REQUIRED = 0.95;

export interface MutantResult extends Omit<Mutant, 'source'>, Observed, Judged {
  leaks: number;
}

export interface ProgramResult {
  name: string;
  untouched: Observed;
  mutants: MutantResult[];
}

export function resultOf({ source: _, ...mutant }: Mutant, observed: Observed, untouched: Observed): MutantResult {
  const leaks = leaked(observed.truth, untouched.truth);
  if (leaks > 0 && mutant.expected.length === 0) {
    throw new Error(`${mutant.file}:${mutant.line} gives back what is not marked: ${mutant.call}`);
  }
  return { ...mutant, ...observed, ...judge(mutant.expected, observed.found, leaks), leaks };
}

export interface Totals extends Record<Outcome, number> {
  mutants: number;
  /** Of those that are found at the exact line. */
  proven: number;
  falseFindings: number;
  /** Untouched programs with a finding of any certainty. */
  noisy: number;
  problems: number;
}

export function totalsOf(programs: readonly ProgramResult[]): Totals {
  const mutants = programs.flatMap((program) => program.mutants);
  const count = (outcome: Outcome) => mutants.filter((mutant) => mutant.outcome === outcome).length;
  const observed = [...mutants, ...programs.map(({ untouched }) => untouched)];
  return {
    mutants: mutants.length,
    equivalent: count('equivalent'),
    exact: count('exact'),
    unsure: count('unsure'),
    elsewhere: count('elsewhere'),
    missed: count('missed'),
    proven: mutants.filter(({ isProven }) => isProven).length,
    falseFindings: mutants.reduce((sum, { falseFindings }) => sum + falseFindings.length, 0),
    noisy: programs.filter(({ untouched }) => untouched.found.length > 0).length,
    problems: observed.filter(({ problem }) => problem !== null).length,
  };
}

export function isGood(totals: Totals): boolean {
  const leaking = totals.mutants - totals.equivalent;
  const isSilent = totals.falseFindings === 0 && totals.noisy === 0 && totals.problems === 0;
  return isSilent && totals.exact + totals.unsure >= REQUIRED * leaking;
}

/** A Markdown table, a line a program, and the totals. */
export function table(programs: readonly ProgramResult[]): string {
  const head = [
    'program',
    'mutants',
    'equivalent',
    'exact',
    'proven',
    'suspect',
    'elsewhere',
    'missed',
    'false',
    'untouched',
  ];
  const row = (name: string, list: readonly ProgramResult[]): string[] => {
    const { mutants, equivalent, exact, proven, unsure, elsewhere, missed, falseFindings, noisy } = totalsOf(list);
    const numbers = [mutants, equivalent, exact, proven, unsure, elsewhere, missed, falseFindings].map(String);
    return [name, ...numbers, noisy === 0 ? 'silent' : `${noisy} not silent`];
  };
  const rows = [head, ...programs.map((program) => row(program.name, [program])), row('all', programs)];
  const widths = head.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const lines = rows.map((cells) => {
    const padded = cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
    );
    return `| ${padded.join(' | ')} |`;
  });
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  lines.splice(1, 0, `| ${rule.join(' | ')} |`);
  return `${lines.join('\n')}\n`;
}

/** `120 of 126 that leak are found at the exact line (95.2 %), 60 of them proven, 9 only as suspects`. */
export function share({ mutants, equivalent, exact, unsure, proven }: Totals): string {
  const leaking = mutants - equivalent;
  const percent = leaking ? ((100 * (exact + unsure)) / leaking).toFixed(1) : '–';
  return `${exact + unsure} of ${leaking} that leak are found at the exact line (${percent} %), ${proven} of them proven, ${unsure} only as suspects`;
}

/** A sentence for all that is not as it should be. */
export function complaints(programs: readonly ProgramResult[]): string[] {
  return programs.flatMap(({ name, untouched, mutants }) => [
    ...(untouched.found.length > 0 ? [`${name} untouched: ${seen(untouched)}`] : []),
    ...(untouched.problem ? [`${name} untouched: ${untouched.problem}`] : []),
    ...mutants.filter(isOdd).map((mutant) => {
      const { file, line, call, mutation, expected, leaks, outcome, falseFindings, problem } = mutant;
      const what = [outcome, ...(falseFindings.length > 0 ? ['false finding'] : []), ...(problem ? [problem] : [])];
      const hung = mutant.truth.isCutOff ? ', hung' : '';
      const should = expected.length > 0 ? `expected ${expected.join(' or ')}` : 'expected nothing';
      return `${name}/${file}:${line} ${call} ${mutation}: ${what.join(', ')}; ${leaks} leaked${hung}, ${should}, ${seen(mutant)}`;
    }),
  ]);
}

function isOdd({ outcome, falseFindings, problem }: MutantResult): boolean {
  return (outcome !== 'exact' && outcome !== 'equivalent') || falseFindings.length > 0 || problem !== null;
}

function seen({ found }: Observed): string {
  const list = found.map(({ place, certainty, detector, count }) => `${place} ${certainty} ${detector} ${count}`);
  return `found ${list.length > 0 ? list.join(', ') : 'nothing'}`;
}
