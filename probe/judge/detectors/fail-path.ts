/**
 * fail-path: a soak made one operation fail, and this stayed open each time it did, never when it did not (the soak has
 * compared runs with and without). See soak/fail-path/.
 *
 * Not `proven`: a reaper of the service's own may yet give it back.
 * False positives it avoids: what the service acquires by itself meanwhile (it must be there with the fault and never
 * without), work that goes on for a moment after the answer (judged again after a while).
 * False negatives: faults of other kinds than those that are made, and lines that the requests do not reach.
 */
import type { Detector } from './detector.ts';

export const failPath: Detector = {
  detector: 'fail-path',
  picks: () => (resource) => resource.recipe !== null,
  concludes: (leaked) => ({
    certainty: 'likely',
    leaked,
    evidence: [...new Set(leaked.map(({ recipe }) => recipe as string))],
  }),
};
