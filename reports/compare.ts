/**
 * Two runs side by side. A finding that is gone is only called fixed when its code ran again; and no comparison says more
 * than the work that both did.
 */
import { basename } from 'node:path';
import type { Recording } from '../probe/recording/format.ts';
import type { Finding, Report } from '../probe/recording/report.ts';
import { number, plural, watchedName } from './words.ts';

export interface Comparison {
  /** Gone, though its code ran. */
  fixed: Finding[];
  /** Gone, but its code was not seen to run: proof of nothing. */
  unreached: Finding[];
  /** Not in the baseline. */
  added: Finding[];
  remaining: { before: Finding; after: Finding }[];
  isComparable: boolean;
  /** What both did, in a sentence. */
  work: string;
}

/** Of work, both runs may differ by so much, and still be compared. */
const TOLERANCE = 0.1;
/** Differences of so few say nothing. */
const FEW = 5;
/** Kinds of work that are named. */
const NAMED = 3;

/** `recordings` are those of `after`. */
export function compare(before: Report, after: Report, recordings: readonly Recording[]): Comparison {
  const now = new Map(after.findings.map((finding) => [finding.id, finding]));
  const known = new Set(before.findings.map(({ id }) => id));
  const gone = before.findings.filter(({ id }) => !now.has(id));
  const reached = codeReached(recordings);
  const isReached = (finding: Finding) => namesOf(finding).some((name) => reached.has(name));
  return {
    fixed: gone.filter(isReached),
    unreached: gone.filter((finding) => !isReached(finding)),
    added: after.findings.filter(({ id }) => !known.has(id)),
    remaining: before.findings.flatMap((finding) => {
      const after = now.get(finding.id);
      return after ? [{ before: finding, after }] : [];
    }),
    ...compareWork(before, after),
  };
}

/** Functions and files that acquired something: a fix may move a line, or rename one of them. */
function codeReached(recordings: readonly Recording[]): Set<string> {
  const reached = new Set<string>();
  for (const { totals, sites } of recordings) {
    for (const [site, kind] of totals) {
      for (const { file, function: name } of (sites.get(site) ?? []).filter(({ user }) => user)) {
        if (name) reached.add(`${kind} in ${name}`);
        reached.add(`${kind} of ${sourceName(file)}`);
      }
    }
  }
  return reached;
}

function namesOf({ site, kind }: Finding): string[] {
  if (!site) return [];
  return [...(site.function ? [`${kind} in ${site.function}`] : []), `${kind} of ${sourceName(site.file)}`];
}

/** Before and after source maps a file has the same name but for its ending. */
function sourceName(file: string): string {
  return basename(file).replace(/\.[cm]?[jt]sx?$/, '');
}

function compareWork(before: Report, after: Report): Pick<Comparison, 'isComparable' | 'work'> {
  const rows = pairs(workOf(before), workOf(after));
  if (rows.length === 0) return { isComparable: false, work: 'Neither run did anything that was watched.' };
  const differing = rows.filter(([, a, b]) => differs(a, b));
  if (differing.length === 0) {
    const same = rows.slice(0, NAMED).map(([name, a, b]) => `${numbers(a, b)} ${name}`);
    return { isComparable: true, work: `Both runs did about the same work: ${same.join(', ')}.` };
  }
  const words = differing.slice(0, NAMED).map(([name, a, b]) => `${number(a)} ${name} before, ${number(b)} now`);
  const more = differing.length - NAMED;
  // a leak that empties its pool stops the work: the run with its fix then does more
  const isMore = differing.every(([, a, b]) => b > a);
  const effect = isMore ? 'what is new may only not have happened before' : 'what is gone may only not have happened';
  return {
    isComparable: false,
    work: `The runs did different work, so ${effect}: ${words.join('; ')}${more > 0 ? `; and ${plural(more, 'more difference')}` : ''}.`,
  };
}

function differs(a: number, b: number): boolean {
  return Math.abs(a - b) > Math.max(FEW, TOLERANCE * Math.max(a, b));
}

function numbers(a: number, b: number): string {
  return a === b ? number(a) : `${number(a)} and ${number(b)}`;
}

/** What a run did, by name: the runs and requests that ended, else what was acquired. */
function workOf({ scopes, watched }: Report): Map<string, number> {
  const ended = scopes.map(
    ({ name, kind, ended }) => [kind === 'job' ? `runs of ${name}` : `${name} requests`, ended] as const,
  );
  // timers come with everything, and as they like
  const acquired = watched
    .filter(({ kind }) => kind !== 'timer')
    .map((row) => [`${watchedName(row, 2)} acquired`, row.acquired] as const);
  return new Map([...ended, ...acquired]);
}

/** By how much was done, most first. */
function pairs(
  before: Map<string, number>,
  after: Map<string, number>,
): [name: string, before: number, after: number][] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .map((name): [string, number, number] => [name, before.get(name) ?? 0, after.get(name) ?? 0])
    .sort(([, a, b], [, c, d]) => c + d - (a + b));
}

/** `1 fixed, 0 new, 1 still there`. */
export function comparisonCounts({ fixed, unreached, added, remaining }: Comparison): string {
  return [
    `${number(fixed.length)} fixed`,
    ...(unreached.length ? [`${number(unreached.length)} not reached`] : []),
    `${number(added.length)} new`,
    `${number(remaining.length)} still there`,
  ].join(', ');
}
