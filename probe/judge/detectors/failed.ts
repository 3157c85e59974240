/** Whether what is left is of work that failed: an error path that forgets to give back is the most frequent leak. */
import type { Resource } from '../../account/ledger.ts';
import { ABORTED, type Scope, type ScopeTotals } from '../../account/scope.ts';
import type { Context, Group } from './detector.ts';

/** Work that failed and left one behind, and others that came back. */
const FAILED = { few: 3, others: 4 };

/**
 * Whether all that is left is of work that failed, which most did not, and others came back: who is told of an error has
 * nothing to end. Not where failures alone make what is left: another try, or a diagnosis.
 */
export function areOfFailed(leaked: readonly Resource[], { history, acquired }: Group, { scopes }: Context): boolean {
  const runs = new Set(leaked.map(({ scope }) => scope));
  if (runs.size < FAILED.few || history.released < FAILED.others) return false;
  if (![...runs].every(hasFailed)) return false;
  const names = [...new Set([...runs].map((scope) => scope?.name ?? ''))];
  const totals = names.flatMap((name) => scopes.get(name) ?? []);
  const sum = (of: (one: ScopeTotals) => number) => totals.reduce((total, one) => total + of(one), 0);
  const failed = sum((one) => one.failed);
  return failed * 2 < sum(({ ended }) => ended) && acquired >= 2 * failed;
}

function hasFailed(scope: Scope | null): boolean {
  return scope !== null && scope.failedWith !== null && scope.failedWith !== ABORTED;
}
