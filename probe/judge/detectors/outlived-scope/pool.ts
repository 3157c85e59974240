/**
 * outlived-scope, of a lease whose pool is being shut down: the pool waits for it, and it lies idle. One is enough, since
 * it is why the shutdown, and often the process, never ends.
 *
 * Says `likely` when nobody who goes on holds it: the function that took it waits for the end of the pool itself, its flow
 * is gone or went on to others, or its scope has ended.
 * False positives it avoids: work under way that a graceful shutdown waits for (busy, waiting for a partner, or its flow
 * goes on; a `suspect` where flows cannot be followed).
 * False negatives: a pool that nobody ends, and a flow that is kept alive by something else.
 */
import type { Resource } from '../../../account/ledger.ts';
import { isFurtherOn } from '../../blame.ts';
import type { Context, Detector } from '../detector.ts';
import { isScopeOver } from '../over.ts';
import { largest, span } from '../words.ts';

export const awaitedByPool: Detector = {
  detector: 'outlived-scope',
  picks: (_, context) => (resource) => {
    const since = resource.account.source.pool?.endingAt ?? 0;
    const idleMs = context.at - Math.max(since, resource.lastUsedAt);
    if (since === 0 || idleMs < context.graceMs || resource.isBusy?.()) return false;
    return isForgotten(resource, context) || (!resource.isFollowed && resource.waitsFor === null);
  },
  concludes(leaked, _, context) {
    const { at } = context;
    const longest = largest(leaked.map(({ account }) => at - (account.source.pool?.endingAt ?? at)));
    return {
      certainty: leaked.every((resource) => isForgotten(resource, context)) ? 'likely' : 'suspect',
      leaked,
      evidence: [
        `The pool is being shut down and waits, for ${span(longest)} already, for ${leaked.length} that nobody gives back.`,
      ],
    };
  },
};

function isForgotten(resource: Resource, context: Context): boolean {
  const { account, isHeldByEnder, waitsFor } = resource;
  if (waitsFor !== null) return false;
  // work that was begun by the function that ends the pool shares its flow, but not its lines
  const end = account.source.pool?.endedBy;
  if (isHeldByEnder && account.site && end && isFurtherOn(account.site, end)) return true;
  return resource.isLeftBehind || isScopeOver(resource, context);
}
