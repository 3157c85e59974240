/**
 * hold-and-wait: every lease of an exhausted pool is held by a flow that itself waits for another lease of that pool.
 * Nobody is left who could release one: `proven`. Needs Node 24, to know who holds what.
 *
 * A holder counts only if the function that took it is the one that asks, further on; there must be as many who ask as
 * are held, and nothing may have moved for a grace, or one of them must have timed out meanwhile. A time-out lets go of
 * what was a deadlock none the less: it stays in the report (see deadlocks.ts). Where a callback written inside that
 * function asks, it is `likely`: `transaction(async () => …)` waits for its callback, as nearly all do.
 *
 * False positives it avoids: a flow that leaked one after the other and now waits itself (one asks, many are held, and
 * other detectors condemn them), jobs started side by side (each asks where it took).
 * False positives: code that asks for a second one without waiting for it, and works on with the first, by itself or
 * beside a callback that asks.
 * False negatives: flows that hold two and ask for a third, hand theirs to another flow, or wait across two pools; and
 * where acquires time out, a pool that very many wait for.
 */

import type { Resource } from '../../account/ledger.ts';
import { type Exhaustion, holderOf, type PoolState, type Waiting } from '../../account/pool-state.ts';
import { heldBefore } from '../../account/resource.ts';
import type { Site } from '../../account/site.ts';
import { isFurtherInside, isFurtherOn } from '../blame.ts';
import type { PoolDetector, PoolVerdict } from './detector.ts';
import { span } from './words.ts';

/** What is held by those who wait, and where they wait; `isSure`: the function that took it waits itself. */
type Held = Map<Resource, { site: Site; isSure: boolean }>;

export const holdAndWait: PoolDetector = (pool, { at, graceMs }) => {
  const last = pool.timeouts > pool.timeoutsJudged ? pool.exhaustions.findLast(isDeadlock(pool)) : undefined;
  if (last) return ofTimeout(pool, last);
  const { name, max, waiting, gauges, lastReleasedAt } = pool;
  const used = gauges()?.used ?? 0;
  if (waiting.size === 0 || max === 0 || used < max || at - lastReleasedAt < graceMs) return null;
  const asking = [...waiting].filter(({ askedAt }) => at - askedAt >= graceMs);
  const isOwn = ({ account, condemnedBy, isBusy }: Resource): boolean =>
    account.source.pool === pool && condemnedBy === null && !isBusy?.();
  const held = waitedWith(asking.map(({ site, mark }) => ({ site, held: [...heldBefore(mark)].filter(isOwn) })));
  if (held.size < used || asking.length < used) return null;
  const firstAskedAt = Math.min(...asking.map(({ askedAt }) => askedAt));
  return {
    ...verdict(held, used, at),
    exhausted: { cause: 'deadlock', used, limit: max, waiting: waiting.size },
    evidence: [
      `All ${used} connections of pool ${name} are held by code that waits here for one more, for ${span(at - firstAskedAt)} already: nobody is left to release one.`,
    ],
  };
};

const isDeadlock =
  ({ max }: PoolState) =>
  ({ waiting, gauges: { used } }: Exhaustion): boolean =>
    max > 0 && used >= max && waiting.length >= used && waitedWith(waiting).size >= used;

function ofTimeout(
  { name, max }: PoolState,
  { at, waiting, waitedMs, gauges: { used, pending } }: Exhaustion,
): PoolVerdict {
  const evidence = `All ${used} connections of pool ${name} were held by code that waited here for one more, until that timed out after ${span(waitedMs)}: nobody else was left to release one.`;
  return {
    ...verdict(waitedWith(waiting), used, at),
    exhausted: { cause: 'deadlock', used, limit: max, waiting: pending },
    evidence: [evidence],
  };
}

function waitedWith(asking: readonly Waiting[]): Held {
  const held: Held = new Map();
  for (const { site, held: own } of asking) {
    for (const resource of own) {
      const taken = resource.account.site;
      if (!site || !taken) continue;
      if (isFurtherOn(taken, site)) held.set(resource, { site, isSure: true });
      else if (!held.has(resource) && isFurtherInside(taken, site)) held.set(resource, { site, isSure: false });
    }
  }
  return held;
}

/** At the line where most of the holders wait. */
function verdict(held: Held, used: number, at: number): Omit<PoolVerdict, 'exhausted' | 'evidence'> {
  const times = new Map<Site, number>();
  for (const { site } of held.values()) times.set(site, (times.get(site) ?? 0) + 1);
  const [site = null] = [...times.keys()].sort((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0));
  const sure = [...held.values()].filter(({ isSure }) => isSure).length;
  const holders = [...held.keys()].map((resource) => holderOf(resource, at));
  return { detector: 'hold-and-wait', certainty: sure >= used ? 'proven' : 'likely', site, holders };
}
