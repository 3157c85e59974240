/**
 * growth, of capacity: pools keep connections by design, so an open connection of a pool is no leak, but the number of
 * pools growing with the work is. Says so of many idle pools made at one line that lead to the same database, however
 * often each was used; where it is not known where they lead to, only of those that served a lease or two. Also of a few
 * that were left behind where others of the line are ended soon.
 *
 * False positives it avoids: a pool for each tenant or shard (another host, database, user or name of the application),
 * a few to one database (for reading and writing, for each module), and the pool of a request or job that still runs;
 * a cache that ends the oldest, or what has long been idle: those that it keeps were used since.
 * False positives: many tenants or shards of which nobody knows where they lead to, or that are told apart only by
 * statements (a search path set by hand), and that are hardly used yet: a `suspect` below `CERTAIN`.
 * False negatives: fewer than `MANY`, and pools that end by themselves when idle (then nothing stays open).
 */
import type { Account, Resource } from '../../../account/ledger.ts';
import { push } from '../../groups.ts';
import { callerOf } from '../alike.ts';
import type { Detector } from '../detector.ts';
import { isScopeOver } from '../over.ts';
import { largest, span } from '../words.ts';

const MANY = 5;
/** Pools that are certainly too many; fewer where they are known to lead to the same place. */
const CERTAIN = 20;
const CERTAIN_ALIKE = 10;
/** To one database, on average: more than one for each purpose. */
const ALIKE = 3;
/** Leases that a pool made for one request serves at most. */
const FEW_LEASES = 2;
/** So many left behind while so many others were ended, and idle for so many times as long as those lasted. */
const LEFT = { few: 3, others: 4, times: 3 };

export const capacity: Detector = {
  detector: 'growth',
  picks: (_, context) => (resource) => {
    const { lastUsedAt, uses, target, scope } = resource;
    if (context.at - lastUsedAt <= context.graceMs || (target === null && uses > FEW_LEASES)) return false;
    return scope === null || isScopeOver(resource, context);
  },
  concludes(picked, { accounts, open, acquired }, { at }) {
    const known = picked.filter(({ target }) => target !== null);
    const tooMany =
      known.length * 2 < picked.length ? ofUnknown(picked, open, acquired) : ofKnown(known, open, acquired);
    return tooMany?.certainty === 'likely' ? tooMany : (leftBehind(picked, accounts, at) ?? tooMany);
  },
};

type Verdict = ReturnType<Detector['concludes']>;

/** Of each caller: a helper makes pools that stay, too. */
function leftBehind(picked: readonly Resource[], accounts: readonly Account[], at: number): Verdict {
  const callers = new Map<string, Account[]>();
  for (const account of accounts) push(callers, callerOf(account), account);
  const all = [...callers.values()].flatMap((ofOne) => leftBy(picked, ofOne, at) ?? []);
  if (all.length === 0) return null;
  const sum = (of: (left: Left) => number) => all.reduce((total, left) => total + of(left), 0);
  const [leaked, released] = [all.flatMap(({ pools }) => pools), sum((left) => left.released)];
  const usual = span(sum(({ heldMs }) => heldMs) / released);
  // each to a database of its own: some may be pinned
  const targets = new Set(leaked.flatMap(({ target }) => target ?? []));
  return {
    certainty: targets.size === leaked.length ? 'suspect' : 'likely',
    leaked,
    evidence: [
      `${leaked.length} pools that were made here are open and idle, though ${released} others were ended, later ones among them, after ${usual} on average.`,
    ],
  };
}

interface Left {
  pools: Resource[];
  /** Of the others. */
  released: number;
  heldMs: number;
}

/** Pools that were not used any more when others were made that have ended since: no cache would keep just those. */
function leftBy(picked: readonly Resource[], accounts: readonly Account[], at: number): Left | null {
  const released = accounts.reduce((total, account) => total + account.released, 0);
  const heldMs = accounts.reduce((total, { heldReleased }) => total + heldReleased, 0);
  if (released < LEFT.others) return null;
  const youngest = largest(accounts.map(({ youngestReleased }) => youngestReleased));
  const pools = picked.filter(
    ({ account, lastUsedAt }) => accounts.includes(account) && at - lastUsedAt > (LEFT.times * heldMs) / released,
  );
  const overtaken = pools.filter(({ lastUsedAt }) => lastUsedAt < youngest);
  return overtaken.length < LEFT.few ? null : { pools, released, heldMs };
}

function ofKnown(pools: readonly Resource[], open: number, acquired: number): Verdict {
  const byTarget = new Map<string, Resource[]>();
  for (const pool of pools) push(byTarget, pool.target as string, pool);
  const alike = [...byTarget.values()].filter(({ length }) => length > 1);
  const leaked = alike.flat();
  if (leaked.length - alike.length < MANY || leaked.length < ALIKE * alike.length || leaked.length * 2 < open)
    return null;
  const where = alike.length === 1 ? 'one database' : `${alike.length} databases or names`;
  return {
    certainty: leaked.length - alike.length >= CERTAIN_ALIKE ? 'likely' : 'suspect',
    leaked,
    evidence: [
      `${leaked.length} of ${acquired} pools that were made here are open and idle, and all lead to ${where}: a pool per call instead of one for all.`,
    ],
  };
}

function ofUnknown(leaked: Resource[], open: number, acquired: number): Verdict {
  if (leaked.length < MANY || leaked.length * 2 < open) return null;
  return {
    certainty: leaked.length >= CERTAIN ? 'likely' : 'suspect',
    leaked,
    evidence: [
      `${leaked.length} of ${acquired} pools that were made here are open and idle, and none served more than ${FEW_LEASES} leases: a pool per call instead of one for all.`,
    ],
  };
}
