/**
 * outlived-scope, of a transaction: the lease was given back while its session was inside a transaction, which so
 * outlives its borrower with all its locks, until somebody else happens to end it.
 *
 * Told by the server with every answer, so one that stays beyond the grace is `likely` at once.
 * False positives: a program that passes an open transaction on by way of the pool; none is known to work like that.
 * False negatives: a session that is ended by the pool's maximum of uses or time before the grace is over.
 */
import type { Detector } from '../detector.ts';
import { largest, span } from '../words.ts';

export const openTransaction: Detector = {
  detector: 'outlived-scope',
  picks:
    (_, { at, graceMs }) =>
    ({ openedAt }) =>
      at - openedAt > graceMs,
  concludes(leaked, _, { at }) {
    const oldest = largest(leaked.map(({ openedAt }) => at - openedAt));
    return {
      certainty: 'likely',
      leaked,
      evidence: [
        `${leaked.length} given back inside a transaction that is still open, the oldest for ${span(oldest)}: no commit or rollback on that path.`,
      ],
    };
  },
};
