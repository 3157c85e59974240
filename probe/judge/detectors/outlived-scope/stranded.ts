/**
 * outlived-scope, of what was opened on something else (a result set on its connection): the owner was given back, and
 * only through it could the other be closed. Nobody can close it any more: `proven`.
 *
 * False positives: none known; an adapter marks as stranded only what the library itself refuses to close from then on.
 * False negatives: what still could be closed, by a stream that reads from it; that is found once it is collected.
 */
import type { Detector } from '../detector.ts';

export const stranded: Detector = {
  detector: 'outlived-scope',
  picks: () => (resource) => resource.isStranded,
  concludes(leaked) {
    const [were, their] = leaked.length === 1 ? ['was', 'its connection'] : ['were', 'their connections'];
    return {
      certainty: 'proven',
      leaked,
      evidence: [
        `${leaked.length} ${were} still open when ${their} went back to the pool: nobody can close them any more, and their cursors stay open in the session.`,
      ],
    };
  },
};
