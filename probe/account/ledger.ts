/**
 * The ledger: what is open, and per-site totals of acquired and released.
 *
 * A *source* is what hands out resources of one nature (one pool, all intervals…); an *account* is one site's dealings
 * with one source; a *line* is all accounts that share the top user frame; a *resource* is in its account while it is open.
 */

import { now } from '../process/runtime.ts';
import type { TraceContext } from '../recording/format.ts';
import { NATURES, type Nature, type NatureName } from '../recording/natures.ts';
import { Chain, type Link } from './chain.ts';
import { Companions } from './companions.ts';
import type { Mark } from './flow.ts';
import type { PoolState } from './pool-state.ts';
import type { Resource } from './resource.ts';
import type { Scope } from './scope.ts';
import type { Site } from './site.ts';
import type { StackBudget } from './stack-budgets.ts';
import { Stakes } from './stakes.ts';

export { Resource } from './resource.ts';

/** An acquire that was asked for and is not served yet: of what, where, in which scope, by which flow. */
export interface Request extends Link<Request> {
  readonly source: Source;
  readonly site: Site | null;
  readonly scope: Scope | null;
  readonly askedAt: number;
  mark: Mark | null;
  /** The service's span at that moment, where somebody observes. */
  readonly trace: TraceContext | null;
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

export interface Source {
  /** The adapter that enters here, by whose name it is switched off. */
  readonly adapter: string;
  readonly natureName: NatureName;
  readonly nature: Nature;
  readonly library: string;
  readonly pool: PoolState | null;
  /** CPU milliseconds of one without a stack. */
  readonly costMs: number;
  /** By site id; -1: those without a stack, -2: those that were there before. */
  readonly accounts: Map<number, Account>;
  /** … that of those without a stack, which are most, once there is one; and who grants stacks. */
  unsited: Account | null;
  /** Resources of all its accounts that are open. */
  openCount: number;
  budget: StackBudget | null;
  /** Until then every acquire gets a stack, whatever the budget: something without one is under suspicion. */
  armedUntil: number;
  /** Its accounts were folded into another's, until it is used again. */
  isRetired: boolean;
  /** As a pool's, of connections that are of no pool. */
  peers?: NonNullable<PoolState['peers']>;
}

/** What an adapter says of a source beside its nature. */
export interface SourceFacts {
  adapter: string;
  nature: NatureName;
  library: string;
  pool?: PoolState | null;
  /** Where it is not the nature's. */
  costMs?: number;
}

/** How long resources of one account were usually open, from the latest `SIZE` that came back. */
export class UseTimes {
  private static readonly SIZE = 128;
  // grows as it is filled: most accounts of a pool per request have one
  private readonly recent: number[] = [];
  count = 0;
  max = 0;
  add(milliseconds: number): void {
    this.recent[this.count++ % UseTimes.SIZE] = milliseconds;
    if (milliseconds > this.max) this.max = milliseconds;
  }
  /** As if the latest of `other` had come back here. */
  absorb(other: UseTimes): void {
    for (const milliseconds of other.recent) this.add(milliseconds);
    this.count += other.count - other.recent.length;
    this.max = Math.max(this.max, other.max);
  }
  /** 0 when nothing came back yet. */
  quantile(q: number): number {
    const sorted = Float64Array.from(this.recent).sort();
    return sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
  }
}

/** Of what nobody times, and only a look finds gone: until so long after its scope it may have gone in it, milliseconds. */
const A_LOOK = 1000;

/** Before an account's first release. */
const NO_TIMES: UseTimes = new UseTimes();

/** What adds up. */
const COUNTS = [
  'acquired',
  'released',
  'releasedInScope',
  'releasedAfterScope',
  'releasedInFlow',
  'measured',
  'sampled',
  'waitedSampled',
  'heldSampled',
  'usesReleased',
  'waitedReleased',
  'heldReleased',
  'cleared',
] as const;

export class Account {
  readonly source: Source;
  readonly site: Site | null;
  /** Of what was there before the probe came: taken by nobody knows whom, at a time that nobody knows. */
  readonly isBefore: boolean;
  readonly line: Line;
  /** Open resources, oldest first. */
  readonly open: Chain<Resource> = new Chain();
  acquired = 0;
  released = 0;
  /** Released while the scope that acquired them ran; of those taken outside any scope nothing is known. */
  releasedInScope = 0;
  /** Released only after the scope that acquired them had ended: given to another flow. */
  releasedAfterScope = 0;
  /** Released by the flow that acquired them, where flows can be followed. */
  releasedInFlow = 0;
  /** First used by another flow than the one that acquired: a helper that awaits before it acquires. */
  adopted = 0;
  /** Where the first few were given back, and which of this site's user frames did so, see blame. */
  readonly releases: Site[] = [];
  readonly owners: number[] = [];
  /** How far above its top user frame the line to blame is, where something else than releases tells. */
  depth: number | null = null;
  /** Of those that came back, how many were measured; and of these, totals: signs of use, milliseconds waited and held. */
  measured = 0;
  /** … of which no look has seen, as those that are only counted, how many, and how long they had waited and were held. */
  sampled = 0;
  waitedSampled = 0;
  heldSampled = 0;
  usesReleased = 0;
  waitedReleased = 0;
  heldReleased = 0;
  /** When the youngest of those was opened. */
  youngestReleased = 0;
  /** One-shot timers that were cleared before they fired, as far as that was seen, and the longest that one was set for. */
  cleared = 0;
  longestCleared = 0;
  /** Accounts that what ended here ended together with, and how often; see companions. */
  endsWith: Map<Account, number> | null = null;
  private times: UseTimes | null = null;
  constructor(source: Source, site: Site | null, line: Line, isBefore: boolean) {
    this.source = source;
    this.site = site;
    this.line = line;
    this.isBefore = isBefore;
  }
  /** The user frame `depth` above the top one, in words; of what was there before, its pool. */
  position(depth: number): string {
    return this.isBefore ? before(this.source) : positionAt(this.site, depth);
  }
  get useTimes(): UseTimes {
    return this.times ?? NO_TIMES;
  }
  took(milliseconds: number): void {
    this.times ??= new UseTimes();
    this.times.add(milliseconds);
  }
  /** `lastsMs`: after how long it would have fired. */
  wasCleared(lastsMs: number): void {
    this.cleared++;
    if (lastsMs > this.longestCleared) this.longestCleared = lastsMs;
  }
  /** Counts as its own what `other`, of which nothing is open, had counted. */
  absorb(other: Account): void {
    for (const count of COUNTS) this[count] += other[count];
    this.youngestReleased = Math.max(this.youngestReleased, other.youngestReleased);
    this.longestCleared = Math.max(this.longestCleared, other.longestCleared);
    if (this.releases.length === 0) this.releases.push(...other.releases);
    if (other.times === null) return;
    this.times ??= new UseTimes();
    this.times.absorb(other.times);
  }
}

/** Accounts of one nature and library whose stacks share the top user frame: a helper's callers share a history. */
export class Line {
  readonly key: string;
  readonly source: Source;
  accounts: readonly Account[] = [];
  /** How often the list of them changed. */
  changes = 0;
  /** Open resources of all its accounts. */
  openCount = 0;
  /** When something was last opened, used or closed there. */
  changedAt = 0;
  /** Longest way from an open resource up to an owner of its own: those are judged first. */
  depth = 0;
  constructor(key: string, source: Source) {
    this.key = key;
    this.source = source;
  }

  add(account: Account): void {
    (this.accounts as Account[]).push(account);
    this.changes++;
  }

  remove(accounts: ReadonlySet<Account>): void {
    this.accounts = this.accounts.filter((account) => !accounts.has(account));
    this.changes++;
  }
}

export class Ledger {
  readonly sources: Set<Source> = new Set();
  readonly lines: Map<string, Line> = new Map();
  /** Adapters that enter resources in batches do so here. */
  readonly beforeReading: (() => void)[] = [];
  /** The event loop ran dry: what goes on by beginning anew will not do so. */
  isDrained = false;
  /** Null unless telemetry goes somewhere. */
  observer: LeaseObserver | null = null;
  /** Resources that were ever opened: as many as before tells that nothing was. */
  opens = 0;
  /** When open resources were last looked at. */
  lookedAt = 0;
  readonly stakes: Stakes;
  private readonly companions = new Companions();

  constructor(stakes: Stakes = new Stakes()) {
    this.stakes = stakes;
  }

  source({ adapter, nature: natureName, library, pool = null, costMs }: SourceFacts): Source {
    const nature = NATURES[natureName];
    const source: Source = {
      // what is asked for with each lease comes first, beside what V8 keeps of the object
      openCount: 0,
      ...{ adapter, natureName, nature, library, pool, costMs: costMs ?? nature.costMs },
      ...{ accounts: new Map(), unsited: null, budget: null },
      ...{ armedUntil: Number.NEGATIVE_INFINITY, isRetired: false },
    };
    this.sources.add(source);
    return source;
  }

  account(source: Source, site: Site | null, isBefore = false): Account {
    if (site === null && !isBefore && source.unsited !== null) return source.unsited;
    const id = isBefore ? -2 : (site?.id ?? -1);
    const known = source.accounts.get(id);
    if (known) return known;
    if (source.isRetired) this.revive(source);
    const position = isBefore ? before(source) : positionAt(site, 0);
    const key = `${source.nature.kind} ${source.library} ${source.natureName} ${position}`;
    let line = this.lines.get(key);
    if (!line) {
      line = new Line(key, source);
      this.lines.set(key, line);
    }
    const account = new Account(source, site, line, isBefore);
    line.add(account);
    source.accounts.set(id, account);
    if (site === null && !isBefore) source.unsited = account;
    return account;
  }

  /** Nothing of it is open, and what it counted is counted elsewhere. */
  retire(source: Source): void {
    source.isRetired = true;
    source.accounts.clear();
    source.unsited = null;
    this.sources.delete(source);
  }

  revive(source: Source): void {
    source.isRetired = false;
    this.sources.add(source);
  }

  open(resource: Resource): void {
    const { account, owner } = resource;
    const { line, source } = account;
    this.opens++;
    account.acquired++;
    account.open.push(resource);
    line.openCount++;
    source.openCount++;
    line.changedAt = resource.openedAt;
    if (owner !== null && !owner.closed) {
      owner.owned ??= new Set();
      owner.owned.add(resource);
      line.depth = Math.max(line.depth, owner.account.line.depth + 1);
    }
    if (this.observer !== null && source.pool !== null) this.observer.waited(source, resource);
  }

  /** Takes back that it was opened. */
  forget(resource: Resource, at: number): void {
    if (resource.closed) return;
    this.remove(resource, at);
    resource.account.acquired--;
  }

  /** Counts resources that came and went before they were entered. */
  pass(account: Account, count = 1): void {
    account.acquired += count;
    account.released += count;
  }

  /** Leases that were not entered, since nobody looked before they came back, by `at`. */
  count(account: Account, lent: number, at: number): void {
    this.opens += lent;
    account.acquired += lent;
    account.released += lent;
    account.line.changedAt = at;
    const { pool } = account.source;
    if (pool !== null) pool.lastReleasedAt = at;
  }

  close(resource: Resource, at: number): void {
    if (resource.closed) return;
    this.remove(resource, at);
    const { account, scope } = resource;
    const { source } = account;
    const usedMs = at - resource.openedAt;
    cameBack(account, resource, at);
    if (resource.openedAt > this.lookedAt) {
      account.sampled++;
      account.waitedSampled += resource.waitedMs;
      account.heldSampled += usedMs;
    }
    if (source.pool !== null) this.observer?.used(source, resource, usedMs);
    const lateMs = scope === null || scope.ended === 0 ? 0 : at - scope.ended;
    if (scope !== null && lateMs <= (source.nature.isTimed ? 0 : A_LOOK)) account.releasedInScope++;
    else if (scope !== null) account.releasedAfterScope++;
    this.companions.ended(resource);
    if (resource.owned !== null) this.release(resource.owned, at);
    if (resource.earlier === null) return;
    for (const earlier of resource.earlier) earlier.superseded++;
    resource.earlier = null;
  }

  /** Open resources of one account, oldest first; those that turn out to be gone are closed on the way. */
  *openOf(account: Account, at: number): Generator<Resource> {
    for (const resource of account.open) {
      if (resource.isGone?.()) this.close(resource, at);
      else yield resource;
    }
  }

  /** All that are in it, whether or not they turn out to be gone: nothing is dereferenced. */
  *entered(): Generator<Resource> {
    this.settle();
    for (const { openCount, accounts } of this.lines.values()) {
      if (openCount > 0) for (const { open } of accounts) yield* open;
    }
  }

  /** All open resources. */
  *opened(at: number): Generator<Resource> {
    this.settle();
    for (const { openCount, accounts } of this.lines.values()) {
      if (openCount > 0) for (const account of accounts) yield* this.openOf(account, at);
    }
  }

  /** Whether anything is open, or anybody ever waited for a pool in vain: else there is nothing to judge. */
  get hasMatter(): boolean {
    this.settle();
    for (const { openCount } of this.lines.values()) if (openCount > 0) return true;
    for (const { pool } of this.sources) if (pool !== null) return true;
    return false;
  }

  /** To be called before open resources are looked at. */
  settle(): void {
    this.lookedAt = now();
    for (const enter of this.beforeReading) enter();
    this.enterCounted();
  }

  /** Enters the leases that are only counted so far. */
  enterCounted(): void {
    for (const { pool } of this.sources) pool?.enterCounted?.();
  }

  private remove(resource: Resource, at: number): void {
    // time 0 means open
    resource.closedAt = at || Number.MIN_VALUE;
    this.stakes.leaves(resource);
    const { account, owner } = resource;
    account.open.delete(resource);
    account.line.openCount--;
    account.source.openCount--;
    account.line.changedAt = at;
    owner?.owned?.delete(resource);
  }

  /** What becomes of what was opened on something that has just been closed. */
  private release(owned: ReadonlySet<Resource>, at: number): void {
    for (const resource of owned) {
      if (resource.bond === 'ends with it') this.close(resource, at);
      else if (resource.bond === 'is stranded') resource.isStranded = true;
    }
  }
}

function cameBack(account: Account, { openedAt, uses, waitedMs }: Resource, at: number): void {
  const { nature, pool } = account.source;
  const usedMs = at - openedAt;
  account.released++;
  account.measured++;
  if (nature.isTimed && !account.isBefore) account.took(usedMs);
  if (pool !== null) pool.lastReleasedAt = at;
  account.usesReleased += uses;
  account.waitedReleased += waitedMs;
  account.heldReleased += usedMs;
  if (openedAt > account.youngestReleased) account.youngestReleased = openedAt;
}

/** In place of a line: of each pool one. */
function before({ pool }: Source): string {
  return `before ${pool?.id ?? ''}`;
}

/** Where the user frame `depth` above the top one is; all without a stack share one place. */
export function positionAt(site: Site | null, depth: number): string {
  const frame = site?.stack[site.user[Math.min(depth, site.user.length - 1)] ?? -1];
  return frame ? `${frame.file}:${frame.line}:${frame.column}` : '-';
}
