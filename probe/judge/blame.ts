/**
 * Which line of a leaking stack to name. Usually the top user frame. Where that is a helper that takes a resource for
 * its callers (`store.acquire()`), the one to name is the caller that should have given it back: releases that did
 * happen show how far up that is, since acquiring and releasing stacks meet in the function that owns the resource.
 */

import type { Account } from '../account/ledger.ts';
import type { Site } from '../account/site.ts';
import { functionEncloses } from './enclosing.ts';

export type IsInside = (inner: string, outer: string) => boolean;

/**
 * Position among `acquired.user` of the innermost function that also gave the resource back: by calling, itself or
 * through others; else by a callback written inside it (`.finally(() => client.release())`); else by awaiting who did.
 * -1 when another flow did.
 */
export function ownerOf(acquired: Site, released: Site, isInside: IsInside = functionEncloses): number {
  const named = released.user.filter((index) => (released.functions[index] ?? '') !== '');
  const functionsOf = (indexes: number[]) => indexes.map((index) => released.functions[index] as string);
  const calling = functionsOf(named.filter((index) => index < released.asyncFrom));
  const awaiting = functionsOf(named.filter((index) => index >= released.asyncFrom));
  const innermost = (is: (acquiring: string) => boolean): number =>
    acquired.user.findIndex(
      (index) => (acquired.functions[index] ?? '') !== '' && is(acquired.functions[index] as string),
    );
  for (const is of [
    (acquiring: string) => calling.includes(acquiring),
    (acquiring: string) => calling.some((name) => isInside(name, acquiring)),
    (acquiring: string) => awaiting.includes(acquiring),
  ]) {
    const owner = innermost(is);
    if (owner >= 0) return owner;
  }
  return -1;
}

/** How far above the top user frame the owner is, for all accounts of one line: the most frequent, 0 if unknown. */
export function ownerDepth(accounts: readonly Account[], isInside?: IsInside): number {
  const votes = new Map<number, number>();
  for (const account of accounts) {
    for (const owner of ownersOf(account, isInside)) if (owner >= 0) votes.set(owner, (votes.get(owner) ?? 0) + 1);
  }
  let best = 0;
  for (const [depth, count] of votes) {
    const most = votes.get(best) ?? 0;
    if (count > most || (count === most && depth < best)) best = depth;
  }
  return best;
}

/** Worked out when somebody looks, not at the release: it may read a source file. */
function ownersOf(account: Account, isInside?: IsInside): number[] {
  const { site, releases, owners } = account;
  while (site && owners.length < releases.length) {
    owners.push(ownerOf(site, releases[owners.length] as Site, isInside));
  }
  return owners;
}

/** Index into the site's stack of the frame to name; -1 without a stack. */
export function blamedFrame(site: Site, depth: number): number {
  return site.user[Math.min(depth, site.user.length - 1)] ?? -1;
}

/** Past helpers, as everywhere: by the releases at that line, whoever called it. */
export function frameToName(site: Site | null, accounts: readonly Account[], isInside?: IsInside): number {
  if (!site) return -1;
  const own = accounts.find((account) => account.site === site);
  return blamedFrame(site, own ? ownerDepth(own.line.accounts, isInside) : 0);
}

/** Whether `later` was called by the same function as `site`'s top frame, from a later line of it. */
export function isFurtherOn(site: Site, later: Site): boolean {
  return isLater(site, later, (inner, outer) => inner === outer);
}

/** … or by a callback written inside that function, further on: `transaction(async () => …)`. */
export function isFurtherInside(site: Site, later: Site, isInside: IsInside = functionEncloses): boolean {
  return isLater(site, later, isInside);
}

function isLater(site: Site, later: Site, isOf: IsInside): boolean {
  const own = site.user[0] ?? -1;
  const [here, taking = ''] = [site.stack[own], site.functions[own]];
  return later.user.some((index) => {
    const [there, asking = ''] = [later.stack[index], later.functions[index]];
    if (!here || !there || taking === '' || asking === '' || !isOf(asking, taking)) return false;
    return there.line > here.line || (there.line === here.line && asking !== taking && there.column > here.column);
  });
}
