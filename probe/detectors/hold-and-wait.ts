/**
 * hold-and-wait: every lease of an exhausted pool is held by a flow that itself waits for another lease of that pool.
 * Nobody is left who could release one: `proven`, as long as it lasts. Needs Node 24, to know who holds what.
 *
 * A holder counts only if its code has gone on to ask: no continuation is left that has its lease as the newest, or the
 * function that took it is the one that asks, from another place. And nothing may have moved for a grace.
 *
 * False positives: code that asks for a second one without waiting for it, and meanwhile works on with the first.
 * False negatives: flows that hand their lease to another flow, and a cycle over two pools.
 */
import { isFurtherOn } from '../blame.ts';
import type { Resource } from '../ledger.ts';
import type { PoolDetector } from './detector.ts';
import { span } from './words.ts';

export const holdAndWait: PoolDetector = ({ name, max, waiting, gauges, lastReleasedAt }, { at, graceMs }) => {
  const used = gauges()?.used ?? 0;
  if (waiting.size === 0 || max === 0 || used < max || at - lastReleasedAt < graceMs) return null;
  const held = new Set<Resource>();
  let firstAskedAt = at;
  for (const { mark, askedAt, site } of waiting) {
    if (at - askedAt < graceMs) continue;
    for (const resource of mark?.heldEarlier() ?? []) {
      const { account, isLeftBehind, isBusy } = resource;
      if (account.source.pool?.waiting !== waiting || isBusy?.()) continue;
      if (!isLeftBehind && !(site && account.site && isFurtherOn(account.site, site))) continue;
      held.add(resource);
      firstAskedAt = Math.min(firstAskedAt, askedAt);
    }
  }
  if (held.size < used) return null;
  const [request] = waiting;
  const holders = [...held].map((resource) => ({
    resource,
    ageMs: at - resource.openedAt,
    idleMs: at - resource.lastUsedAt,
    busy: resource.isBusy?.() ?? null,
  }));
  return {
    detector: 'hold-and-wait',
    certainty: 'proven',
    site: request?.site ?? null,
    holders,
    evidence: [
      `All ${used} connections of pool ${name} are held by code that waits here for one more, for ${span(at - firstAskedAt)} already: nobody is left to release one.`,
    ],
  };
};
