/**
 * generic-pool 3. It hands out the same object on every borrow, so a lease is known by pool and object.
 *
 * `acquire` may be served at once or much later, from another flow. The request object that it puts into its queue
 * ties the two moments together: noted when queued, recognised when dequeued for dispatch. No promise of the service is
 * touched, so an unhandled rejection stays exactly as unhandled as it was.
 */

import type { Cut } from '../../account/cut.ts';
import type { Request, Resource } from '../../account/ledger.ts';
import type { Known } from '../../account/resource.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import { guarded } from '../../process/lapses.ts';
import { now } from '../../process/runtime.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { Lent } from './lent.ts';
import { cutOwn, type OwnCut } from './own-cut.ts';
import { peerOf } from './peer.ts';
import { type PoolAccount, PoolAccounts, type PoolDescription } from './pool-account.ts';
import { isStandIn, ofStandIn } from './stand-in.ts';

const PART = 'generic-pool' satisfies AdapterName;
/** Of the service's listeners on what is lent, those that do not wait for anything that a server might say. */
const HARMLESS_EVENTS = ['error'];

interface Pool {
  borrowed: number;
  available: number;
  /** Connections that exist. */
  size: number;
  pending: number;
  max: number;
  min?: number;
  _factoryCreateOperations?: Set<Promise<unknown>>;
  _allObjects?: Set<PooledResource>;
  /** Serves who waits. */
  _dispense?(): void;
  /** By borrowed object, which may be a mere number. */
  _resourceLoans?: Map<unknown, Loan>;
}

interface PooledResource {
  obj: unknown;
}

interface Loan {
  pooledResource: PooledResource;
}

/** On the pool's own request objects, which nobody else sees. */
const ASKED = Symbol('outlive');

interface PoolRequest {
  [ASKED]?: Asked | undefined;
}

/** The request of the acquire that is being called. */
const AT_ONCE: PoolRequest = {};

interface Asked {
  request: Request;
  account: PoolAccount;
  queued: PoolRequest | null;
  /** The acquire that was being called when this one was. */
  outer: Asked | null;
}

export function attachments(desk: Desk): Attachments {
  const pools = new GenericPools(desk);
  return {
    'generic-pool': ({ Pool, PriorityQueue }) => {
      pools.watchPool(Pool.prototype);
      pools.watchQueue(PriorityQueue.prototype);
    },
  };
}

class GenericPools {
  readonly #desk: Desk;
  readonly #accounts: PoolAccounts<Pool>;
  /** Set once for each object of a pool: a weak map that changes all the time is work for the garbage collector. */
  readonly #lent: WeakMap<PooledResource, Lent> = new WeakMap();
  /** The acquire that is being called right now. */
  #asking: Asked | null = null;
  /** The request object taken off the queue last. */
  #dequeued: PoolRequest | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#accounts = new PoolAccounts<Pool>(desk, PART, PART, (weak) => this.#describe(weak));
  }

  #describe(weak: WeakRef<Pool>): PoolDescription {
    const lent = this.#lent;
    return {
      name: null,
      max: weak.deref()?.max ?? 0,
      gauges: () => {
        const pool = weak.deref();
        if (!pool) return null;
        const { borrowed: used, available, size, pending } = pool;
        // a pool that was cleared still lists as available what it has destroyed
        return { used, idle: Math.min(available, size - used), pending };
      },
      idleLimits: () => ({ min: weak.deref()?.min ?? null, max: weak.deref()?.max ?? null }),
      *peers() {
        for (const pooledResource of weak.deref()?._allObjects ?? []) {
          const resource = lent.get(pooledResource)?.lease ?? null;
          yield { resource, peer: peerOf(pooledResource.obj, resource ? 'used' : 'idle') };
        }
      },
      cut: (cuts) => {
        const pool = weak.deref();
        for (const loan of [...(pool?._resourceLoans?.values() ?? [])]) if (pool) this.#cut(pool, loan, cuts);
      },
      *lent() {
        for (const { pooledResource } of weak.deref()?._resourceLoans?.values() ?? []) {
          const own = lent.get(pooledResource);
          if (own) yield [own, pooledResource.obj] as const;
        }
      },
      present: (enter) => {
        for (const { pooledResource } of weak.deref()?._resourceLoans?.values() ?? [])
          this.#lentBefore(pooledResource, enter);
      },
    };
  }

  #cut(pool: Pool, loan: Loan, cuts: Cut[]): void {
    const { pooledResource } = loan;
    const lent = this.#lent.get(pooledResource);
    if (!lent?.lease || !lent.ref || lent.lease.isOrphan) return;
    const { obj } = pooledResource;
    if (isStandIn(obj)) {
      cuts.push(ofStandIn(lent.lease, () => healStandIn(pool, loan, obj)));
      return;
    }
    const own = cutOwn(obj as object, HARMLESS_EVENTS);
    if (!own) return;
    pool._resourceLoans?.delete(obj);
    pool._resourceLoans?.set(own.placeholder, loan);
    pooledResource.obj = own.placeholder;
    cuts.push(cutOf(pool, loan, own, lent.lease, lent.ref));
  }

  watchPool(prototype: object): void {
    const { flows, poolKinds } = this.#desk;
    poolKinds.push({
      library: PART,
      prototype,
      meet: (pool) => Object.hasOwn(pool, '_resourceLoans') && this.#accounts.of(pool as Pool),
    });
    // in the constructor; where it leads to only the first connection tells
    onFirstSet<Pool>(PART, prototype, '_draining', (pool, _, setter) => this.#accounts.made(pool, setter, null));
    around<Pool>(PART, prototype, 'drain', { before: (pool, _, __, wrapper) => this.#accounts.ends(pool, wrapper) });
    around<Pool, Asked>(PART, prototype, 'acquire', {
      before: (pool, _, __, wrapper) => this.#ask(pool, wrapper),
      within: flows.unmarked((own) => own.request.mark),
      finally: (_, own) => this.#askedFor(own),
    });
    around<Pool, PooledResource>(PART, prototype, '_dispatchPooledResourceToNextWaitingClient', {
      before: (_, pooledResource) => pooledResource as PooledResource,
      after: (pool, isServed: boolean, pooledResource) => this.#dispatch(pool, pooledResource, isServed),
    });
    around<Pool, number>(PART, prototype, '_createResource', {
      before: now,
      after: (pool, _: unknown, began) => this.#watchCreation(pool, began ?? 0),
    });
    for (const method of ['release', 'destroy']) {
      around<Pool>(PART, prototype, method, {
        before: (pool, resource, _, wrapper) => this.#giveBack(pool, resource, wrapper),
        within: flows.unmarked(),
      });
    }
  }

  watchQueue(prototype: object): void {
    let isRequestKnown = false;
    around(PART, prototype, 'enqueue', {
      before: (_, request) => {
        if (!isRequestKnown) this.#watchTimeouts(request as PoolRequest);
        isRequestKnown = true;
        this.#queue(request as PoolRequest);
      },
    });
    around(PART, prototype, 'dequeue', {
      after: (_, request: PoolRequest | undefined) => {
        // most are served while they are asked for: to keep those, which are new, is work for the garbage collector
        this.#dequeued = request !== undefined && request === this.#asking?.queued ? AT_ONCE : (request ?? null);
      },
    });
  }

  #ask(pool: Pool, wrapper: Method): Asked {
    const account = this.#accounts.of(pool);
    this.#asking = { request: account.ask(wrapper), account, queued: null, outer: this.#asking };
    return this.#asking;
  }

  #askedFor(own: Asked | undefined): void {
    this.#asking = own?.outer ?? null;
    if (own?.queued) own.account.wait(own.request);
  }

  #queue(request: PoolRequest): void {
    const asking = this.#asking?.queued === null ? this.#asking : undefined;
    // all of them get it, so that V8 knows them by one shape: what the library does with two is compiled twice
    request[ASKED] = asking;
    if (asking) asking.queued = request;
  }

  #dispatch(pool: Pool, pooledResource: PooledResource | undefined, isServed: boolean): void {
    const dequeued = this.#dequeued;
    const isAtOnce = dequeued === AT_ONCE;
    const own = isAtOnce ? this.#asking : dequeued?.[ASKED];
    this.#dequeued = null;
    if (!pooledResource) return;
    if (!own) {
      const account = this.#accounts.of(pool);
      // whoever waited already
      if (isServed && account.isBefore) this.#lentBefore(pooledResource, (known) => account.serve(known));
      return;
    }
    own.queued = null;
    if (!isServed) {
      own.account.stopWaiting(own.request);
      return;
    }
    own.account.lend(this.#lentBy(pooledResource), own.request, pooledResource.obj, isAtOnce);
  }

  #lentBy(pooledResource: PooledResource): Lent {
    let lent = this.#lent.get(pooledResource);
    if (lent === undefined) {
      lent = new Lent(refTo(pooledResource.obj));
      this.#lent.set(pooledResource, lent);
    }
    return lent;
  }

  /** It was lent, or asked for, before the probe came. */
  #lentBefore(pooledResource: PooledResource, enter: (known: Known) => Resource): void {
    const lent = this.#lentBy(pooledResource);
    lent.lease = enter(lent.ref === null ? {} : { ref: lent.ref });
  }

  #giveBack(pool: Pool, resource: unknown, releaser: Method): void {
    const loan = pool._resourceLoans?.get(resource);
    const lent = loan && this.#lent.get(loan.pooledResource);
    if (lent === undefined) return;
    if (lent.lease !== null) this.#desk.close(lent.lease, releaser);
    else lent.countedBy?.countBack(lent);
    lent.lease = null;
  }

  /** The class of request objects is private: it is met with the first of them, in each copy of the library. */
  #watchTimeouts(request: object): void {
    const isSeen = around<PoolRequest>(PART, Object.getPrototypeOf(request), '_fireTimeout', {
      before: ({ [ASKED]: own }) => {
        own?.account.timedOut(own.request, false);
      },
    });
    if (!isSeen) this.#desk.unseen('time-outs of generic-pool', 'Its requests have no _fireTimeout any more.');
  }

  /** The pool's own promise, which it handles itself: the latest of its set. Only where somebody wants to know. */
  #watchCreation(pool: Pool, began: number): void {
    const account = this.#accounts.of(pool);
    const operation = account.isObserved && [...(pool._factoryCreateOperations ?? [])].at(-1);
    if (!operation) return;
    operation.then(
      () => guarded(PART, () => account.created(began)),
      () => {},
    );
  }
}

/** A function of its own: what it makes must not share a scope with the object that was lent. */
function cutOf(pool: Pool, loan: Loan, own: OwnCut, resource: Resource, ref: WeakRef<object>): Cut {
  const put = (before: object, after: object) => {
    pool._resourceLoans?.delete(before);
    pool._resourceLoans?.set(after, loan);
    loan.pooledResource.obj = after;
  };
  let standIn = own.placeholder;
  return {
    resource,
    ref,
    restore(lent) {
      own.restore(lent);
      put(own.placeholder, lent);
    },
    substitute() {
      standIn = own.standIn();
      put(own.placeholder, standIn);
    },
    heal() {
      own.destroy();
      giveBackPlace(pool, loan, standIn);
    },
  };
}

function healStandIn(pool: Pool, loan: Loan, standIn: { end?(): void }): void {
  standIn.end?.();
  giveBackPlace(pool, loan, standIn);
}

function giveBackPlace(pool: Pool, loan: Loan, standIn: object): void {
  pool._resourceLoans?.delete(standIn);
  pool._allObjects?.delete(loan.pooledResource);
  pool._dispense?.();
}

function refTo(lent: unknown): WeakRef<object> | null {
  return typeof lent === 'object' && lent !== null ? new WeakRef(lent) : null;
}
