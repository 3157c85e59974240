/** What came of all mutants: counts, the table, what was not found. */
import { type Judged, judge, leaked, type Outcome } from './judge.ts';
import type { Mutant } from './mutate.ts';
import type { Observed } from './workbench.ts';

/** Of mutants that leak, this share must be found at the exact line. */
const REQUIRED = 0.95;
/** … and of those whose kind a proof is possible of, this share be proven. */
const REQUIRED_PROVEN = 0.8;

export interface MutantResult extends Omit<Mutant, 'source'>, Observed, Judged {
  leaks: number;
  /** Whether a proof is possible: nothing that is alive holds it by its nature. */
  isProvable: boolean;
}

export interface ProgramResult {
  name: string;
  untouched: Observed;
  mutants: MutantResult[];
}

/** `held`: names of what something that is alive holds. */
export function resultOf(
  { source: _, ...mutant }: Mutant,
  observed: Observed,
  untouched: Observed,
  held: ReadonlySet<string> = new Set(),
): MutantResult {
  const leaks = leaked(observed.truth, untouched.truth);
  if (leaks > 0 && mutant.expected.length === 0) {
    throw new Error(`${mutant.file}:${mutant.line} gives back what is not marked: ${mutant.call}`);
  }
  const isProvable = leaks > 0 && !mutant.names.some((name) => held.has(name));
  return { ...mutant, ...observed, ...judge(mutant.expected, observed.found, leaks), leaks, isProvable };
}

export interface Totals extends Record<Outcome, number> {
  mutants: number;
  /** Of those that leak, whose kind a proof is possible of, and how many of these are proven. */
  provable: number;
  proven: number;
  /** Called proven, though something that is alive holds it. */
  falseProofs: number;
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
    provable: mutants.filter(({ isProvable }) => isProvable).length,
    proven: mutants.filter(({ isProven, isProvable }) => isProven && isProvable).length,
    falseProofs: mutants.filter(isFalseProof).length,
    falseFindings: mutants.reduce((sum, { falseFindings }) => sum + falseFindings.length, 0),
    noisy: programs.filter(({ untouched }) => untouched.found.length > 0).length,
    problems: observed.filter(({ problem }) => problem !== null).length,
  };
}

export function isGood(totals: Totals): boolean {
  const leaking = totals.mutants - totals.equivalent;
  const { falseFindings, falseProofs, noisy, problems, exact, unsure, proven, provable } = totals;
  const isTrue = falseFindings === 0 && falseProofs === 0 && noisy === 0 && problems === 0;
  return isTrue && exact + unsure >= REQUIRED * leaking && proven >= REQUIRED_PROVEN * provable;
}

/** A Markdown table, a line a program, and the totals. */
export function table(programs: readonly ProgramResult[]): string {
  const head = [
    'program',
    'mutants',
    'equivalent',
    'exact',
    'provable',
    'proven',
    'suspect',
    'elsewhere',
    'missed',
    'false',
    'untouched',
  ];
  const row = (name: string, list: readonly ProgramResult[]): string[] => {
    const { mutants, equivalent, exact, provable, proven, unsure, elsewhere, missed, ...rest } = totalsOf(list);
    const { falseFindings, falseProofs, noisy } = rest;
    const wrong = falseFindings + falseProofs;
    const numbers = [mutants, equivalent, exact, provable, proven, unsure, elsewhere, missed, wrong].map(String);
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

/**
 * `120 of 126 that leak are found at the exact line (95.2 %), 9 of them only as suspects; proven: 60 of 70 of kinds that
 * proof supports (85.7 %), 47.6 % of all`.
 */
export function share({ mutants, equivalent, exact, unsure, proven, provable }: Totals): string {
  const leaking = mutants - equivalent;
  const percent = (part: number, of: number) => `${of ? ((100 * part) / of).toFixed(1) : '–'} %`;
  const found = `${exact + unsure} of ${leaking} that leak are found at the exact line (${percent(exact + unsure, leaking)}), ${unsure} of them only as suspects`;
  return `${found}; proven: ${proven} of ${provable} of kinds that proof supports (${percent(proven, provable)}), ${percent(proven, leaking)} of all`;
}

/** A sentence for all that is not as it should be. */
export function complaints(programs: readonly ProgramResult[]): string[] {
  return programs.flatMap(({ name, untouched, mutants }) => [
    ...(untouched.found.length > 0 ? [`${name} untouched: ${seen(untouched)}`] : []),
    ...(untouched.problem ? [`${name} untouched: ${untouched.problem}`] : []),
    ...mutants.filter(isOdd).map((mutant) => {
      const { file, line, call, mutation, expected, leaks, outcome, falseFindings, problem } = mutant;
      const wrong = [...(falseFindings.length > 0 ? ['false finding'] : []), ...(isFalseProof(mutant) ? ['held'] : [])];
      const what = [outcome, ...wrong, ...(problem ? [problem] : [])];
      const hung = mutant.truth.isCutOff ? ', hung' : '';
      const should = expected.length > 0 ? `expected ${expected.join(' or ')}` : 'expected nothing';
      return `${name}/${file}:${line} ${call} ${mutation}: ${what.join(', ')}; ${leaks} leaked${hung}, ${should}, ${seen(mutant)}`;
    }),
  ]);
}

function isOdd(mutant: MutantResult): boolean {
  const { outcome, falseFindings, problem } = mutant;
  const isFound = outcome === 'exact' || outcome === 'equivalent';
  return !isFound || falseFindings.length > 0 || isFalseProof(mutant) || problem !== null;
}

function isFalseProof({ isProven, isProvable }: MutantResult): boolean {
  return isProven && !isProvable;
}

function seen({ found }: Observed): string {
  const list = found.map(({ place, certainty, detector, count }) => `${place} ${certainty} ${detector} ${count}`);
  return `found ${list.length > 0 ? list.join(', ') : 'nothing'}`;
}
