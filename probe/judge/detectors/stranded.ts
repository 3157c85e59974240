/**
 * outlived-scope, of a result set: the connection that it was opened on went back to the pool, and the driver closes it
 * only through that. Nobody can close it any more, and its cursor stays open in the session: `proven`.
 *
 * False positives: none known; an adapter marks as stranded only what the library itself refuses to close from then on.
 * False negatives: what still could be closed, by a stream that reads from it; that is found once it is collected.
 */
import type { Detector } from './detector.ts';

export const stranded: Detector = ({ open }) => {
  const leaked = open.filter(({ isStranded }) => isStranded);
  if (leaked.length === 0) return null;
  const [were, their] = leaked.length === 1 ? ['was', 'its connection'] : ['were', 'their connections'];
  return {
    detector: 'outlived-scope',
    certainty: 'proven',
    leaked,
    evidence: [
      `${leaked.length} ${were} still open when ${their} went back to the pool: nobody can close them any more, and their cursors stay open in the session.`,
    ],
  };
};
