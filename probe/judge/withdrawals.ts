/**
 * Why a finding no longer stands; or that it does, since what it named came back only because its pool was shut down or
 * the process ended. That is no release: the leak stood for as long as anything ran.
 *
 * False positives: of a finding that was wrong, what was given back by chance within `MOMENT` before the end.
 * False negatives: a leak that was no more than a suspect until then, since work under way ends at a shutdown as well.
 */
import type { Resource } from '../account/ledger.ts';
import { isOff } from '../process/lapses.ts';
import type { RecordedFinding } from '../recording/format.ts';
import { NATURES, type Nature } from '../recording/natures.ts';

/** Given back so shortly before a shutdown, it is part of it; milliseconds. */
const MOMENT = 1000;

/** A finding as of the last judgement, and what it named; null when it is of a whole pool. */
export interface Standing {
  finding: RecordedFinding;
  leaked: readonly Resource[] | null;
  /** When it was last seen. */
  at: number;
}

/** Those that came back because what lent them was shut down. */
export function shutDown({ finding, leaked }: Standing, at: number, isEnd: boolean): Resource[] {
  if (finding.certainty === 'suspect' || leaked === null) return [];
  return leaked.filter(({ closed, closedAt, account }) => {
    const endingAt = account.source.pool?.endingAt ?? 0;
    return closed && ((endingAt !== 0 && closedAt > endingAt - MOMENT) || (isEnd && closedAt > at - MOMENT));
  });
}

export function shutDownSentence(gone: ReadonlySet<Resource>, count: number): string {
  const isOfPool = [...gone].every(({ account }) => (account.source.pool?.endingAt ?? 0) !== 0);
  const when = isOfPool ? 'their pool was shut down' : 'the process ended';
  return `${gone.size === count ? 'They' : `${gone.size} of them`} came back only when ${when}, which is no release.`;
}

const CAME_BACK: Readonly<Record<Nature['ends'], string>> = {
  'given back': 'it was given back after all',
  closed: 'it was closed after all',
  'by itself': 'it ended by itself',
  collected: 'it was collected after all',
  never: 'it was ended after all',
};

/** In one clause. */
export function whyNot({ finding, leaked, at: seenAt }: Standing): string {
  if (leaked === null) return finding.pool === null ? CAME_BACK[NATURES[finding.nature].ends] : 'the pool recovered';
  if (leaked.some(({ account }) => isOff(account.source.adapter))) return 'what watches it has failed';
  const open = leaked.filter(({ closed }) => !closed);
  if (open.length * 2 <= leaked.length) return CAME_BACK[NATURES[finding.nature].ends];
  if (open.some(({ isDeadlocked }) => isDeadlocked)) return 'it is part of a deadlock, which is a finding of its own';
  if (open.some(({ lastUsedAt, isBusy }) => lastUsedAt > seenAt || isBusy?.())) return 'it was in use after all';
  const what = open.map(({ waitsFor }) => waitsFor).find((each) => each !== null);
  if (what !== undefined) return `its code still waits, in ${what}`;
  if (finding.detector === 'growth') return 'it stopped growing: what is open stays as it is';
  return 'others at this line came back as late, so that it may yet too';
}
