/**
 * unreachable: nothing but its library's own lists held it when these let go of it for a moment (see proof/prover.ts).
 * Nobody can give it back any more: `proven`, whatever its age, its scope and its flow.
 */
import type { Detector } from './detector.ts';

export const unreachable: Detector = {
  detector: 'unreachable',
  picks: () => (resource) => resource.isOrphan,
  concludes(leaked) {
    const [they, them] = leaked.length === 1 ? ['it', 'it'] : [`${leaked.length} of them`, 'them'];
    const healed = leaked.filter(({ isHealed }) => isHealed).length;
    const evidence = [`Nobody can reach ${they} any more: only its pool still held ${them}.`];
    if (healed > 0)
      evidence.push(`${healed} were destroyed, and their places given back to the pool (OUTLIVE_HEAL=1).`);
    return { certainty: 'proven', leaked, evidence };
  },
};
