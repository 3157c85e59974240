/** The desk: what an adapter gets of the probe, enough to enter resources into the ledger and no more. */
import { Chain } from '../account/chain.ts';
import type { Flows, Mark } from '../account/flow.ts';
import { type Account, type Ledger, type Request, Resource, type Source, type SourceFacts } from '../account/ledger.ts';
import type { Notices } from '../account/notices.ts';
import { type Holder, holderOf, type PoolState } from '../account/pool-state.ts';
import { heldBefore, heldBy, type Known } from '../account/resource.ts';
import type { Scope, Scopes } from '../account/scope.ts';
import { callerOfNode, isOfNode, type Site, type Sites } from '../account/site.ts';
import type { StackBudgets } from '../account/stack-budgets.ts';
import type { Stakes } from '../account/stakes.ts';
import type { Method } from '../process/around.ts';
import { microtask, now } from '../process/runtime.ts';
import { connectionHere } from './connection-here.ts';
import type { Host, Hosts } from './host.ts';
import { PoolNames } from './pool-names.ts';

/** Releases per account whose stacks are compared with the acquiring one. */
const RELEASE_SAMPLES = 4;

export interface DeskParts {
  ledger: Ledger;
  scopes: Scopes;
  flows: Flows;
  sites: Sites;
  stacks: StackBudgets;
  notices: Notices;
  /** The program ran before the probe came: what it has taken by then is there already. */
  isLate: boolean;
  /** Says what is not watched though it is there: what, and why in a plain sentence. */
  unseen(what: string, why: string): void;
}

/** What an adapter says of a pool; `name` null: it is numbered. */
export interface PoolFacts {
  adapter: string;
  library: string;
  name: string | null;
  max: number;
  gauges: PoolState['gauges'];
  costMs?: number;
}

/** Where the code of a library is. */
export interface Folders {
  has(file: string): boolean;
}

/** Told of what pools lend, as soon as a driver tells of its sessions. */
interface Lending {
  lent(connection: unknown, lease: Resource): void;
}

/** All pools of one copy of a library. */
export interface PoolKind {
  library: string;
  prototype: object;
  /** Takes up the account of a pool that is there; anything else with this prototype is left alone. */
  meet(pool: object): void;
}

export class Desk {
  readonly ledger: Ledger;
  readonly stakes: Stakes;
  readonly flows: Flows;
  readonly notices: Notices;
  readonly isLate: boolean;
  readonly unseen: DeskParts['unseen'];
  /** How pools are known that are there already: by the prototype that they share. */
  readonly poolKinds: PoolKind[] = [];
  /** Told of each object that listens for "free" among its own events, as an HTTP agent does while it is made. */
  onFree: ((emitter: object) => void) | null = null;
  sessions: Lending | null = null;
  /** Libraries whose clients are watched. */
  readonly hosts: Hosts[] = [];
  /** Folders of the libraries that are watched. */
  readonly watched: Set<string> = new Set();
  readonly #scopes: Scopes;
  readonly #sites: Sites;
  readonly #stacks: StackBudgets;
  /** Set when the probe is over its budget: what `counted` natures there are is not even counted. */
  ignoresCounted = false;
  readonly #poolNames: PoolNames = new PoolNames();
  /** Connections that were made without a pool, as far as is known. */
  readonly #bare: WeakMap<object, Resource> = new WeakMap();
  #isAnyBare = false;
  #making: { maker: Resource; folders: Folders; turn: number } | null = null;
  #turn = 1;
  #isTurnKnown = false;

  constructor({ ledger, scopes, flows, sites, stacks, notices, isLate, unseen }: DeskParts) {
    this.ledger = ledger;
    this.stakes = ledger.stakes;
    this.flows = flows;
    this.notices = notices;
    this.isLate = isLate;
    this.unseen = unseen;
    this.#scopes = scopes;
    this.#sites = sites;
    this.#stacks = stacks;
  }

  source(facts: SourceFacts): Source {
    return this.ledger.source(facts);
  }

  /**
   * Notes who asks `source`, at the moment of the call to `wrapper`. `known`: where its library was called, when that is
   * not on the stack any more.
   */
  ask(source: Source, wrapper: Method, known?: Site | null): Request {
    const at = now();
    const site = known === undefined ? this.callTo(source, wrapper, at) : known;
    if (source.isRetired) this.ledger.revive(source);
    return {
      source,
      site,
      scope: this.#scopes.current(),
      // a stack takes its time, which is not the pool's
      askedAt: site === null ? at : now(),
      // flows are judged by line: without a stack a mark would tell nothing, at the price of a copy of the context
      mark: site ? this.flows.ask(source.nature.ends === 'given back') : null,
      trace: this.ledger.observer?.trace() ?? null,
      previous: null,
      next: null,
    };
  }

  /** Whether there is nothing to be told of what asks `source` in no scope: no stack, and nobody observes. */
  isQuiet(source: Source): boolean {
    return this.ledger.observer === null && !this.#stacks.hasNow(source);
  }

  get isInScope(): boolean {
    return this.#scopes.isAny;
  }

  /** Where `wrapper` is called, which is to ask `source`; null where no stack is to be taken. */
  callTo(source: Source, wrapper: Method, at: number = now()): Site | null {
    return this.#stacks.take(source, at) ? this.#sites.capture(wrapper) : null;
  }

  /** The same; null also where Node's own code called. */
  callByUser(source: Source, wrapper: Method): Site | null {
    const isTold = this.#stacks.take(source, now()) && !this.#sites.isCallOfNode(wrapper);
    const site = isTold ? this.#sites.capture(wrapper) : null;
    // where no hook can be put into stacks, they are read as text
    return site === null || isOfNode(site) ? null : site;
  }

  /** Where something of a moment is made; null when it is only to be counted. */
  siteOf(source: Source, wrapper: Method, depth?: number): Site | null {
    return this.#stacks.take(source, Number.POSITIVE_INFINITY) ? this.#sites.capture(wrapper, depth) : null;
  }

  /** Whether `siteOf` will tell. */
  hasStackFor(source: Source): boolean {
    return this.#stacks.has(source);
  }

  /** `task` is called whenever stacks were granted, or the probe may have gone over its budget. */
  whenGranted(task: () => void): void {
    this.#stacks.whenGranted.push(task);
  }

  /** Whether a watched library made it for itself: what it does of its own accord is told by what is seen of it. */
  isOfLibrary(site: Pick<Site, 'stack'>): boolean {
    const { file } = callerOfNode(site) ?? {};
    if (file !== undefined) for (const folder of this.watched) if (file.startsWith(folder)) return true;
    return false;
  }

  /** For which client a watched library does what it does at `site`, as far as that is known. */
  hostOf(site: Pick<Site, 'stack'>): Host | null {
    const { file } = callerOfNode(site) ?? {};
    if (file === undefined) return null;
    for (const hosts of this.hosts) {
      const host = hosts.has(file) ? hosts.here() : null;
      if (host !== null) return host;
    }
    return null;
  }

  /** `maker` is being made in this turn: what the code of `folders` makes meanwhile is its own. */
  isMaking(maker: Resource, folders: Folders): void {
    this.#making = { maker, folders, turn: this.turn() };
  }

  /**
   * Whose is what was asked for at `site`, by code that is not of `own`: null, the service's; else of what a watched
   * library is making, or of one of which that is not known.
   */
  makerOf({ stack }: Site, own: Folders): Resource | 'unknown' | null {
    const { file } = stack.find((frame) => !frame.file.startsWith('node:') && !own.has(frame.file)) ?? {};
    if (file === undefined) return null;
    const { maker, folders, turn } = this.#making ?? {};
    if (maker !== undefined && folders?.has(file) && turn === this.turn() && !maker.closed) return maker;
    for (const folder of this.watched) if (file.startsWith(folder)) return 'unknown';
    return null;
  }

  /** The site of the call to `wrapper`, without a budget: for what is rare. */
  siteHere(wrapper: Method): Site | null {
    return this.#sites.capture(wrapper);
  }

  /** The number of this turn: of all code that runs without anything else in between. */
  turn(): number {
    if (!this.#isTurnKnown) {
      this.#isTurnKnown = true;
      microtask(() => {
        this.#isTurnKnown = false;
        this.#turn++;
      });
    }
    return this.#turn;
  }

  /** What a handle that is made here is to be judged by later on. */
  surroundings(): Pick<Known, 'turn' | 'isHosted'> {
    return { turn: this.turn(), ...connectionHere() };
  }

  scope(): Scope | null {
    return this.#scopes.current();
  }

  /** What `request` asked for is open from now on, or since `at`. */
  open(request: Request, known?: Known, at: number = now()): Resource {
    const { source, site, scope } = request;
    const resource = new Resource(this.ledger.account(source, site), scope, at, known);
    resource.waitedMs = resource.openedAt - request.askedAt;
    resource.trace = request.trace;
    this.#follow(resource, request);
    this.ledger.open(resource);
    return resource;
  }

  /** Ties a resource to the flow that asked for it, and to what that flow or its scope took before. */
  #follow(resource: Resource, { mark }: Request): void {
    const { account, scope } = resource;
    if (scope !== null && scope.ended === 0) {
      // leases without a stack share an account, of which nothing can be learned
      const canLearn = account.site !== null || account.source.pool === null;
      if (canLearn && scope.latest !== null && !scope.latest.closed) resource.accompanies(scope.latest);
      scope.latest = resource;
    }
    if (!mark) return;
    this.flows.served(mark, resource);
    resource.follow(mark);
    for (const held of heldBefore(mark)) {
      if (resource.companion === null) resource.accompanies(held);
      if (resource.account.site === null || held.account.line !== resource.account.line) continue;
      held.overtaken++;
      resource.earlier ??= [];
      resource.earlier.push(held);
    }
  }

  /** The borrower gives a lease back, by a call to `wrapper`. */
  close(lease: Resource, wrapper: Method): void {
    const { account } = lease;
    if (lease.isFollowed && this.flows.isHolding(lease)) account.releasedInFlow++;
    this.ledger.close(lease, now());
    lease.session?.back(lease, wrapper);
    if (!account.site || account.releases.length >= RELEASE_SAMPLES) return;
    const site = this.#sites.capture(wrapper);
    if (site) account.releases.push(site);
  }

  /**
   * The borrower, or somebody it was handed to, uses a lease. Who uses it first is the borrower: a helper that awaits
   * before it acquires does not share its caller's flow.
   */
  use(lease: Resource, operation: string | null): void {
    lease.lastOperation = operation;
    lease.lastUsedAt = now();
    lease.account.line.changedAt = lease.lastUsedAt;
    if (lease.isFollowed && !lease.isHandedOver && !this.flows.isHolding(lease)) {
      if (lease.uses === 0) this.#adopt(lease);
      else lease.isHandedOver = true;
    }
    lease.uses++;
  }

  #adopt(lease: Resource): void {
    const mark = this.flows.ask(lease.account.source.nature.ends === 'given back');
    if (!mark) return;
    this.flows.served(mark, lease);
    lease.follow(mark);
    lease.account.adopted++;
    this.flows.enter(mark);
  }

  /** The current flow turns to `operation` while it holds what it holds. */
  turnsTo<T extends object>(what: string, operation: T, isPending: (operation: T) => boolean): void {
    const mark = this.flows.current();
    if (mark?.matters) this.#turned(mark, what, operation, isPending);
  }

  /** Apart: what closes over its own arguments allocates whenever it is called. */
  #turned<T extends object>(mark: Mark, what: string, operation: T, isPending: (operation: T) => boolean): void {
    const weak = new WeakRef(operation);
    const isUnderWay = (): boolean => {
      const alive = weak.deref();
      return alive !== undefined && isPending(alive);
    };
    const elsewhere = { what, since: now(), isPending: isUnderWay };
    const scope = this.#scopes.current();
    for (const held of heldBy(mark)) {
      // who began a job goes on once it is over, and does not work for it
      const isOfScope = held.scope === null || held.scope === scope;
      if (isOfScope && held.account.source.nature.ends === 'given back') held.elsewhere = elsewhere;
    }
  }

  /** `lease` is of a connection that the service made without a pool, as far as is known. */
  bare(connection: object, lease: Resource): void {
    if (!this.#isAnyBare) this.stakes.lent++;
    this.#isAnyBare = true;
    this.#bare.set(connection, lease);
  }

  /** A pool lends `connection`, which so is no lease of its own. */
  pooled(connection: unknown): void {
    if (!this.#isAnyBare || typeof connection !== 'object' || connection === null) return;
    const lease = this.#bare.get(connection);
    if (!lease) return;
    this.#bare.delete(connection);
    this.ledger.forget(lease, now());
  }

  /** A pool is being shut down by a call to `wrapper`: from now on it waits for what is lent. */
  ends(source: Source & { pool: PoolState }, wrapper: Method): void {
    const { pool, accounts } = source;
    if (pool.endingAt !== 0) return;
    pool.endingAt = now();
    pool.endedBy = this.#sites.capture(wrapper);
    for (const { open } of accounts.values()) {
      for (const lease of open) lease.isHeldByEnder ||= this.flows.isHolding(lease);
    }
  }

  /** The source of one pool's leases. */
  pool({ name, library, max, gauges, ...facts }: PoolFacts): Source & { pool: PoolState } {
    const leases = (at: number): Holder[] =>
      [...source.accounts.values()].flatMap((account: Account) =>
        [...this.ledger.openOf(account, at)].map((resource) => holderOf(resource, at)),
      );
    const pool: PoolState = {
      ...{ ...this.#poolNames.next(library, name), max, gauges, leases, waiting: new Chain() },
      ...{ lastReleasedAt: 0, endingAt: 0, endedBy: null, exhaustions: [] },
      ...{ timeouts: 0, waitedInVain: 0, timeoutsJudged: 0 },
    };
    const source = this.ledger.source({ nature: 'lease', library, pool, ...facts }) as Source & { pool: PoolState };
    return source;
  }
}
