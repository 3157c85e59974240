/**
 * growth, of capacity: pools keep connections by design, so an open connection of a pool is no leak, but the number of
 * pools growing with the work is. Says so of pools that served only a lease or two and lie idle, many from one line.
 *
 * False positives: many tenants or shards with a pool each that are hardly used yet: a `suspect` below `CERTAIN`.
 * False negatives: fewer than `MANY`, and pools that end by themselves when idle (then nothing stays open).
 */
import type { Detector } from '../detector.ts';

const MANY = 5;
const CERTAIN = 20;
/** Leases that a pool made for one request serves at most. */
const FEW_LEASES = 2;

export const capacity: Detector = {
  detector: 'growth',
  picks:
    (_, { at, graceMs }) =>
    ({ lastUsedAt, uses }) =>
      uses <= FEW_LEASES && at - lastUsedAt > graceMs,
  concludes(leaked, { acquired }) {
    if (leaked.length < MANY || leaked.length * 2 < acquired) return null;
    return {
      certainty: leaked.length >= CERTAIN ? 'likely' : 'suspect',
      leaked,
      evidence: [
        `${leaked.length} of ${acquired} pools that were made for calls from here are open and idle, and none served more than ${FEW_LEASES} leases: a pool per call instead of one for all.`,
      ],
    };
  },
};
