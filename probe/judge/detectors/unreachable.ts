/**
 * unreachable: nothing but its library's own lists held it when these let go of it for a moment (see proof/prover.ts).
 * Nobody can give it back any more: `proven`, whatever its age, its scope and its flow.
 */
import type { Detector } from './detector.ts';

export const unreachable: Detector = {
  detector: 'unreachable',
  picks: () => (resource) => resource.isOrphan,
  concludes: (leaked) => ({
    certainty: 'proven',
    leaked,
    evidence: [
      `Nobody can reach ${leaked.length === 1 ? 'it' : `${leaked.length} of them`} any more: only its pool still held ${leaked.length === 1 ? 'it' : 'them'}.`,
    ],
  }),
};
