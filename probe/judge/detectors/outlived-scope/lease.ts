/**
 * outlived-scope: the job run or request that took it has ended, a grace has passed, and it is still open and idle.
 *
 * Says `likely` when it recurs: other runs at this site gave theirs back in time, or no run ever did. Once is a
 * `suspect`.
 *
 * False positives it avoids: a lazy singleton (the site acquired only once), a slow query at the end (busy), one-shot
 * timers (they end by themselves), leases that are given back by another flow after the scope (this site's own
 * history says so; then only what is far beyond that history is a suspect).
 * False negatives: what is taken outside any scope, and a scope that never ends.
 */

import type { Resource } from '../../../account/ledger.ts';
import type { Scope } from '../../../account/scope.ts';
import type { Detector } from '../detector.ts';
import { median, span } from '../words.ts';

/** With a history of late release, how many times the longest known use time is still normal. */
const BEYOND_HISTORY = 3;
/** Runs without a single release that make a pattern. */
const NEVER_RELEASED_RUNS = 3;

export const outlivedScope: Detector = {
  detector: 'outlived-scope',
  picks({ acquired, history }, { at, graceMs }) {
    if (acquired < 2) return null;
    const patience = history.afterScope > 0 ? Math.max(graceMs, BEYOND_HISTORY * history.longestUse) : graceMs;
    return ({ scope, isBusy }) => scope !== null && scope.ended !== 0 && at - scope.ended > patience && !isBusy?.();
  },
  concludes(leaked, { history }, { at }) {
    const isHandedOver = history.afterScope > 0;
    const runs = runsOf(leaked);
    const isJob = leaked.every(({ scope }) => scope?.kind === 'job');
    const releasedInScope = history.released - history.afterScope;
    const recurs = releasedInScope > 0 ? runs >= 2 : isJob && runs >= NEVER_RELEASED_RUNS;

    const evidence = [
      `Still open and idle after its ${isJob ? 'job run' : 'request'} had ended, for ${span(median(leaked.map(({ scope }) => at - (scope?.ended ?? at))))} at the median` +
        (history.uses > 0 ? `; the ${history.released} that came back took ${span(history.longestUse)} at most.` : '.'),
    ];
    if (isHandedOver) evidence.push(`${history.afterScope} came back only after their scope, so this may yet too.`);
    return { certainty: recurs && !isHandedOver ? 'likely' : 'suspect', leaked, evidence };
  },
};

/** Of how many they are, as far as that makes a pattern: there may be a hundred thousand. */
function runsOf(leaked: readonly Resource[]): number {
  const runs = new Set<Scope | null>();
  for (const { scope } of leaked) {
    runs.add(scope);
    if (runs.size >= NEVER_RELEASED_RUNS) break;
  }
  return runs.size;
}
