/** What every pool adapter keeps of one pool: its source, the pool itself as a resource, who waits and who timed out. */
import { type Request, Resource, type Source } from '../../account/ledger.ts';
import { EPISODE_MS, type Exhaustion, type PoolState, type Waiting } from '../../account/pool-state.ts';
import { heldBefore, type Known } from '../../account/resource.ts';
import type { Site } from '../../account/site.ts';
import type { Stakes } from '../../account/stakes.ts';
import type { AdapterName } from '../../adapters.ts';
import type { Method } from '../../process/around.ts';
import { ByChance } from '../../process/by-chance.ts';
import { guarded } from '../../process/lapses.ts';
import { now, wallClock } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import type { Lent } from './lent.ts';
import { targetOf } from './peer.ts';

export interface PoolDescription {
  /** Null: it is numbered. */
  name: string | null;
  max: number;
  gauges: PoolState['gauges'];
  /** CPU milliseconds of one lease, where it is not the usual. */
  costMs?: number;
  /** How long an acquire may take, milliseconds; 0: for ever, or `lend` is not used. */
  timeoutMs?: number;
  peers?: NonNullable<PoolState['peers']>;
  idleLimits?: NonNullable<PoolState['idleLimits']>;
  cut?: NonNullable<PoolState['cut']>;
  forget?: NonNullable<PoolState['forget']>;
  /**
   * What was lent, with the object, and when, if the pool has noted that; perhaps among what is back. Nothing may be
   * dereferenced but the pool.
   */
  lent?(account: PoolAccount): Iterable<readonly [lent: Lent, object: unknown, at: number | null]>;
  /** How much there is of what is unusual about leases to come. */
  unusual?(account: PoolAccount): number;
  /** Notes the acquires that are queued and not noted yet, by `wait`. */
  noteWaiting?(account: PoolAccount): void;
  /** What the pool has lent already when it is first seen: `enter` makes a lease of each. */
  present?(enter: (known: Known) => Resource): void;
}

/** Time-outs are looked at one by one up to here; a storm of them tells no more. */
const MAX_EXHAUSTIONS = 20;

/** Acquires that wait; a storm is no deadlock. */
const MAX_WAITING = 100;

/** Demand is counted in slices of this many milliseconds at least, of which the last hundred are enough. */
const SLICE_MS = 20;
const MAX_SLICES = 100;

/** Of leases of which there is nothing to tell but how many there were, so many and then one in some are measured all the same. */
const FIRST = 32;
const ONE_OF = 256;
/** … so many one after the other, which is cheaper than each by itself. */
const IN_A_ROW = 4;
/** Of those that have to wait one in so many looks at the clock. */
const DEMAND_ONE_OF = 8;

interface Moment {
  at: number;
  asked: number;
  events: number;
}

/** Where, and in which scope, a pool was made. */
export type Making = Pick<Request, 'site' | 'scope'>;

/** … and what it leads to. */
interface Made extends Making {
  target: string | null;
}

/** What each acquire and each lease that is only counted comes by is at the top, where it shares few lines of memory. */
export class PoolAccount {
  private readonly stakes: Stakes;
  /** Until the next one that is measured. */
  private toMeasure = 0;
  private asked = 0;
  /** Of which grant it is known that there is nothing to tell of an acquire in no scope. */
  private quietAt = -1;
  /** Whether acquires may time out, of which each has to be known by then. */
  private readonly isTimed: boolean;
  /** Leases that are only counted, and that the ledger is not told of yet. */
  private lately = 0;
  private events = 0;
  /** Of the first in the queue nothing is known, but since when it waits. */
  private isFirstUnknown = false;
  /** Why the next lease may be another than one that is only counted, each for one: somebody who is known waits, or what is lent is not known. */
  unusual = 0;
  /** For its adapter: a number of the pool's, as it was when that was asked. */
  asOf = 0;
  private readonly desk: Desk;
  private readonly source: Source & { pool: PoolState };
  private readonly pools: Source;
  /** To the pool: who still holds it can be asked. */
  private readonly ref: WeakRef<object>;
  private readonly making: Made | null;
  private readonly timeoutMs: number;
  private itself: Resource | null = null;
  /** The pool was in use before the probe came: who made it is not known. */
  isBefore = false;
  private readonly firstAskedAt: number = now();
  /** When those that are only counted were looked for last. */
  private enteredAt: number = this.firstAskedAt;
  private first = 0;
  private readonly measured = new ByChance(ONE_OF, IN_A_ROW);
  /** How many acquires, and events of leases that are only counted, there had been by then, oldest first. */
  private recent: Moment[] = [];
  /** … the latest of them. */
  private sliceAt = Number.NEGATIVE_INFINITY;
  /** The same, when the first of those had to wait that are known to wait now. */
  private fullSince: Moment = { at: 0, asked: 0, events: -1 };
  /** Since when the first in the queue waits, of which nothing else is known. */
  private firstWaitsSince = 0;

  /** `making` null: its constructor was not seen. */
  constructor(
    desk: Desk,
    source: Source & { pool: PoolState },
    pools: Source,
    making: Made | null,
    ref: WeakRef<object>,
    timeoutMs = 0,
  ) {
    this.stakes = desk.stakes;
    this.isTimed = timeoutMs > 0;
    this.desk = desk;
    this.source = source;
    this.pools = pools;
    this.making = making;
    this.ref = ref;
    this.timeoutMs = timeoutMs;
  }

  get name(): string {
    return this.source.pool.name;
  }

  /** Acquires that are not served yet. */
  get waiting(): number {
    return this.source.pool.waiting.size;
  }

  /** Where `wrapper` is called, which is to ask the pool later. */
  callTo(wrapper: Method): Site | null {
    return this.desk.callTo(this.source, wrapper);
  }

  /** Notes an acquire, at the moment of the call to `wrapper`; `site`: where that is known from before. */
  ask(wrapper: Method, site?: Site | null): Request {
    const request = this.desk.ask(this.source, wrapper, site);
    this.isAt(request.askedAt);
    this.asked++;
    return request;
  }

  private isAt(at: number): void {
    if (at - this.sliceAt >= SLICE_MS) this.slice(at);
  }

  private slice(at: number): void {
    this.sliceAt = at;
    this.recent.push(this.moment(at));
    if (this.recent.length > 2 * MAX_SLICES) this.recent = this.recent.slice(-MAX_SLICES);
  }

  private moment(at: number): Moment {
    return { at, asked: this.asked, events: this.events };
  }

  /** The clock of leases that are only counted: one more has happened to them. */
  next(): number {
    return ++this.events;
  }

  /** Whether an acquire is only counted: if so, it is now, and there is no more to note of it. Each comes by here first. */
  counts(): boolean {
    if (this.toMeasure <= 0 || !this.isNobodys) return false;
    this.toMeasure--;
    this.asked++;
    return true;
  }

  /** The same, before the call: nothing has to be known of it when it times out, or of what its flow holds already. */
  passes(): boolean {
    return !this.isTimed && (this.stakes.contexts === 0 || !this.desk.flows.matters) && this.counts();
  }

  /** The same of one that will have to wait as the only one: since when is noted. */
  passesFirst(): boolean {
    if (!this.passes()) return false;
    this.isFirstUnknown = true;
    this.firstWaitsSince = now();
    this.isFullSince(this.firstWaitsSince);
    return true;
  }

  private isFullSince(at: number): void {
    this.isAt(at);
    // what is lent by then was lent before that, by a microsecond at least
    this.fullSince = this.moment(at - 0.001);
  }

  /** Of an acquire there would be nothing to tell. What changes seldom `lookForQuiet` has asked. */
  private get isNobodys(): boolean {
    const { stakes } = this;
    return this.quietAt === stakes.grants && (stakes.contexts === 0 || !this.desk.isInScope);
  }

  private lookForQuiet(): void {
    const { desk, itself } = this;
    if (itself !== null && !itself.closed && desk.isQuiet(this.source)) this.quietAt = this.stakes.grants;
  }

  /** The same as `ask` for `lend`; null: it is only counted. */
  askToLend(wrapper: Method): Request | null {
    this.lookForQuiet();
    if (this.counts()) return null;
    if (this.toMeasure <= 0 && this.isNobodys) this.toMeasure = this.first++ < FIRST ? 0 : this.measured.gap();
    return this.ask(wrapper);
  }

  /** None of its leases is in the ledger: whatever comes back was only counted, or none at all. */
  get hasNoneOpen(): boolean {
    return this.source.openCount === 0;
  }

  /**
   * An acquire has to wait, as the `only` one or behind others; what of it waits is returned. Of those that are only counted
   * and wait behind others a look will meet those that still do; some look at the clock, for the demand.
   */
  waitOnly(request: Request | null, only: boolean): Request | null {
    if (only) this.firstLeft();
    if (request !== null || only) return this.wait(request);
    if (this.asked % DEMAND_ONE_OF === 0) this.isAt(now());
    return null;
  }

  /** An acquire waits; null: it was to be counted only, and waits `since` then at the latest. Returns what waits. */
  wait(request: Request | null, since: number = now()): Request {
    const { waiting } = this.source.pool;
    const isFirst = request === null && this.isFirstUnknown;
    const waits = request ?? this.nobodys(isFirst ? this.firstWaitsSince : since);
    if (waiting.size === 0 && !isFirst) this.isFullSince(request?.askedAt ?? now());
    this.firstLeft();
    waiting.push(waits);
    return waits;
  }

  /** The first in the queue, of which nothing else was known, has left it, or is known now. */
  firstLeft(): void {
    if (this.isFirstUnknown) this.isFirstUnknown = false;
  }

  /** The acquire is over without a lease, or is on its way to a connection of its own. */
  stopWaiting(request: Request | null): void {
    if (request !== null) this.source.pool.waiting.delete(request);
  }

  /**
   * The acquire is served, with the connection `lent` where that is known, `isAtOnce` while it is called; the pool's first lease also opens the pool, on
   * the account of who made it, or at least of who caused that.
   */
  open(request: Request, lent: unknown = null, isAtOnce = false): Resource {
    this.stopWaiting(request);
    this.desk.pooled(lent);
    this.enterPool(request, lent);
    const lease = isAtOnce ? this.desk.open(request, undefined, request.askedAt) : this.desk.open(request);
    this.desk.sessions?.lent(lent, lease);
    this.isUsed(lease.openedAt);
    return lease;
  }

  private isUsed(at: number): void {
    if (this.itself === null) return;
    this.itself.lastUsedAt = at;
    this.itself.uses++;
  }

  /** The same, of `object` that is lent again and again: its lease is opened, or only counted. `waits`: if it had to wait. */
  lend(lent: Lent, request: Request | null, waits: Request | null, object: unknown, isAtOnce = false): void {
    this.stopWaiting(waits);
    if (request !== null || this.isToBeTold(lent)) {
      lent.lease = this.open(request ?? this.nobodys(), object, isAtOnce);
      lent.uncount();
      lent.lease.ref = lent.ref;
      lent.session = lent.lease.session;
      lent.isKnown = true;
      return;
    }
    this.countLent(lent, object);
  }

  /** The same of an acquire of which nothing is known, where its lease is only counted; if so, it is. */
  lendsCounted(lent: Lent, object: unknown): boolean {
    if (this.isToBeTold(lent) || lent.lease?.closed === false) return false;
    this.firstLeft();
    this.countLent(lent, object);
    return true;
  }

  /**
   * The same where what is lent is not even looked at, since its pool can tell later on what it has lent, and when. Where
   * acquires time out there may be nobody to lend it to.
   */
  lendsUnseen(): boolean {
    if (this.isTimed || this.unusual > 0 || this.stakes.lent > 0) return false;
    this.lately++;
    return true;
  }

  /** The next lease is not only counted: the first one of each, and each while something may be left in its session. */
  private isToBeTold(lent: Lent): boolean {
    return !lent.isKnown || (this.stakes.lent > 0 && lent.session?.isToldOf === true);
  }

  private countLent(lent: Lent, object: unknown): void {
    if (this.stakes.lent > 0) this.desk.pooled(object);
    lent.count(this);
    this.lately++;
  }

  /** What was to be counted only. */
  private nobodys(askedAt: number = now()): Request {
    const { source } = this;
    return { source, site: null, scope: null, askedAt, mark: null, trace: null, previous: null, next: null };
  }

  /** Tells the ledger of those that were only counted so far, and have come back. */
  private tellCounted(at: number): void {
    const { itself, lately: lent } = this;
    this.lately = 0;
    if (lent <= 0) return;
    const { ledger } = this.desk;
    ledger.count(ledger.account(this.source, null), lent, at);
    if (itself === null) return;
    itself.lastUsedAt = at;
    itself.uses += lent;
  }

  /** What there is that is unusual about leases to come. */
  lookAhead({ unusual }: PoolDescription): void {
    this.unusual = unusual?.(this) ?? 0;
  }

  /** What is unusual about the next lease may have gone by. */
  wasUnusual(): void {
    if (this.unusual > 0) this.unusual--;
  }

  /** A moment that the pool itself noted, by the wall clock: since the last look, which had not met what it is of. */
  noted(wall: number | undefined): number {
    const at = now();
    const own = at - (wallClock() - (wall ?? Number.NaN));
    return own >= this.enteredAt ? Math.min(own, at) : this.enteredAt;
  }

  /** When an event of a lease that is only counted happened: at the latest. */
  private whenLast(event: number): number {
    // the last ones, as a rule
    const before = this.recent.findLastIndex(({ events }) => events < event);
    const { at = Number.POSITIVE_INFINITY } = this.recent[before + 1] ?? {};
    const { fullSince } = this;
    return Math.min(now(), at, fullSince.events >= event ? fullSince.at : Number.POSITIVE_INFINITY);
  }

  /**
   * The lease of `object`, which is lent, and in the ledger from now on. Of one that was only counted it is only known
   * before which other moments it was lent, unless its pool tells `at` which, and last used.
   */
  entered(lent: Lent, object: unknown, at: number | null = null): Resource | null {
    if (!lent.isCounted || lent.countedBy !== this) return lent.lease;
    const { ledger, sessions } = this.desk;
    const { ref, uses, lentAt, usedAt } = lent;
    const lease = new Resource(ledger.account(this.source, null), null, at ?? this.whenLast(lentAt));
    const lastUsedAt = uses > 0 ? this.whenLast(usedAt) : lease.openedAt;
    Object.assign(lease, { ref, uses, lastUsedAt });
    if (uses > 0) Object.assign(lease, { lastOperation: lent.lastOperation, isBusy: lent.isBusy });
    this.lately--;
    ledger.lookedAt = now();
    ledger.open(lease);
    lent.uncount();
    lent.lease = lease;
    sessions?.lent(object, lease);
    return lease;
  }

  /** Enters all that are open and only counted, of those that the pool lends: the others are back. */
  enterCounted(description: PoolDescription): void {
    const { lent: all, noteWaiting } = description;
    if (this.lately > 0) for (const [lent, object, at] of all?.(this) ?? []) this.entered(lent, object, at);
    this.tellCounted(now());
    noteWaiting?.(this);
    this.lookAhead(description);
    this.enteredAt = now();
  }

  /** The pool itself, where it was made or first used; at once where that is all there is to see of it. */
  enterPool(request?: Request, lent: unknown = null): void {
    if (this.isBefore || (this.itself !== null && !this.itself.closed)) return;
    const { ledger } = this.desk;
    const { site = null, scope = null } = this.making ?? request ?? {};
    this.itself = new Resource(ledger.account(this.pools, site), scope, now(), {
      ref: this.ref,
      isGone: () => this.isEmpty(),
    });
    this.itself.target = this.making?.target ?? targetOf(lent);
    ledger.open(this.itself);
  }

  /** Enters a lease that was taken before the probe came. */
  enter(known: Known): Resource {
    return this.openBefore(known, 0);
  }

  /** Who waited already when the probe came is served. */
  serve(known: Known): Resource {
    return this.openBefore(known, now() - this.firstAskedAt);
  }

  private openBefore(known: Known, waitedMs: number): Resource {
    const { ledger } = this.desk;
    const lease = new Resource(ledger.account(this.source, null, true), null, now(), known);
    lease.waitedMs = waitedMs;
    ledger.open(lease);
    return lease;
  }

  /** Gone, or without a connection: there is no pool to speak of. */
  private isEmpty(): boolean {
    const gauges = this.source.pool.gauges();
    return gauges === null || gauges.used + gauges.idle === 0;
  }

  /** The acquire failed, other than by a time-out. */
  fail(request: Request): void {
    this.stopWaiting(request);
    this.desk.flows.failed(request.mark);
  }

  /** The pool is being shut down: what is lent it waits for. */
  ends(wrapper: Method): void {
    this.desk.ends(this.source, wrapper);
  }

  /** Whether anybody wants to know how long a new connection takes. */
  get isObserved(): boolean {
    return this.desk.ledger.observer !== null;
  }

  /** A new connection came up, that was begun at `began`. */
  created(began: number): void {
    this.desk.ledger.observer?.created(this.source.pool, now() - began);
  }

  /** The acquire timed out: who holds the pool is told now, not when somebody looks. Null: it was to be counted only. */
  timedOut(known: Request | null, isConnect: boolean): void {
    const request = known ?? this.nobodys();
    const { pool } = this.source;
    pool.enterCounted?.();
    const waiting = this.whoWaits(request);
    this.stopWaiting(request);
    this.desk.flows.failed(request.mark);
    pool.timeouts++;
    const at = now();
    const waitedMs = Math.max(at - request.askedAt, this.timeoutMs);
    pool.waitedInVain += waitedMs;
    const gauges = pool.gauges();
    const previous = pool.exhaustions.at(-1);
    const since = previous ? at - previous.at : Number.POSITIVE_INFINITY;
    if (!gauges || since < 50) return;
    // late in a storm its own early requests would look usual
    const demand = previous && since <= EPISODE_MS ? previous.demand : this.demand(at, waitedMs);
    const holders = pool.leases(at);
    pool.exhaustions.push({ at, waitedMs, asker: request.site, isConnect, gauges, holders, demand, waiting });
    if (pool.exhaustions.length > MAX_EXHAUSTIONS) pool.exhaustions.shift();
  }

  /** As many as can hold all of the pool tell whether it is they who do. */
  private whoWaits(request: Request): Waiting[] {
    const { waiting, max } = this.source.pool;
    if (request.mark === null || waiting.size > MAX_WAITING) return [];
    const all = new Set([request, ...waiting]);
    const isOwn = ({ account, isBusy }: Resource): boolean => account.source === this.source && !isBusy?.();
    const told = [...all].map(({ site, mark }) => ({ site, held: [...heldBefore(mark)].filter(isOwn) }));
    return told.filter(({ held }) => held.length > 0).length >= max ? told : [];
  }

  private demand(at: number, waitedMs: number): Exhaustion['demand'] {
    const since = at - waitedMs - 1;
    const before = this.recent.find(({ at: then }) => then > since - SLICE_MS)?.asked ?? this.asked;
    const [lately, earlier] = [this.asked - before, before / Math.max(1, since - this.firstAskedAt)];
    return { now: (1000 * lately) / Math.max(1, waitedMs), before: 1000 * earlier };
  }
}

/** One account per pool object, held weakly. */
export class PoolAccounts<Pool extends object> {
  /** Set by what is upon the library, while it makes a pool for a caller that is not on the stack any more. */
  maker: Making | null = null;
  private readonly accounts: WeakMap<Pool, PoolAccount> = new WeakMap();
  private readonly makings: WeakMap<Pool, Made> = new WeakMap();
  /** That was asked for last: most services have one or two, and a weak map is slow. Until the next look, for nothing here may keep a pool. */
  private latest: Pool | null = null;
  private latestAccount: PoolAccount | null = null;
  private readonly create: (pool: Pool) => { account: PoolAccount; findPresent(): void };
  private readonly desk: Desk;
  private readonly pools: Source;

  constructor(desk: Desk, adapter: AdapterName, library: string, describe: (pool: WeakRef<Pool>) => PoolDescription) {
    const pools = desk.source({ adapter, nature: 'pool', library: `${library} pool` });
    this.desk = desk;
    this.pools = pools;
    desk.ledger.beforeReading.push(() => {
      this.latest = null;
    });
    this.create = (pool) => {
      const ref = new WeakRef(pool);
      const description = describe(ref);
      const { peers, idleLimits, cut, forget, present, timeoutMs, ...facts } = description;
      const source = desk.pool({ adapter, library, ...facts });
      if (peers) source.pool.peers = peers;
      if (idleLimits) source.pool.idleLimits = idleLimits;
      if (cut) source.pool.cut = cut;
      if (forget) source.pool.forget = forget;
      const account = new PoolAccount(desk, source, pools, this.makings.get(pool) ?? null, ref, timeoutMs);
      if (description.lent) source.pool.enterCounted = () => guarded(adapter, () => account.enterCounted(description));
      const findPresent = () => {
        const { used = 0, idle = 0, pending = 0 } = facts.gauges() ?? {};
        account.isBefore = used + idle + pending > 0;
        present?.((known) => account.enter(known));
        account.lookAhead(description);
      };
      account.lookAhead(description);
      return { account, findPresent };
    };
  }

  /** A pool is being made by a call to `wrapper`, which leads to `target` as far as is known. */
  made(pool: Pool, wrapper: Method, target: string | null): void {
    const { site, scope } = this.maker ?? this.asked(wrapper);
    this.makings.set(pool, { site, scope, target });
  }

  /** The same, of one that was made in a later turn, and is not used yet. */
  madeBy(pool: Pool, { site, scope }: Making): void {
    this.makings.set(pool, { site, scope, target: null });
  }

  /** Whoever calls `wrapper` wants a pool. */
  asked(wrapper: Method): Making {
    const { site, scope } = this.desk.ask(this.pools, wrapper);
    return { site, scope };
  }

  /** It is being shut down; one that was never used has nothing to wait for. */
  ends(pool: Pool, wrapper: Method): void {
    this.accounts.get(pool)?.ends(wrapper);
  }

  /** Of a pool that nobody has met yet, too. */
  hasNoneOpen(pool: Pool): boolean {
    return this.known(pool)?.hasNoneOpen !== false;
  }

  /** Null: nobody has met it yet. */
  known(pool: Pool): PoolAccount | null {
    return this.latest === pool ? this.latestAccount : (this.accounts.get(pool) ?? null);
  }

  of(pool: Pool): PoolAccount {
    if (this.latest !== pool) {
      this.latestAccount = this.accounts.get(pool) ?? this.add(pool);
      this.latest = pool;
    }
    return this.latestAccount as PoolAccount;
  }

  private add(pool: Pool): PoolAccount {
    const { account, findPresent } = this.create(pool);
    this.accounts.set(pool, account);
    if (this.desk.isLate) findPresent();
    return account;
  }
}
