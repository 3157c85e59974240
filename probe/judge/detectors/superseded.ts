/**
 * superseded: the same flow took and gave back several later ones at this line while this one stayed. A flow that goes
 * round and round has moved on from it. Where this line's flows have always given back their own, several later ones
 * that were taken at all are enough; and at the end of the process a single one that came back, for a short program's
 * loop gets no further.
 *
 * False positives it avoids: jobs that were started side by side, of which one takes longer (a continuation that has it
 * as its newest still exists, which a garbage collection tells); one held on purpose while others come and go through the same helper (judged by its
 * caller's line, which must have given back others); warm-up that fills a list and then empties it (idle for a grace).
 * False positives: beside others that leak, the job that the flow which ends the process started before its first await.
 * False negatives: flows that take only one; Node before 24, where flows cannot be followed.
 */
import type { Resource } from '../../account/ledger.ts';
import type { Context, Detector } from './detector.ts';
import { largest, smallest, span } from './words.ts';

/** Later ones that make a pattern. */
const LATER = 3;
/** Releases that make a history. */
const HISTORY = 10;

export const superseded: Detector = {
  detector: 'superseded',
  picks({ released, history }, context) {
    if (released === 0) return null;
    const { at, graceMs, isEnd } = context;
    const isOwnFlows = history.inFlow === history.released;
    const isOver = isEnd && isOwnFlows && history.inFlow >= LATER;
    const later = isOver ? 1 : LATER;
    const patience = isOver ? 0 : Math.max(graceMs, history.longestUse);
    const isOvertaken = isOwnFlows && history.inFlow >= HISTORY;
    return (resource) =>
      (resource.superseded >= later || (isOvertaken && resource.overtaken >= LATER)) &&
      at - resource.lastUsedAt > patience &&
      (resource.isLeftBehind || isOfEnding(resource, context)) &&
      !resource.isBusy?.();
  },
  concludes(leaked, _, context) {
    // others may share the flow that ends the process, up to their first await
    if (leaked.every((resource) => !resource.isLeftBehind)) return null;
    const fewest = smallest(leaked.map(({ superseded, overtaken }) => (superseded > 0 ? superseded : overtaken)));
    const oldest = largest(leaked.map(({ lastUsedAt }) => context.at - lastUsedAt));
    return {
      certainty: 'likely',
      leaked,
      evidence: [
        `The same flow took at least ${fewest} later one${fewest === 1 ? '' : 's'} here while ${
          leaked.length === 1 ? 'this one' : 'these'
        } stayed, unused for ${span(oldest)}.`,
      ],
    };
  },
};

function isOfEnding({ flow }: Resource, { ending }: Context): boolean {
  return ending !== null && flow !== null && flow.mark.deref() === ending;
}
