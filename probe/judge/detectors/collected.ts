/**
 * collected: the object that the library hands out fresh for each borrow was garbage-collected while the lease was open.
 * Nobody can release it any more: `proven`.
 *
 * False positives: none known; an adapter sets `handle` only where releasing needs that very object.
 * False negatives: libraries that hand out the same object every time (generic-pool, pg), and leaks that keep the object.
 */
import type { Detector } from './detector.ts';

export const collected: Detector = ({ open }) => {
  const leaked = open.filter(({ handle }) => handle !== null && handle.deref() === undefined);
  if (leaked.length === 0) return null;
  return {
    detector: 'collected',
    certainty: 'proven',
    leaked,
    evidence: [`${leaked.length} were dropped: the borrowed object itself was garbage-collected, unreleased.`],
  };
};
