/**
 * collected: the object that the library hands out fresh for each borrow, or the promise that ends the borrow, was
 * garbage-collected while the lease was open. Nobody can release it any more: `proven`.
 *
 * False positives: none known; an adapter sets `handle` only where releasing needs that very object.
 * False negatives: libraries that hand out the same object every time (generic-pool, pg), and leaks that keep the object.
 */
import type { Detector } from './detector.ts';

export const collected: Detector = {
  detector: 'collected',
  picks: () => (resource) => resource.handle !== null && resource.handle.deref() === undefined,
  concludes: (leaked) => {
    const [were, them] = leaked.length === 1 ? ['1 was', 'it'] : [`${leaked.length} were`, 'them'];
    const evidence = [`${were} dropped: what alone could give ${them} back was garbage-collected.`];
    return { certainty: 'proven', leaked, evidence };
  },
};
