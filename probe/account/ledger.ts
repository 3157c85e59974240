/**
 * The ledger: what is open, and per-site totals of acquired and released.
 *
 * A *source* is what hands out resources (one pool, all intervals…); an *account* is one site's dealings with one
 * source; a *resource* is in the ledger while it is open.
 */

import type { Kind, Shape } from '../recording/format.ts';
import type { Request } from '../watch/desk.ts';
import { Chain, type Link } from './chain.ts';
import type { Mark, Token } from './flow.ts';

export type { Shape } from '../recording/format.ts';

import type { TraceContext } from '../telemetry/snapshot.ts';
import type { Scope } from './scope.ts';
import type { Site } from './site.ts';

export interface PoolGauges {
  used: number;
  idle: number;
  pending: number;
}

/** Time-outs that follow each other within this time are of one episode; milliseconds. */
export const EPISODE_MS = 1000;

/** Who held a pool at the moment when an acquire timed out. */
export interface Exhaustion {
  at: number;
  waitedMs: number;
  /** Where the acquire was. */
  asker: Site | null;
  /** A new connection did not come up in time, rather than no lease coming back. */
  isConnect: boolean;
  gauges: PoolGauges;
  holders: Holder[];
  /** Acquires per second, of the episode's first time-out: in the time waited, and before that since the pool was first used. */
  demand: { now: number; before: number };
}

export interface Holder {
  resource: Resource;
  ageMs: number;
  idleMs: number;
  /** Null where the adapter cannot tell. */
  busy: boolean | null;
}

/** Which connection of a server somebody speaks through; null: not known. */
export interface Peer {
  localAddress?: string | null;
  localPort: number | null;
  /** `address:port` of the other end. */
  server?: string | null;
  /** What the server calls it: PostgreSQL's backend, Oracle's CONNECTION_ID. */
  connectionId: string | null;
  state: 'used' | 'idle';
}

/** Told of what happens to leases, for telemetry; what it does must not fail. */
export interface LeaseObserver {
  /** The span that is active now, if the service traces. */
  trace(): TraceContext | null;
  waited(source: Source, lease: Resource): void;
  used(source: Source, lease: Resource, useMs: number): void;
  /** A new connection came up. */
  created(pool: PoolState, createMs: number): void;
}

export interface PoolState {
  id: number;
  name: string;
  /** 0: unlimited or unknown. */
  max: number;
  /** Null when the pool is gone. */
  gauges(): PoolGauges | null;
  /** Who holds it now. */
  leases(at: number): Holder[];
  /** The pool's connections, found when asked for; idle ones, and those of nobody known, have no resource. */
  peers?(): Iterable<{ resource: Resource | null; peer: Peer }>;
  /** How many idle connections it keeps at least and at most; null: unknown. */
  idleLimits?(): { min: number | null; max: number | null };
  /** Acquires that are queued, longest first. */
  waiting: Chain<Request>;
  /** 0: never. */
  lastReleasedAt: number;
  /** The latest acquires that timed out, and how many there were. */
  exhaustions: Exhaustion[];
  timeouts: number;
  /** What those who timed out had waited, milliseconds. */
  waitedInVain: number;
  /** Of these, how many there were at the last judgement. */
  timeoutsJudged: number;
}

export interface Source {
  kind: Kind;
  library: string;
  pool: PoolState | null;
  /** By site id; -1: those without a stack. */
  accounts: Map<number, Account>;
  /** Until then every acquire gets a stack, whatever the budget: something without one is under suspicion. */
  armedUntil: number;
  /** As a pool's, of connections that are of no pool. */
  peers?: NonNullable<PoolState['peers']>;
}

/** Pools and transactions are judged, but counting them beside the leases taken there would count twice. */
export function isCounted(shape: Shape): boolean {
  return shape !== 'pool' && shape !== 'transaction';
}

/** How long resources of one account were usually open, from the latest `SIZE` that came back. */
export class UseTimes {
  private static readonly SIZE = 128;
  private readonly recent = new Float64Array(UseTimes.SIZE);
  count = 0;
  max = 0;
  add(milliseconds: number): void {
    this.recent[this.count++ % UseTimes.SIZE] = milliseconds;
    if (milliseconds > this.max) this.max = milliseconds;
  }
  /** 0 when nothing came back yet. */
  quantile(q: number): number {
    const sorted = this.recent.slice(0, Math.min(this.count, UseTimes.SIZE)).sort();
    return sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
  }
}

export class Account {
  readonly source: Source;
  readonly site: Site | null;
  readonly shape: Shape;
  /** The top user frame's position; null without a stack. */
  readonly line: string | null;
  acquired = 0;
  released = 0;
  /** Released only after the scope that acquired them had ended: given to another flow. */
  releasedAfterScope = 0;
  /** Released by the flow that acquired them, where flows can be followed. */
  releasedInFlow = 0;
  /** Where the first few were given back, and which of this site's user frames did so, see blame. */
  readonly releases: Site[] = [];
  readonly owners: number[] = [];
  /** Signs of use, and milliseconds waited and held, of those that came back: totals. */
  usesReleased = 0;
  waitedReleased = 0;
  heldReleased = 0;
  private times: UseTimes | null = null;
  constructor(source: Source, site: Site | null, shape: Shape) {
    this.source = source;
    this.site = site;
    this.shape = shape;
    const frame = site?.stack[site.user[0] ?? -1];
    this.line = frame ? `${frame.file}:${frame.line}:${frame.column}` : null;
  }
  get open(): number {
    return this.acquired - this.released;
  }
  get useTimes(): UseTimes {
    this.times ??= new UseTimes();
    return this.times;
  }
}

export class Resource implements Link<Resource> {
  readonly account: Account;
  readonly scope: Scope | null;
  readonly openedAt: number;
  /** Last sign of use by its borrower. */
  lastUsedAt: number;
  /** Signs of use so far. */
  uses = 0;
  /** What its borrower did with it last, in the library's words, unmasked. */
  lastOperation: string | null = null;
  /** Milliseconds from asking to having it. */
  waitedMs = 0;
  /** Whether an operation of the borrower has not come back yet; set by adapters that can tell. */
  isBusy: (() => boolean) | null = null;
  /** A verdict beyond suspicion stands on it already. */
  isCondemned = false;
  /** Which fault leaves it open, where a soak made faults and has found that out; one sentence. */
  recipe: string | null = null;
  private flowIsLost = false;
  /** The span of the service that it was acquired in, where somebody observes. */
  trace: TraceContext | null = null;
  /** Null where flows are not followed, and once it is known to be lost. */
  flow: { mark: WeakRef<Mark>; token: WeakRef<Token> } | null = null;
  /** The object without which nobody can release it, where the library hands out a fresh one per borrow. */
  handle: WeakRef<object> | null = null;
  /** What it was opened on and cannot outlive: the connection of a result set. */
  owner: Resource | null = null;
  /** Its owner was given back, and without it nobody can close it any more. */
  isStranded = false;
  /** Used by another flow than the one that acquired it. */
  isHandedOver = false;
  /** Later ones that its flow took at the same line. */
  overtaken = 0;
  /** … and that came back while this one stayed. */
  superseded = 0;
  /** What its flow already had of the same line when it was acquired. */
  earlier: Resource[] | null = null;
  previous: Resource | null = null;
  next: Resource | null = null;
  closed = false;
  constructor(account: Account, scope: Scope | null, at: number) {
    this.account = account;
    this.scope = scope;
    this.openedAt = at;
    this.lastUsedAt = at;
  }
  /** Whether its flow was ever known: no mark stands for others. */
  get isFollowed(): boolean {
    return this.flow !== null || this.flowIsLost;
  }
  /** No continuation that came by it is left. Only a garbage collection makes it so. */
  get hasLostFlow(): boolean {
    if (this.flow !== null && this.flow.token.deref() === undefined) {
      this.flow = null;
      this.flowIsLost = true;
    }
    return this.flowIsLost;
  }
  /** No continuation is left that has it as its newest: the flow went on to others, or is gone. */
  get isLeftBehind(): boolean {
    return this.hasLostFlow || (this.flow !== null && this.flow.mark.deref() === undefined);
  }
  /** True when it is known to be over though nobody told the ledger. */
  isGone(): boolean {
    return false;
  }
}

export class Ledger {
  readonly sources: Set<Source> = new Set();
  /** Adapters that enter resources in batches do so here. */
  readonly beforeReading: (() => void)[] = [];
  /** Null unless telemetry goes somewhere. */
  observer: LeaseObserver | null = null;
  private readonly resources: Chain<Resource> = new Chain();

  source(kind: Kind, library: string, pool: PoolState | null = null): Source {
    const source: Source = { kind, library, pool, accounts: new Map(), armedUntil: Number.NEGATIVE_INFINITY };
    this.sources.add(source);
    return source;
  }

  account(source: Source, site: Site | null, shape: Shape): Account {
    const key = site?.id ?? -1;
    let account = source.accounts.get(key);
    if (!account) {
      account = new Account(source, site, shape);
      source.accounts.set(key, account);
    }
    return account;
  }

  open(resource: Resource): void {
    resource.account.acquired++;
    this.resources.push(resource);
    const { observer } = this;
    if (observer !== null && resource.account.shape === 'lease') observer.waited(resource.account.source, resource);
  }

  /** Takes back that it was opened. */
  forget(resource: Resource): void {
    if (resource.closed) return;
    resource.closed = true;
    this.resources.delete(resource);
    resource.account.acquired--;
  }

  /** Counts a resource that came and went before it was entered. */
  pass(account: Account): void {
    account.acquired++;
    account.released++;
  }

  close(resource: Resource, at: number): void {
    if (resource.closed) return;
    resource.closed = true;
    const { account, scope } = resource;
    this.resources.delete(resource);
    account.released++;
    if (account.source.pool) account.source.pool.lastReleasedAt = at;
    if (account.shape === 'lease' || account.shape === 'interval') account.useTimes.add(at - resource.openedAt);
    if (this.observer !== null && account.shape === 'lease') {
      this.observer.used(account.source, resource, at - resource.openedAt);
    }
    if (scope !== null && scope.ended !== 0) account.releasedAfterScope++;
    account.usesReleased += resource.uses;
    account.waitedReleased += resource.waitedMs;
    account.heldReleased += at - resource.openedAt;
    if (resource.earlier === null) return;
    for (const earlier of resource.earlier) earlier.superseded++;
    resource.earlier = null;
  }

  /** Open resources, newest first; those that turn out to be gone are closed on the way. */
  *opened(at: number): Generator<Resource> {
    for (const enter of this.beforeReading) enter();
    for (let resource = this.resources.last; resource; ) {
      const { previous }: Resource = resource;
      if (resource.isGone()) this.close(resource, at);
      else yield resource;
      resource = previous;
    }
  }
}
