/**
 * pool-exhausted: an acquire timed out. Says who holds the pool, and which of five causes it looks like, from numbers
 * that it shows, since the remedies are opposite:
 *
 * - `waiting elsewhere`: at least half of the holders have lain idle far beyond what is usual for their line, and most of
 *   these are known to wait for something else (a slow partner), or are of a request or run that still goes on
 * - `leak`: at least half of the holders have lain idle so long, and nothing is known that they wait for
 * - `slow database`: new connections do not come up, or the holders are busy for much longer than is usual
 * - `storm`: acquires came several times as fast as before
 * - `too small`: none of these; the work simply needs more at once
 *
 * A leak, and a wait for something else, stand as long as their holders do. The others stand while they go on: they are withdrawn when the last time-out
 * is a second old, unless it happened in several episodes. Always a `suspect`, but for a leak by several holders who
 * are known to be forgotten: their flow or scope is gone, or a detector condemns them.
 *
 * False positives: a deliberate burst against a small pool is a `storm` while it lasts.
 * False negatives: pools without a time-out tell nobody; there only a leak of all leases is seen, by those who wait.
 */
import { EPISODE_MS, type Exhaustion, type Holder, type PoolState } from '../../account/pool-state.ts';
import type { Cause } from '../../recording/format.ts';
import type { Context, PoolDetector } from './detector.ts';
import { isScopeOver } from './over.ts';
import { median, span } from './words.ts';

/** Times the usual use. */
const BEYOND = 3;
/** Times the usual rate of acquires. */
const STORM = 3;

export const poolExhausted: PoolDetector = (pool, context) => {
  const { at, graceMs } = context;
  const hung = pool.timeouts === 0 ? waitingForLeaked(pool, at, graceMs) : null;
  const exhaustions = hung ? [hung] : pool.exhaustions;
  const last = exhaustions.at(-1);
  if (!last) return null;
  const causes = exhaustions.map((exhaustion) => ({ exhaustion, cause: causeOf(exhaustion, context) }));
  const leak = causes.findLast(
    ({ cause, exhaustion }) => cause === 'leak' && stuck(exhaustion, graceMs).some(({ resource }) => !resource.closed),
  );
  const partner = causes.findLast(
    ({ cause, exhaustion }) =>
      cause === 'waiting elsewhere' && exhaustion.holders.some(({ resource }) => !resource.closed),
  );
  const isNews = pool.timeouts > pool.timeoutsJudged || at - last.at <= EPISODE_MS;
  if (!leak && !partner && !isNews && episodes(exhaustions) < 2) return null;
  const { exhaustion, cause } =
    leak ?? partner ?? (causes.findLast((each) => each.cause !== 'leak') as (typeof causes)[number] | undefined) ?? {};
  if (!exhaustion || !cause) return null;

  const holders = cause === 'leak' ? stuck(exhaustion, graceMs) : exhaustion.holders;
  return {
    detector: 'pool-exhausted',
    certainty:
      cause === 'leak' && holders.filter((holder) => isForgotten(holder, context)).length >= 2 ? 'likely' : 'suspect',
    // with no holder known, the connection was still on its way to who asked for it
    site: mostHolding(holders) ?? exhaustion.asker,
    exhausted: { cause, used: exhaustion.gauges.used, limit: pool.max, waiting: exhaustion.gauges.pending },
    holders: exhaustion.holders,
    evidence: [sentence(pool, exhaustion), `${REMEDY[cause]} ${reason(cause, exhaustion, holders)}`],
  };
};

/** Without a time-out nobody is told: an acquire waits, and all that could serve it lie idle far beyond the usual. */
function waitingForLeaked({ waiting, max, gauges, leases }: PoolState, at: number, graceMs: number): Exhaustion | null {
  const now = gauges();
  const [first] = waiting;
  if (!first || !now || max === 0 || now.used < max) return null;
  const waitedMs = at - first.askedAt;
  if (waitedMs <= graceMs) return null;
  const holders = leases(at);
  const exhaustion = {
    at,
    waitedMs,
    asker: first.site,
    isConnect: false,
    gauges: now,
    holders,
    demand: { now: 0, before: 0 },
    waiting: [],
  };
  const areStuck = stuck(exhaustion, graceMs).length === holders.length && holders.length > 0;
  return areStuck ? exhaustion : null;
}

type Told = Exclude<Cause, 'deadlock'>;

const REMEDY: Record<Told, string> = {
  leak: 'A leak: more connections would only put it off.',
  'waiting elsewhere': 'Held too long:',
  'slow database': 'A slow database: more connections would make it slower.',
  storm: 'A storm: smooth the burst, or let it wait longer.',
  'too small': 'Too small: this work needs more connections at once, or shorter uses.',
};

function causeOf(exhaustion: Exhaustion, context: Context): Told {
  const { isConnect, holders, demand } = exhaustion;
  const turned = holders.filter(({ elsewhere, ageMs, idleMs }) => elsewhere !== null && idleMs * 2 > ageMs);
  if (holders.length > 0 && turned.length * 2 > holders.length) return 'waiting elsewhere';
  const idle = stuck(exhaustion, context.graceMs);
  if (holders.length > 0 && idle.length * 2 >= holders.length) {
    return idle.filter((holder) => isElsewhere(holder, context)).length * 2 >= idle.length
      ? 'waiting elsewhere'
      : 'leak';
  }
  if (isConnect || holders.filter(isSlow).length * 2 > holders.length) return 'slow database';
  return demand.now > STORM * demand.before ? 'storm' : 'too small';
}

/** Idle beyond three times what is usual for its line, or, without a history, for longer than the acquire waited. */
function stuck({ holders, waitedMs }: Exhaustion, graceMs: number): Holder[] {
  return holders.filter(({ resource, idleMs, busy }) => {
    if (busy === true) return false;
    const { count, max } = usualAt(resource);
    return idleMs > (count > 0 ? Math.max(BEYOND * max, Math.min(graceMs, waitedMs)) : waitedMs);
  });
}

/** Known, or of a request or run that has not ended, though nobody knows what it waits for. */
function isElsewhere({ elsewhere, resource }: Holder, context: Context): boolean {
  const { scope, condemnedBy } = resource;
  if (elsewhere !== null) return true;
  return condemnedBy === null && scope !== null && !isScopeOver(resource, context) && !resource.isLeftBehind;
}

/** Nobody who could give it back is known to be left. Where flows cannot be followed, only its scope tells. */
function isForgotten({ resource, elsewhere }: Holder, context: Context): boolean {
  if (resource.condemnedBy !== null) return true;
  if (elsewhere !== null || resource.waitsFor !== null) return false;
  return resource.isLeftBehind || isScopeOver(resource, context);
}

/** `4 of 4 in \`fetch\``. */
function whatFor(holders: readonly Holder[]): string {
  const known = new Map<string, number>();
  for (const { elsewhere } of holders) if (elsewhere !== null) known.set(elsewhere, (known.get(elsewhere) ?? 0) + 1);
  const parts = [...known]
    .sort(([, a], [, b]) => b - a)
    .map(([what, count]) => `${count} of ${holders.length} in ${what}`);
  return parts.length > 0 ? parts.join(', ') : 'it is not known for what';
}

/** Busy, and its current use is already much longer than the typical one. */
function isSlow({ resource, ageMs, busy }: Holder): boolean {
  const usual = usualAt(resource);
  return busy !== false && usual.count > 0 && ageMs > BEYOND * usual.median;
}

/** Use times at the same line of code, whoever called it. */
function usualAt({ account }: Holder['resource']): { count: number; median: number; max: number } {
  const alike = [...account.source.accounts.values()].filter(
    ({ line, useTimes }) => line === account.line && useTimes.count > 0,
  );
  return {
    count: alike.reduce((count, { useTimes }) => count + useTimes.count, 0),
    median: median(alike.map(({ useTimes }) => useTimes.quantile(0.5))),
    max: Math.max(0, ...alike.map(({ useTimes }) => useTimes.max)),
  };
}

function episodes(exhaustions: readonly Exhaustion[]): number {
  return exhaustions.filter(
    ({ at }, index) => at - (exhaustions[index - 1]?.at ?? Number.NEGATIVE_INFINITY) > EPISODE_MS,
  ).length;
}

function sentence({ name, max, timeouts }: PoolState, { waitedMs, gauges, isConnect }: Exhaustion): string {
  if (timeouts === 0) {
    return `${gauges.pending} acquire${gauges.pending === 1 ? ' waits' : 's wait'} for pool ${name}, the first for ${span(waitedMs)}, with ${gauges.used} of ${max} in use; none has timed out yet.`;
  }
  const times = `${timeouts} acquire${timeouts === 1 ? '' : 's'} of pool ${name} timed out after ${span(waitedMs)}`;
  if (isConnect) return `${times}, waiting for a new connection.`;
  return `${times}, with ${gauges.used} of ${max || gauges.used} in use and ${gauges.pending} waiting.`;
}

function reason(cause: Told, { holders, demand }: Exhaustion, concerned: readonly Holder[]): string {
  const usual = median(holders.map(({ resource }) => usualAt(resource).median));
  const age = median(concerned.map(({ ageMs }) => ageMs));
  const rates = `${demand.now.toFixed(1)} acquires per second against ${demand.before.toFixed(1)} before`;
  switch (cause) {
    case 'leak':
      return `${concerned.length} of ${holders.length} holders lie idle, for ${span(median(concerned.map(({ idleMs }) => idleMs)))} at the median.`;
    case 'waiting elsewhere':
      return `holders wait for something other than the database: ${whatFor(holders)}, and have theirs for ${span(age)} at the median, where ${span(usual)} is usual.`;
    case 'slow database':
      return `Holders have theirs for ${span(age)} at the median, where ${span(usual)} is usual; ${rates}.`;
    default:
      return `Holders have theirs for ${span(age)} at the median, ${span(usual)} is usual; ${rates}.`;
  }
}

function mostHolding(holders: readonly Holder[]): Holder['resource']['account']['site'] {
  const counts = new Map<Holder['resource']['account'], number>();
  for (const { resource } of holders) counts.set(resource.account, (counts.get(resource.account) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0].site ?? null;
}
