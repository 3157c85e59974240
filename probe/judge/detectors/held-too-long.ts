/**
 * held-too-long: a lease is open far beyond what is usual for its own site, or beyond a threshold if one is set.
 *
 * Never more than a `suspect`: age is not a leak.
 *
 * False positives it avoids: a query under way (busy), a site without history (a listener held for life), a site
 * whose use times vary widely (the longest one counts, not the mean).
 * False negatives: a site that never gave anything back, unless a threshold is set.
 */

import type { Context, Detector, Group } from './detector.ts';
import { largest, span } from './words.ts';

/** Times the longest known use time. */
const MULTIPLE = 10;
/** Releases that make a history. */
const HISTORY = 10;

export const heldTooLong: Detector = {
  detector: 'held-too-long',
  picks(group, context) {
    const limit = limitOf(group, context);
    const { at } = context;
    return limit === null ? null : ({ lastUsedAt, isBusy }) => at - lastUsedAt > limit && !isBusy?.();
  },
  concludes(leaked, group, context) {
    const oldest = largest(leaked.map(({ openedAt }) => context.at - openedAt));
    const { released, longestUse } = group.history;
    const usual = isUsual(group) ? `; the ${released} that came back took ${span(longestUse)} at most` : '';
    const limit = span(limitOf(group, context) ?? 0);
    return {
      certainty: 'suspect',
      leaked,
      evidence: [`${leaked.length} not used for more than ${limit}, the oldest open for ${span(oldest)}${usual}.`],
    };
  },
};

function isUsual({ history, acquired }: Group): boolean {
  return history.uses >= HISTORY && acquired > 1;
}

/** Milliseconds; null where nothing is too long. */
function limitOf(group: Group, { graceMs, heldMs }: Context): number | null {
  if (heldMs > 0) return heldMs;
  return isUsual(group) ? Math.max(graceMs, MULTIPLE * group.history.longestUse) : null;
}
