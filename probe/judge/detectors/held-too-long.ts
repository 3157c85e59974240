/**
 * held-too-long: a lease is open far beyond what is usual for its own site, or beyond a threshold if one is set.
 *
 * Never more than a `suspect`: age is not a leak.
 *
 * False positives it avoids: a query under way (busy), a site without history (a listener held for life), a site
 * whose use times vary widely (the longest one counts, not the mean).
 * False negatives: a site that never gave anything back, unless a threshold is set.
 */

import type { Detector, Verdict } from './detector.ts';
import { largest, span } from './words.ts';

/** Times the longest known use time. */
const MULTIPLE = 10;
/** Releases that make a history. */
const HISTORY = 10;

export const heldTooLong: Detector = (group, { at, graceMs, heldMs }): Verdict | null => {
  if (group.shape !== 'lease' && group.shape !== 'interval') return null;
  const { uses, longestUse, released } = group.history;
  const isUsual = uses >= HISTORY && group.acquired > 1;
  const limit = heldMs > 0 ? heldMs : isUsual ? Math.max(graceMs, MULTIPLE * longestUse) : Number.POSITIVE_INFINITY;
  const leaked = group.open.filter(({ lastUsedAt, isBusy }) => at - lastUsedAt > limit && !isBusy?.());
  if (leaked.length === 0) return null;
  const oldest = largest(leaked.map(({ openedAt }) => at - openedAt));
  const usual = isUsual ? `; the ${released} that came back took ${span(longestUse)} at most` : '';
  return {
    detector: 'held-too-long',
    certainty: 'suspect',
    leaked,
    evidence: [`${leaked.length} not used for more than ${span(limit)}, the oldest open for ${span(oldest)}${usual}.`],
  };
};
