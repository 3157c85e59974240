/**
 * Which line of a leaking stack to name. Usually the top user frame. Where that is a helper that takes a resource for
 * its callers (`store.acquire()`), the one to name is the caller that should have given it back: releases that did
 * happen show how far up that is, since acquiring and releasing stacks meet in the function that owns the resource.
 */
import type { Account } from './ledger.ts';
import type { Site } from './site.ts';

/** No function of the acquiring stack was on the releasing one: given back by another flow. */
const NOBODY = -1;

/** Position among `acquired.user` of the innermost function that is also on the releasing stack. */
export function ownerOf(acquired: Site, released: Site): number {
  const releasing = new Set(released.user.map((index) => released.functions[index]));
  const owner = acquired.user.findIndex((index) => {
    const inFunction = acquired.functions[index];
    return inFunction !== '' && releasing.has(inFunction);
  });
  return owner;
}

/** How far above the top user frame the owner is, for all accounts of one line: the most frequent, 0 if unknown. */
export function ownerDepth(accounts: readonly Account[]): number {
  const votes = new Map<number, number>();
  for (const { owners } of accounts) {
    for (const owner of owners) if (owner !== NOBODY) votes.set(owner, (votes.get(owner) ?? 0) + 1);
  }
  let best = 0;
  for (const [depth, count] of votes) {
    const most = votes.get(best) ?? 0;
    if (count > most || (count === most && depth < best)) best = depth;
  }
  return best;
}

/** Index into the site's stack of the frame to name; -1 without a stack. */
export function blamedFrame(site: Site, depth: number): number {
  return site.user[Math.min(depth, site.user.length - 1)] ?? -1;
}

/** Whether `later` was called by the same function as `site`'s top frame, from another place in it. */
export function isFurtherOn(site: Site, later: Site): boolean {
  const own = site.user[0] ?? -1;
  const here = site.stack[own];
  return later.user.some((index) => {
    const there = later.stack[index];
    if (!here || !there || site.functions[own] === '' || later.functions[index] !== site.functions[own]) return false;
    return there.line !== here.line || there.column !== here.column;
  });
}
