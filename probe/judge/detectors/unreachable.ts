/**
 * unreachable: nothing but its library's own lists held it when these let go of it for a moment (see proof/prover.ts).
 * Nobody can give it back any more: `proven`, whatever its age, its scope and its flow.
 */
import type { Resource } from '../../account/ledger.ts';
import type { Detector } from './detector.ts';

export const unreachable: Detector = {
  detector: 'unreachable',
  picks: () => (resource) => resource.isOrphan,
  concludes(leaked) {
    const [they, them] = leaked.length === 1 ? ['it', 'it'] : [`${leaked.length} of them`, 'them'];
    const healed = leaked.filter(({ isHealed }) => isHealed).length;
    const evidence = [...lostForGood(leaked), `Nobody can reach ${they} any more: only its pool still held ${them}.`];
    if (healed > 0) evidence.push(`${healed} were destroyed, and their places given back to the pool.`);
    return { certainty: 'proven', leaked, evidence };
  },
};

/** Of what was there before the probe came, which is of one pool: what that means for the pool. */
function lostForGood(leaked: readonly Resource[]): string[] {
  const { isBefore, source } = leaked[0]?.account ?? {};
  const { max = 0, name } = source?.pool ?? {};
  if (!isBefore || max === 0) return [];
  const lent = leaked.filter(({ waitedMs }) => waitedMs === 0).length;
  const since = leaked.length - lent;
  return [
    lent > 0 && `${lent} of ${max} connections of ${name} are lost for good.`,
    since > 0 && `${since} ${since === 1 ? 'was' : 'were'} asked for before outlive came, and lost since.`,
  ].filter((sentence) => sentence !== false);
}
