/** What an adapter gets of the probe: enough to enter resources into the ledger, no more. */
import { Chain, type Link } from '../account/chain.ts';
import type { Flows, Mark } from '../account/flow.ts';
import { type Holder, type Ledger, type PoolState, Resource, type Shape, type Source } from '../account/ledger.ts';
import type { Scope, Scopes } from '../account/scope.ts';
import type { Site, Sites, StackBudget } from '../account/site.ts';
import { now } from '../process/runtime.ts';
import { mask } from '../recording/mask.ts';
import type { Notices } from '../recording/notices.ts';
import type { TraceContext } from '../telemetry/snapshot.ts';

/** An acquire that was asked for and is not served yet: where, in which scope, by which flow. */
export interface Request extends Link<Request> {
  site: Site | null;
  scope: Scope | null;
  askedAt: number;
  mark: Mark | null;
  /** The service's span at that moment, where somebody observes. */
  trace: TraceContext | null;
}

/** Stacks are rationed per shape, so that many timers leave enough for leases. */
export type Budgets = Record<'lease' | 'interval' | 'one-shot', StackBudget>;

/** Releases per account whose stacks are compared with the acquiring one. */
const RELEASE_SAMPLES = 4;

// biome-ignore lint/complexity/noBannedTypes: any method of a library
type AnyFunction = Function;

export class Desk {
  readonly ledger: Ledger;
  readonly flows: Flows;
  readonly notices: Notices;
  private readonly scopes: Scopes;
  private readonly sites: Sites;
  private readonly budgets: Budgets;
  /** Set when the probe is over its budget: no stacks beyond the rationed ones; no new timers. */
  isSparing = false;
  ignoresTimers = false;
  /** Numbers pools in the order they were first used. */
  private poolCount = 0;

  constructor(ledger: Ledger, scopes: Scopes, flows: Flows, sites: Sites, budgets: Budgets, notices: Notices) {
    this.ledger = ledger;
    this.scopes = scopes;
    this.flows = flows;
    this.sites = sites;
    this.budgets = budgets;
    this.notices = notices;
  }

  /** Notes who asks `source`, at the moment of the call to `wrapper`. */
  request(wrapper: AnyFunction, shape: keyof Budgets, source: Source): Request {
    const askedAt = now();
    const hasStack = this.budgets[shape].take() || (askedAt < source.armedUntil && !this.isSparing);
    const trace = this.ledger.observer?.trace() ?? null;
    const site = hasStack ? this.sites.capture(wrapper) : null;
    // flows are judged by line: without a stack a mark would tell nothing, at the price of a copy of the context
    return {
      site,
      scope: this.scopes.current(),
      askedAt,
      mark: site ? this.flows.ask() : null,
      trace,
      previous: null,
      next: null,
    };
  }

  /** Where a timer of a moment is set; null for those that are only counted. */
  siteOfTimer(wrapper: AnyFunction): Site | null {
    return this.budgets['one-shot'].take() ? this.sites.capture(wrapper) : null;
  }

  scope(): Scope | null {
    return this.scopes.current();
  }

  /** A resource that `request` asked for is open from now on. */
  open(source: Source, shape: Shape, request: Request): Resource {
    const resource = new Resource(this.ledger.account(source, request.site, shape), request.scope, now());
    resource.waitedMs = resource.openedAt - request.askedAt;
    resource.trace = request.trace;
    this.follow(resource, request);
    this.ledger.open(resource);
    return resource;
  }

  /** Ties a resource to the flow that asked for it. */
  follow(resource: Resource, { mark }: Request): void {
    if (!mark) return;
    mark.token.resource = resource;
    resource.flow = { mark: new WeakRef(mark), token: new WeakRef(mark.token) };
    if (resource.account.line === null) return;
    for (const { resource: held } of mark.earlier) {
      if (!held || held.closed || held.account.line !== resource.account.line) continue;
      held.overtaken++;
      resource.earlier ??= [];
      resource.earlier.push(held);
    }
  }

  /** The borrower gives a lease back, by a call to `wrapper`. */
  close(lease: Resource, wrapper: AnyFunction): void {
    const { account } = lease;
    if (lease.isFollowed && this.flows.isHolding(lease)) account.releasedInFlow++;
    this.ledger.close(lease, now());
    if (account.site && account.releases.length < RELEASE_SAMPLES) account.releases.push(this.sites.capture(wrapper));
  }

  /** The borrower, or somebody it was handed to, uses a lease. */
  use(lease: Resource, operation: string | null): void {
    lease.lastOperation = operation;
    lease.lastUsedAt = now();
    lease.uses++;
    if (lease.flow && !lease.isHandedOver && !this.flows.isHolding(lease)) lease.isHandedOver = true;
  }

  /** The source of one pool's leases; `name` null: it is numbered. What the service named may hold secrets: masked once, for all. */
  pool(library: string, name: string | null, max: number, gauges: PoolState['gauges']): Source & { pool: PoolState } {
    const id = ++this.poolCount;
    const pool: PoolState = {
      id,
      name: name === null ? `${library} #${id}` : mask(name),
      max,
      gauges,
      leases: (at) => [...this.ledger.opened(at)].filter(({ account }) => account.source === source).map(holderAt(at)),
      waiting: new Chain(),
      lastReleasedAt: 0,
      exhaustions: [],
      timeouts: 0,
      waitedInVain: 0,
      timeoutsJudged: 0,
    };
    const source = Object.assign(this.ledger.source('connection', library, pool), { pool });
    return source;
  }
}

function holderAt(at: number): (resource: Resource) => Holder {
  return (resource) => {
    const { openedAt, lastUsedAt, isBusy } = resource;
    return { resource, ageMs: at - openedAt, idleMs: at - lastUsedAt, busy: isBusy ? isBusy() : null };
  };
}
