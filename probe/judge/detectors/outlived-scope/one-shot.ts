/**
 * outlived-scope, of timers that fire once: they end by themselves, so only those are told that work left which failed,
 * while what others set at the line was cleared, or fired, in time.
 *
 * False positives it avoids: what each piece of work leaves, as an entry's time to live; what only a failure sets, such as
 * another try (then no more were set than failed).
 * False negatives: fewer than `MANY`, and a line whose work fails as often as not.
 */
import type { Detector } from '../detector.ts';
import { failuresOf } from '../failed.ts';
import { isScopeOver } from '../over.ts';
import { median, span } from '../words.ts';

const MANY = 8;

export const oneShot: Detector = {
  detector: 'outlived-scope',
  picks: (_, context) => (resource) => {
    const { scope } = resource;
    return scope !== null && isScopeOver(resource, context) && context.at - scope.ended > context.graceMs;
  },
  concludes(leaked, group, context) {
    const failures = leaked.length < MANY ? null : failuresOf(leaked, group, context);
    if (failures === null || group.acquired < 2 * failures) return null;
    const idle = span(median(leaked.map(({ scope }) => context.at - (scope?.ended ?? context.at))));
    return {
      certainty: 'likely',
      leaked,
      evidence: [
        `${leaked.length} that were set here by work that failed are still to come, for ${idle} at the median; the ${group.released} that others set have ended.`,
      ],
    };
  },
};
