/**
 * collected: the object that the library hands out fresh for each borrow was garbage-collected while the lease was open.
 * Nobody can release it any more: `proven`.
 *
 * False positives: none known; an adapter sets `handle` only where releasing needs that very object.
 * False negatives: libraries that hand out the same object every time (generic-pool, pg), and leaks that keep the object.
 */
import type { Detector } from './detector.ts';

export const collected: Detector = {
  detector: 'collected',
  picks: () => (resource) => resource.handle !== null && resource.handle.deref() === undefined,
  concludes: (leaked) => {
    const were = leaked.length === 1 ? '1 was' : `${leaked.length} were`;
    const evidence = [`${were} dropped: the borrowed object itself was garbage-collected, unreleased.`];
    return { certainty: 'proven', leaked, evidence };
  },
};
