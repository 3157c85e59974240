/**
 * growth, of capacity: pools keep connections by design, so an open connection of a pool is no leak, but the number of
 * pools growing with the work is. Says so of many idle pools made at one line that lead to the same database, however
 * often each was used; where it is not known where they lead to, only of those that served a lease or two.
 *
 * False positives it avoids: a pool for each tenant or shard (another host, database, user or name of the application),
 * a few to one database (for reading and writing, for each module), and the pool of a request or job that still runs.
 * False positives: many tenants or shards of which nobody knows where they lead to, or that are told apart only by
 * statements (a search path set by hand), and that are hardly used yet: a `suspect` below `CERTAIN`.
 * False negatives: fewer than `MANY`, and pools that end by themselves when idle (then nothing stays open).
 */
import type { Resource } from '../../../account/ledger.ts';
import { push } from '../../groups.ts';
import type { Detector } from '../detector.ts';

const MANY = 5;
/** Pools that are certainly too many; fewer where they are known to lead to the same place. */
const CERTAIN = 20;
const CERTAIN_ALIKE = 10;
/** To one database, on average: more than one for each purpose. */
const ALIKE = 3;
/** Leases that a pool made for one request serves at most. */
const FEW_LEASES = 2;

export const capacity: Detector = {
  detector: 'growth',
  picks:
    (_, { at, graceMs }) =>
    ({ lastUsedAt, uses, target, scope }) =>
      at - lastUsedAt > graceMs && (target !== null || uses <= FEW_LEASES) && (scope === null || scope.ended !== 0),
  concludes(picked, { open, acquired }) {
    const known = picked.filter(({ target }) => target !== null);
    if (known.length * 2 < picked.length) return ofUnknown(picked, open, acquired);
    const byTarget = new Map<string, Resource[]>();
    for (const pool of known) push(byTarget, pool.target as string, pool);
    const alike = [...byTarget.values()].filter((pools) => pools.length > 1);
    const leaked = alike.flat();
    if (leaked.length - alike.length < MANY || leaked.length < ALIKE * alike.length || leaked.length * 2 < open)
      return null;
    const where = alike.length === 1 ? 'one database' : `${alike.length} databases or names`;
    return {
      certainty: leaked.length - alike.length >= CERTAIN_ALIKE ? 'likely' : 'suspect',
      leaked,
      evidence: [
        `${leaked.length} of ${acquired} pools that were made here are open and idle, and all lead to ${where}: a pool per call instead of one for all.`,
      ],
    };
  },
};

function ofUnknown(leaked: Resource[], open: number, acquired: number): ReturnType<Detector['concludes']> {
  if (leaked.length < MANY || leaked.length * 2 < open) return null;
  return {
    certainty: leaked.length >= CERTAIN ? 'likely' : 'suspect',
    leaked,
    evidence: [
      `${leaked.length} of ${acquired} pools that were made here are open and idle, and none served more than ${FEW_LEASES} leases: a pool per call instead of one for all.`,
    ],
  };
}
