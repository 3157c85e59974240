/**
 * Where not all requests are followed (see watch/scopes/followed.ts), what was taken in no scope may be of one that goes
 * on, as those do that are.
 */
import type { Resource } from '../../account/ledger.ts';
import { FOLLOWED_ONE_OF, UNFOLLOWED } from '../../account/scope-names.ts';
import type { Context } from './detector.ts';

/** Of so many that did not come all at once at least one is followed: the chance of none is below one in a hundred. */
const ENOUGH = Math.ceil(Math.log(100) * FOLLOWED_ONE_OF);

/** Whether what has no scope is likely to be of a request that goes on, by others of the same line. */
export function mayGoOn(open: Iterable<Resource>, { scopes }: Context): boolean {
  if (!scopes.has(UNFOLLOWED)) return false;
  for (const { scope } of open) if (scope?.ended === 0) return true;
  return false;
}

/** Whether so few have been left that each may be of a request of which nothing is known. */
export function areOfUnknown(leaked: readonly Resource[], { scopes }: Context): boolean {
  return scopes.has(UNFOLLOWED) && leaked.length < ENOUGH && leaked.every(({ scope }) => scope === null);
}
