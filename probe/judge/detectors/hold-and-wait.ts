/**
 * hold-and-wait: every lease of an exhausted pool is held by a flow that itself waits for another lease of that pool.
 * Nobody is left who could release one: `proven`, as long as it lasts. Needs Node 24, to know who holds what.
 *
 * A holder counts only if the function that took it is the one that asks, further on; there must be as many who ask as
 * are held, and nothing may have moved for a grace. Where a callback written inside that function asks, it is `likely`:
 * `transaction(async () => …)` waits for its callback, as nearly all do.
 *
 * False positives it avoids: a flow that leaked one after the other and now waits itself (one asks, many are held, and
 * other detectors condemn them), jobs started side by side (each asks where it took).
 * False positives: code that asks for a second one without waiting for it, and works on with the first, by itself or
 * beside a callback that asks.
 * False negatives: flows that hold two and ask for a third, hand theirs to another flow, or wait across two pools.
 */

import type { Resource } from '../../account/ledger.ts';
import { heldBefore } from '../../account/resource.ts';
import { isFurtherInside, isFurtherOn } from '../blame.ts';
import type { PoolDetector } from './detector.ts';
import { span } from './words.ts';

export const holdAndWait: PoolDetector = ({ name, max, waiting, gauges, lastReleasedAt }, { at, graceMs }) => {
  const used = gauges()?.used ?? 0;
  if (waiting.size === 0 || max === 0 || used < max || at - lastReleasedAt < graceMs) return null;
  const held = new Set<Resource>();
  const ofCallbacks = new Set<Resource>();
  const asking = [...waiting].filter(({ askedAt }) => at - askedAt >= graceMs);
  for (const { mark, site } of asking) {
    for (const resource of heldBefore(mark)) {
      const { account, isBusy, condemnedBy } = resource;
      if (account.source.pool?.waiting !== waiting || condemnedBy !== null || isBusy?.()) continue;
      if (!site || !account.site) continue;
      if (isFurtherOn(account.site, site)) held.add(resource);
      else if (isFurtherInside(account.site, site)) ofCallbacks.add(resource);
    }
  }
  const isSure = held.size >= used;
  for (const resource of ofCallbacks) held.add(resource);
  if (held.size < used || asking.length < used) return null;
  const firstAskedAt = Math.min(...asking.map(({ askedAt }) => askedAt));
  const holders = [...held].map((resource) => ({
    resource,
    ageMs: at - resource.openedAt,
    idleMs: at - resource.lastUsedAt,
    busy: resource.isBusy?.() ?? null,
  }));
  return {
    detector: 'hold-and-wait',
    certainty: isSure ? 'proven' : 'likely',
    site: asking[0]?.site ?? null,
    exhausted: { cause: 'deadlock', used, limit: max, waiting: waiting.size },
    holders,
    evidence: [
      `All ${used} connections of pool ${name} are held by code that waits here for one more, for ${span(at - firstAskedAt)} already: nobody is left to release one.`,
    ],
  };
};
