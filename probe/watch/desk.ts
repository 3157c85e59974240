/** The desk: what an adapter gets of the probe, enough to enter resources into the ledger and no more. */
import { Chain } from '../account/chain.ts';
import type { Flows } from '../account/flow.ts';
import { type Account, type Ledger, type Request, Resource, type Source, type SourceFacts } from '../account/ledger.ts';
import type { Notices } from '../account/notices.ts';
import type { Holder, PoolState } from '../account/pool-state.ts';
import { heldBefore, type Known } from '../account/resource.ts';
import type { Scope, Scopes } from '../account/scope.ts';
import type { Site, Sites } from '../account/site.ts';
import type { StackBudgets } from '../account/stack-budgets.ts';
import type { Method } from '../process/around.ts';
import { now } from '../process/runtime.ts';
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

export class Desk {
  readonly ledger: Ledger;
  readonly flows: Flows;
  readonly notices: Notices;
  readonly unseen: DeskParts['unseen'];
  /** Folders of the libraries that are watched. */
  readonly watched: Set<string> = new Set();
  readonly #scopes: Scopes;
  readonly #sites: Sites;
  readonly #stacks: StackBudgets;
  /** Set when the probe is over its budget: what `counted` natures there are is not even counted. */
  ignoresCounted = false;
  readonly #poolNames: PoolNames = new PoolNames();

  constructor({ ledger, scopes, flows, sites, stacks, notices, unseen }: DeskParts) {
    this.ledger = ledger;
    this.flows = flows;
    this.notices = notices;
    this.unseen = unseen;
    this.#scopes = scopes;
    this.#sites = sites;
    this.#stacks = stacks;
  }

  source(facts: SourceFacts): Source {
    return this.ledger.source(facts);
  }

  /**
   * Notes who asks `source`, at the moment of the call to `wrapper`. `site`: where its library was called, when that is
   * not on the stack any more.
   */
  ask(source: Source, wrapper: Method, site: Site | null = this.callTo(source, wrapper)): Request {
    const askedAt = now();
    if (source.isRetired) this.ledger.revive(source);
    return {
      source,
      site,
      scope: this.#scopes.current(),
      askedAt,
      // flows are judged by line: without a stack a mark would tell nothing, at the price of a copy of the context
      mark: site ? this.flows.ask() : null,
      trace: this.ledger.observer?.trace() ?? null,
      previous: null,
      next: null,
    };
  }

  /** Where `wrapper` is called, which is to ask `source`; null where no stack is to be taken. */
  callTo(source: Source, wrapper: Method): Site | null {
    return this.#stacks.take(source, now()) ? this.#sites.capture(wrapper) : null;
  }

  /** Where something of a moment is made; null when it is only to be counted. */
  siteOf(source: Source, wrapper: Method): Site | null {
    return this.#stacks.take(source, Number.POSITIVE_INFINITY) ? this.#sites.capture(wrapper) : null;
  }

  /** Whether a watched library made it for itself: what it does of its own accord is told by what is seen of it. */
  isOfLibrary({ stack }: Site): boolean {
    const { file } = stack.find((frame) => !frame.file.startsWith('node:')) ?? {};
    if (file !== undefined) for (const folder of this.watched) if (file.startsWith(folder)) return true;
    return false;
  }

  /** The site of the call to `wrapper`, without a budget: for what is rare. */
  siteHere(wrapper: Method): Site | null {
    return this.#sites.capture(wrapper);
  }

  scope(): Scope | null {
    return this.#scopes.current();
  }

  /** What `request` asked for is open from now on. */
  open(request: Request, known?: Known): Resource {
    const { source, site, scope } = request;
    const resource = new Resource(this.ledger.account(source, site), scope, now(), known);
    resource.waitedMs = resource.openedAt - request.askedAt;
    resource.trace = request.trace;
    this.#follow(resource, request);
    this.ledger.open(resource);
    return resource;
  }

  /** Ties a resource to the flow that asked for it, and to what that flow or its scope took before. */
  #follow(resource: Resource, { mark }: Request): void {
    const { scope } = resource;
    if (scope !== null && scope.ended === 0) {
      if (scope.latest !== null && !scope.latest.closed) resource.companion = scope.latest;
      scope.latest = resource;
    }
    if (!mark) return;
    mark.token.resource = resource;
    resource.flow = { mark: new WeakRef(mark), token: new WeakRef(mark.token) };
    for (const held of heldBefore(mark)) {
      resource.companion ??= held;
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
    if (!account.site || account.releases.length >= RELEASE_SAMPLES) return;
    const site = this.#sites.capture(wrapper);
    if (site) account.releases.push(site);
  }

  /** The borrower, or somebody it was handed to, uses a lease. */
  use(lease: Resource, operation: string | null): void {
    lease.lastOperation = operation;
    lease.lastUsedAt = now();
    lease.account.line.changedAt = lease.lastUsedAt;
    lease.uses++;
    if (lease.flow && !lease.isHandedOver && !this.flows.isHolding(lease)) lease.isHandedOver = true;
  }

  /** The source of one pool's leases. */
  pool({ name, library, max, gauges, ...facts }: PoolFacts): Source & { pool: PoolState } {
    const leases = (at: number): Holder[] =>
      [...source.accounts.values()].flatMap((account: Account) =>
        [...this.ledger.openOf(account, at)].map(holderAt(at)),
      );
    const pool: PoolState = {
      ...{ ...this.#poolNames.next(library, name), max, gauges, leases, waiting: new Chain() },
      ...{ lastReleasedAt: 0, exhaustions: [], timeouts: 0, waitedInVain: 0, timeoutsJudged: 0 },
    };
    const source = this.ledger.source({ nature: 'lease', library, pool, ...facts }) as Source & { pool: PoolState };
    return source;
  }
}

function holderAt(at: number): (resource: Resource) => Holder {
  return (resource) => {
    const { openedAt, lastUsedAt, isBusy } = resource;
    return { resource, ageMs: at - openedAt, idleMs: at - lastUsedAt, busy: isBusy ? isBusy() : null };
  };
}
