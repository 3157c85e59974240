/**
 * superseded: the same flow took and gave back several later ones at this line while this one stayed. A flow that goes
 * round and round has moved on from it. Where this line's flows have always given back their own, several later ones
 * that were taken at all are enough.
 *
 * False positives it avoids: jobs that were started side by side, of which one takes longer (a continuation that has it
 * as its newest still exists, which a garbage collection tells); one held on purpose while others come and go through the same helper (judged by its
 * caller's line, which must have given back others); warm-up that fills a list and then empties it (idle for a grace).
 * False negatives: flows that take only one; Node before 24, where flows cannot be followed.
 */
import type { Detector } from './detector.ts';
import { largest, smallest, span } from './words.ts';

/** Later ones that make a pattern. */
const LATER = 3;
/** Releases that make a history. */
const HISTORY = 10;

export const superseded: Detector = {
  detector: 'superseded',
  picks({ released, history }, { at, graceMs }) {
    if (released === 0) return null;
    const isOwnFlows = history.inFlow >= HISTORY && history.inFlow === history.released;
    const patience = Math.max(graceMs, history.longestUse);
    return (resource) =>
      (resource.superseded >= LATER || (isOwnFlows && resource.overtaken >= LATER)) &&
      at - resource.lastUsedAt > patience &&
      resource.isLeftBehind &&
      !resource.isBusy?.();
  },
  concludes(leaked, _, { at }) {
    const fewest = smallest(leaked.map(({ superseded, overtaken }) => (superseded >= LATER ? superseded : overtaken)));
    const oldest = largest(leaked.map(({ lastUsedAt }) => at - lastUsedAt));
    return {
      certainty: 'likely',
      leaked,
      evidence: [
        `The same flow took at least ${fewest} later ones here while ${
          leaked.length === 1 ? 'this one' : 'these'
        } stayed, unused for ${span(oldest)}.`,
      ],
    };
  },
};
