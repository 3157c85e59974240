/** What an adapter gets of the probe: enough to enter resources into the ledger, no more. */
import { ownerOf } from '../blame.ts';
import { type Ledger, Resource, type Shape, type Source } from '../ledger.ts';
import { now } from '../runtime.ts';
import type { Scope, Scopes } from '../scope.ts';
import type { Site, Sites, StackBudget } from '../site.ts';

/** An acquire that was asked for and is not served yet: where and in which scope. */
export interface Request {
  site: Site | null;
  scope: Scope | null;
  askedAt: number;
}

/** Releases per account whose stacks are compared with the acquiring one. */
const OWNER_SAMPLES = 4;

export class Desk {
  readonly ledger: Ledger;
  readonly scopes: Scopes;
  private readonly sites: Sites;
  private readonly budgets: Record<Shape, StackBudget>;
  /** Numbers pools in the order they were first used. */
  private poolCount = 0;

  constructor(ledger: Ledger, scopes: Scopes, sites: Sites, budgets: Record<Shape, StackBudget>) {
    this.ledger = ledger;
    this.scopes = scopes;
    this.sites = sites;
    this.budgets = budgets;
  }

  /** Notes who asks, at the moment of the call to `wrapper`. */
  // biome-ignore lint/complexity/noBannedTypes: captureStackTrace takes any function
  request(wrapper: Function, shape: Shape = 'lease'): Request {
    const askedAt = now();
    const site = this.budgets[shape].take(askedAt) ? this.sites.capture(wrapper) : null;
    return { site, scope: this.scopes.current(), askedAt };
  }

  /** A resource that `request` asked for is open from now on. */
  open(source: Source, shape: Shape, request: Request): Resource {
    const resource = new Resource(this.ledger.account(source, request.site, shape), request.scope, now());
    this.ledger.open(resource);
    return resource;
  }

  /** The borrower gives a lease back, by a call to `wrapper`. */
  // biome-ignore lint/complexity/noBannedTypes: captureStackTrace takes any function
  close(lease: Resource, wrapper: Function): void {
    const { account } = lease;
    this.ledger.close(lease, now());
    if (account.site && account.owners.length < OWNER_SAMPLES) {
      account.owners.push(ownerOf(account.site, this.sites.capture(wrapper)));
    }
  }

  pool(
    library: string,
    describe: { name: string | null; max: number; gauges: NonNullable<Source['pool']>['gauges'] },
  ): Source {
    const id = ++this.poolCount;
    return this.ledger.source('connection', library, { id, ...describe, name: describe.name ?? `${library} #${id}` });
  }
}
