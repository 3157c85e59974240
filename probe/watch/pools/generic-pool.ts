/**
 * generic-pool 3. It hands out the same object on every borrow, so a lease is known by pool and object.
 *
 * `acquire` may be served at once or much later, from another flow. The request object in the pool's queue ties the two
 * moments together: one that waits when `acquire` returns is noted, one that is dispatched before then is what is asked
 * for, and one of which nothing is known is only counted: the pool itself notes when it was asked for, and lent. No promise
 * of the service is touched, so an unhandled rejection stays exactly as unhandled as it was.
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
  _config?: { acquireTimeoutMillis?: number | null };
  _availableObjects: { readonly length: number };
  _waitingClientsQueue: Queue;
  _factoryCreateOperations?: Set<Promise<unknown>>;
  _allObjects?: Set<PooledResource>;
  /** Serves who waits. */
  _dispense?(): void;
  /** By borrowed object, which may be a mere number. */
  _resourceLoans?: Map<unknown, Loan>;
}

/** On what the pool keeps of each object, which nobody else sees: a weak map is slow, and asked with each lease. */
const LENT = Symbol('outlive');

interface PooledResource {
  obj: unknown;
  [LENT]?: Lent;
}

interface Loan {
  pooledResource: PooledResource;
  /** By the wall clock, as that of requests. */
  _creationTimestamp?: number;
}

/** Behind an acquire that waits, those that it has made itself: by the factory of its connection. */
const MAX_BEHIND = 8;

/** On the pool's own request objects, which nobody else sees. */
const ASKED = Symbol('outlive');

interface PoolRequest {
  readonly state: 'PENDING' | 'FULFILLED' | 'REJECTED';
  readonly _creationTimestamp?: number;
  [ASKED]?: Asked | undefined;
}

/** Of pool requests: the one that is served next, and all, by priority. */
interface Queue {
  readonly length: number;
  readonly head?: PoolRequest;
  readonly _slots: readonly { readonly _list: { readonly head: Node | null; readonly tail: Node | null } }[];
}

interface Node {
  readonly data: PoolRequest;
  readonly next: Node | null;
  readonly prev: Node | null;
}

interface Asked {
  pool: Pool;
  account: PoolAccount;
  /** Null: it is only counted. */
  request: Request | null;
  /** Once it has to wait; of one that is only counted, once a look has met it. */
  waits: Request | null;
  /** It waited already when the probe came. */
  isBefore: boolean;
  isServed: boolean;
  /** The acquire that was being called when this one was. */
  outer: Asked | null;
}

export function attachments(desk: Desk): Attachments {
  const pools = new GenericPools(desk);
  return {
    'generic-pool': ({ Pool }) => pools.watchPool(Pool.prototype),
  };
}

class GenericPools {
  readonly #desk: Desk;
  readonly #accounts: PoolAccounts<Pool>;
  /** The acquire that is being called right now. */
  #asking: Asked | null = null;
  /** Of request objects, whose class is private in each copy of the library. */
  readonly #requests: WeakSet<object> = new WeakSet();

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#accounts = new PoolAccounts<Pool>(desk, PART, PART, (weak) => this.#describe(weak));
  }

  #describe(weak: WeakRef<Pool>): PoolDescription {
    return {
      name: null,
      max: weak.deref()?.max ?? 0,
      timeoutMs: weak.deref()?._config?.acquireTimeoutMillis ?? 0,
      gauges: () => {
        const pool = weak.deref();
        if (!pool) return null;
        const { borrowed: used, available, size, pending } = pool;
        // a pool that was cleared still lists as available what it has destroyed
        return { used, idle: Math.min(available, size - used), pending };
      },
      idleLimits: () => ({ min: weak.deref()?.min ?? null, max: weak.deref()?.max ?? null }),
      *peers() {
        const { _allObjects = [], _resourceLoans } = weak.deref() ?? {};
        for (const { obj, [LENT]: own } of _allObjects) {
          yield { resource: own?.lease ?? null, peer: peerOf(obj, _resourceLoans?.has(obj) ? 'used' : 'idle') };
        }
      },
      cut: (cuts) => {
        const pool = weak.deref();
        for (const loan of [...(pool?._resourceLoans?.values() ?? [])]) if (pool) this.#cut(pool, loan, cuts);
      },
      forget: () => {
        const pool = weak.deref();
        for (const waiting of pool ? waitingIn(pool) : []) delete waiting[ASKED];
        for (const pooledResource of pool?._allObjects ?? []) delete pooledResource[LENT];
      },
      lent: (account) => this.#allLent(weak.deref()?._resourceLoans, account),
      unusual: () => {
        const pool = weak.deref();
        return pool ? unusualIn(pool) : 0;
      },
      noteWaiting: (account) => {
        const pool = weak.deref();
        if (pool) this.#noteWaiting(pool, account);
      },
      present: (enter) => {
        const pool = weak.deref();
        for (const { pooledResource } of pool?._resourceLoans?.values() ?? []) this.#lentBefore(pooledResource, enter);
        if (pool) this.#waitBefore(pool);
      },
    };
  }

  /** What is lent and not in the ledger was only counted. */
  *#allLent(loans: Pool['_resourceLoans'], account: PoolAccount): Generator<[Lent, unknown, number]> {
    for (const { pooledResource, _creationTimestamp } of loans?.values() ?? []) {
      const lent = this.#lentBy(pooledResource);
      if (lent.lease === null || lent.lease.closed) lent.count(account);
      yield [lent, pooledResource.obj, account.noted(_creationTimestamp)];
    }
  }

  #cut(pool: Pool, loan: Loan, cuts: Cut[]): void {
    const { pooledResource } = loan;
    const { obj, [LENT]: lent } = pooledResource;
    if (!lent?.lease || !lent.ref || lent.lease.isOrphan) return;
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
    const { flows, poolKinds, stakes } = this.#desk;
    poolKinds.push({
      library: PART,
      prototype,
      meet: (pool) => Object.hasOwn(pool, '_resourceLoans') && this.#accounts.of(pool as Pool),
    });
    let areTimeoutsWatched = false;
    // in the constructor; where it leads to only the first connection tells
    onFirstSet<Pool>(PART, prototype, '_draining', (pool, _, setter) => this.#accounts.made(pool, setter, null));
    around<Pool>(PART, prototype, 'drain', { before: (pool, _, __, wrapper) => this.#accounts.ends(pool, wrapper) });
    around<Pool, Asked>(PART, prototype, 'acquire', {
      passes: (pool) => this.#asking === null && this.#accounts.of(pool).passes(),
      before: (pool, _, __, wrapper) => this.#ask(pool, wrapper),
      within: flows.unmarked((own) => own.request?.mark),
      after: (pool, _, own) => {
        if (!areTimeoutsWatched) areTimeoutsWatched = this.#watchTimeouts(pool);
        this.#waits(pool, own);
      },
      finally: (_, own) => {
        this.#asking = own?.outer ?? null;
      },
    });
    around<Pool>(PART, prototype, '_dispatchPooledResourceToNextWaitingClient', {
      passes: (pool, pooledResource) =>
        this.#asking === null &&
        (this.#accounts.of(pool).lendsUnseen() ||
          this.#lendsCounted(pool, pooledResource as PooledResource | undefined)),
      before: (pool, pooledResource) => {
        if (!areTimeoutsWatched) areTimeoutsWatched = this.#watchTimeouts(pool);
        this.#dispatch(pool, pooledResource as PooledResource);
      },
    });
    around<Pool, number>(PART, prototype, '_createResource', {
      before: (pool) => {
        const account = this.#accounts.known(pool);
        if (account !== null) account.unusual++;
        return now();
      },
      after: (pool, _: unknown, began) => this.#watchCreation(pool, began ?? 0),
    });
    for (const method of ['release', 'destroy']) {
      around<Pool>(PART, prototype, method, {
        passes: (pool, lent) =>
          (stakes.contexts === 0 || !flows.matters) && (this.#accounts.hasNoneOpen(pool) || isNotInLedger(pool, lent)),
        before: (pool, resource, _, wrapper) => this.#giveBack(pool, resource, wrapper),
        within: flows.unmarked(),
      });
    }
  }

  #ask(pool: Pool, wrapper: Method): Asked {
    const account = this.#accounts.of(pool);
    const request = account.askToLend(wrapper);
    // what waits already is not taken for it
    if (request !== null) this.#noteWaiting(pool, account);
    this.#asking = { pool, account, request, waits: null, isBefore: false, isServed: false, outer: this.#asking };
    return this.#asking;
  }

  /** An acquire has returned: it is served, or refused, or waits in the queue as the last of those that are not known. */
  #waits({ _waitingClientsQueue: queue }: Pool, own: Asked | undefined): void {
    if (own === undefined || own.isServed) return;
    for (const { _list } of queue._slots) {
      let node = _list.tail;
      for (let behind = 0; behind < MAX_BEHIND && node?.data[ASKED] !== undefined; behind++) node = node.prev;
      if (node === null || node.data[ASKED] !== undefined) continue;
      node.data[ASKED] = own;
      own.account.unusual++;
      own.waits = own.account.waitOnly(own.request, queue.length === 1);
      return;
    }
  }

  /**
   * All that are queued; whatever was queued before one that is noted is noted as well. Not while an acquire is being
   * called, whose request may be among them.
   */
  #noteWaiting(pool: Pool, account: PoolAccount): void {
    if (this.#asking !== null) return;
    for (const { _list } of pool._waitingClientsQueue._slots) {
      const unknown: PoolRequest[] = [];
      for (let node = _list.tail; node !== null && !node.data[ASKED]?.waits; node = node.prev) unknown.push(node.data);
      // what has timed out stays in the queue until it is its turn
      for (const waiting of unknown.reverse().filter(({ state }) => state === 'PENDING')) {
        if (waiting[ASKED] === undefined) account.unusual++;
        waiting[ASKED] ??= { pool, account, request: null, waits: null, isBefore: false, isServed: false, outer: null };
        waiting[ASKED].waits = account.wait(null, account.noted(waiting._creationTimestamp));
      }
    }
  }

  /** Whether nothing is known of who is about to be served, and the lease is only counted; if so, it is. */
  #lendsCounted(pool: Pool, pooledResource: PooledResource | undefined): boolean {
    const { head: waiting } = pool._waitingClientsQueue;
    const lent = pooledResource?.[LENT];
    if (lent === undefined || waiting?.state !== 'PENDING' || waiting[ASKED] !== undefined) return false;
    return this.#accounts.of(pool).lendsCounted(lent, pooledResource?.obj);
  }

  /** The first in the queue is about to be served: known from when it had to wait, or the one that asks just now. */
  #dispatch(pool: Pool, pooledResource: PooledResource | undefined): void {
    // who waits in it already is noted when it is first met
    if (this.#desk.isLate) this.#accounts.of(pool);
    const { head: waiting } = pool._waitingClientsQueue;
    waiting?.[ASKED]?.account.wasUnusual();
    if (pooledResource === undefined || waiting?.state !== 'PENDING') return;
    const own = waiting[ASKED] ?? this.#askingOf(pool);
    const lent = this.#lentBy(pooledResource);
    // what is served to somebody from before is not known after that, either
    if (!lent.isKnown && own?.isBefore !== true) this.#accounts.of(pool).wasUnusual();
    if (own === null) {
      this.#accounts.of(pool).lend(lent, null, null, pooledResource.obj);
      return;
    }
    const { account, request, waits } = own;
    own.isServed = true;
    if (!own.isBefore) {
      account.lend(lent, request, waits, pooledResource.obj, own === this.#asking);
      return;
    }
    account.stopWaiting(waits);
    this.#lentBefore(pooledResource, (known) => account.serve(known));
  }

  /** The acquire that is being called right now, of this pool, where that is not served yet. */
  #askingOf(pool: Pool): Asked | null {
    return this.#asking === null || this.#asking.isServed || this.#asking.pool !== pool ? null : this.#asking;
  }

  #lentBy(pooledResource: PooledResource): Lent {
    return pooledResource[LENT] ?? this.#lendsFirst(pooledResource);
  }

  #lendsFirst(pooledResource: PooledResource): Lent {
    const value = new Lent(refTo(pooledResource.obj));
    // not to be printed with the pool
    Object.defineProperty(pooledResource, LENT, { value, configurable: true });
    return value;
  }

  /** It was lent, or asked for, before the probe came. */
  #lentBefore(pooledResource: PooledResource, enter: (known: Known) => Resource): void {
    const lent = this.#lentBy(pooledResource);
    lent.lease = enter(lent.ref === null ? {} : { ref: lent.ref });
  }

  /** Whoever waits when the probe comes. */
  #waitBefore(pool: Pool): void {
    const account = this.#accounts.of(pool);
    this.#watchTimeouts(pool);
    for (const waiting of waitingIn(pool)) {
      const waits = account.wait(null);
      waiting[ASKED] = { pool, account, request: null, waits, isBefore: true, isServed: false, outer: null };
    }
  }

  #giveBack(pool: Pool, resource: unknown, releaser: Method): void {
    const lent = pool._resourceLoans?.get(resource)?.pooledResource[LENT];
    if (lent === undefined) return;
    if (lent.lease !== null) this.#desk.close(lent.lease, releaser);
    lent.lease = null;
    lent.uncount();
  }

  /** With the first request that is met. */
  #watchTimeouts({ _waitingClientsQueue: { head } }: Pool): boolean {
    if (head === undefined) return false;
    const prototype = Object.getPrototypeOf(head);
    if (this.#requests.has(prototype)) return true;
    this.#requests.add(prototype);
    const isSeen = around<PoolRequest>(PART, prototype, '_fireTimeout', {
      before: ({ [ASKED]: own }) => {
        if (own === undefined) return;
        this.#noteWaiting(own.pool, own.account);
        own.account.timedOut(own.waits ?? own.request, false);
      },
    });
    if (!isSeen) this.#desk.unseen('time-outs of generic-pool', 'Its requests have no _fireTimeout any more.');
    return true;
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

/** Whether a lease that comes back was only counted, or is none. */
function isNotInLedger({ _resourceLoans }: Pool, lent: unknown): boolean {
  return !_resourceLoans?.get(lent)?.pooledResource[LENT]?.lease;
}

/** What is being made, or was never lent, and who waits and is known. */
function unusualIn(pool: Pool): number {
  let count = pool._factoryCreateOperations?.size ?? 0;
  for (const { [LENT]: own } of pool._allObjects ?? []) if (own?.isKnown !== true) count++;
  for (const { [ASKED]: asked } of waitingIn(pool)) if (asked !== undefined) count++;
  return count;
}

/** Longest first, by priority. */
function* waitingIn({ _waitingClientsQueue: queue }: Pool): Generator<PoolRequest> {
  for (const { _list } of queue._slots) for (let node = _list.head; node !== null; node = node.next) yield node.data;
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
