/**
 * Owners that no adapter can know: a heartbeat is its connection's, though only the service's code ties the two. It is
 * learned: what was opened later by the same flow or scope, and ends in the same moment again and again, belongs to what
 * was opened first. While that is still open, the other is not judged.
 *
 * False positives: things that one function opens and closes together though neither needs the other; of these the first
 * is named, and the other is a sentence of its finding.
 * False negatives: fewer than `VOTES` pairs that ended, owners outside of the flow or scope, and owners of the same line.
 */
import type { Account } from './ledger.ts';
import type { Resource } from './resource.ts';

/** Two that end within this time end together; milliseconds. */
const MOMENT = 1;
/** Pairs that make a rule, and the share of all that were released. */
const VOTES = 10;
const SHARE = 0.95;
/** Partners that are counted for one account: more are chance. */
const MAX_PARTNERS = 8;
/** Endings that may be of the moment. */
const RECENT = 8;

export class Companions {
  /** The latest that ended and had one, in a ring. */
  private readonly recent: (Resource | null)[] = new Array(RECENT).fill(null);
  private at = 0;
  private lastAt = Number.NEGATIVE_INFINITY;

  /** To be told of each resource that was just closed. */
  ended(resource: Resource): void {
    const { companion, closedAt } = resource;
    if (companion !== null) {
      if (companion.closed && closedAt - companion.closedAt <= MOMENT) vote(resource.account, companion.account);
      this.recent[this.at++ % RECENT] = resource;
    }
    if (resource.isCompanion && closedAt - this.lastAt <= MOMENT) {
      for (const other of this.recent) {
        if (other?.companion === resource && closedAt - other.closedAt <= MOMENT) vote(other.account, resource.account);
      }
    }
    if (companion !== null) this.lastAt = closedAt;
  }
}

/** What `resource` has to wait for with its end; null when it stands for itself, or that has ended already. */
export function companionOf({ account, companion }: Resource): Resource | null {
  if (companion === null || companion.closed) return null;
  const votes = votesOf(account, companion.account);
  if (votes < VOTES || votes < SHARE * account.released) return null;
  // where a job ends many at once, each one has the one before as its companion: the owner is what has it less often
  return votes > votesOf(companion.account, account) ? companion : null;
}

function votesOf(account: Account, owner: Account): number {
  return account.endsWith?.get(owner) ?? 0;
}

function vote(account: Account, owner: Account): void {
  account.endsWith ??= new Map();
  const { endsWith } = account;
  if (endsWith.has(owner) || endsWith.size < MAX_PARTNERS) endsWith.set(owner, (endsWith.get(owner) ?? 0) + 1);
}
