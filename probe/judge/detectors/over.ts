/**
 * Whether the work that a resource was taken in is over. The end of a job run says so. That of a request does not quite:
 * a handler may answer first and then work on, or its client may have left before it had answered. There the flow tells,
 * once a collection has come: while a continuation of the code that took it is left, it may be given back yet.
 *
 * False positives: handlers that answer first, where no collection comes.
 * False negatives: for `PATIENCE_MS`, what is kept by handlers that wait for what never comes, or by a timer of theirs,
 * and, of requests whose clients have left, that of which nothing is followed.
 */
import type { Resource } from '../../account/ledger.ts';
import { ABORTED } from '../../account/scope.ts';
import { callerOf } from './alike.ts';
import type { Context, Group } from './detector.ts';

/** After which a handler is not believed to go on for nobody. */
const PATIENCE_MS = 60_000;
/** How long a collection is waited for. */
const UNCOLLECTED_MS = 10_000;

/** Of those that are left, at most so many may be kept by what their request happened to be the first to need. */
const KEPT_SHARE = 1 / 4;

type Moment = Pick<Context, 'at' | 'triedAt' | 'isEnd'>;

/** False for what was taken in no scope. */
export function isScopeOver(resource: Resource, { at, triedAt, isEnd }: Moment): boolean {
  const { scope } = resource;
  if (scope === null || scope.ended === 0) return false;
  if (scope.kind !== 'request' || at - scope.ended > PATIENCE_MS) return true;
  const { nature } = resource.account.source;
  // an operation that nobody goes on with, such as a stream that nobody reads, keeps the flow of its lease
  if (nature.ends === 'given back' && resource.uses > 0 && resource.lastUsedAt <= scope.ended) return true;
  if (scope.failedWith === ABORTED) return resource.hasLostFlow || resource.isAbandoned;
  if (!resource.isFollowed || resource.hasLostFlow || nature.keepsFlow) return true;
  return triedAt <= scope.ended && (isEnd || at - scope.ended > UNCOLLECTED_MS);
}

/**
 * Of what was picked of requests that have ended: without those that may be given back yet, where these are not few.
 * Where others that were taken by the same calls came back before their request had ended, whatever still goes on is not
 * what gives back; another caller of a shared helper may well work on.
 */
export function overOf(picked: Resource[], { accounts }: Group, moment: Moment): Resource[] {
  const callers = new Set(accounts.filter(({ releasedInScope }) => releasedInScope > 0).map(callerOf));
  const over = picked.filter((resource) => {
    const { scope, account } = resource;
    if (scope === null || (callers.has(callerOf(account)) && scope.failedWith !== ABORTED)) return true;
    return isScopeOver(resource, moment);
  });
  return picked.length - over.length <= KEPT_SHARE * picked.length ? picked : over;
}
