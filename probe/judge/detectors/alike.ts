/**
 * What is alike: by what a resource leads to (several that lead to the same are no entries of one cache, nor each for a
 * purpose of its own), and by who took it.
 */
import { type Account, positionAt, type Resource } from '../../account/ledger.ts';

/** With what is listened to on it; null where that is not known. */
export function targetOf({ leadsTo, owned }: Resource): string | null {
  const heard: string[] = [];
  for (const own of owned ?? []) if (isListener(own)) heard.push(own.leadsTo ?? '');
  return leadsTo === null ? null : JSON.stringify([leadsTo, heard.sort()]);
}

/** A consumer and the like, or what such are on: a program may well begin several and keep them. */
export function listens(resource: Resource): boolean {
  if (isListener(resource)) return true;
  for (const own of resource.owned ?? []) if (isListener(own)) return true;
  return false;
}

/** Made by a client for itself, which tells of both. */
export function isPart({ owner, bond }: Resource): boolean {
  return owner !== null && !owner.closed && bond === 'goes on' && owner.account.source.nature.keepsFlow === true;
}

function isListener({ closed, account }: Resource): boolean {
  return !closed && account.source.nature.isOftenSeveral === true;
}

/** Lines of the service's: a helper has several callers. */
export function callerOf({ site }: Account): string {
  return [0, 1, 2].map((depth) => positionAt(site, depth)).join(' ');
}
