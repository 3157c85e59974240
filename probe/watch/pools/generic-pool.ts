/**
 * generic-pool 3.9. It hands out the same object on every borrow, so a lease is known by pool and object.
 *
 * `acquire` may be served at once or much later, from another flow. The request object that it puts into its queue
 * ties the two moments together: noted when queued, recognised when dequeued for dispatch. No promise is touched, so
 * an unhandled rejection stays exactly as unhandled as it was.
 */

import type { Resource } from '../../account/ledger.ts';
import { guarded } from '../../process/lapses.ts';
import { now } from '../../process/runtime.ts';
import type { Desk, Request } from '../desk.ts';
import type { LibraryAdapter } from '../modules.ts';
import { patch } from '../patch.ts';
import { peerOf } from './peer.ts';
import { type PoolAccount, PoolAccounts } from './pool-account.ts';

const PART = 'generic-pool';

interface Pool {
  borrowed: number;
  available: number;
  /** Connections that exist. */
  size: number;
  pending: number;
  max: number;
  min?: number;
  _factoryCreateOperations?: Set<Promise<unknown>>;
  _allObjects?: Iterable<PooledResource>;
  /** By borrowed object, which may be a mere number. */
  _resourceLoans?: Map<unknown, { pooledResource: PooledResource }>;
}

interface PooledResource {
  obj: unknown;
}

interface Asked {
  request: Request;
  account: PoolAccount;
  /** The pool's request object. */
  queued: object | null;
}

export function genericPool(desk: Desk): LibraryAdapter {
  const { flows } = desk;
  const accounts = new PoolAccounts<Pool>(desk, PART, (weak) => ({
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
  }));
  /** Set once for each object of a pool: a weak map that changes all the time is work for the garbage collector. */
  const lent = new WeakMap<PooledResource, { lease: Resource | null }>();
  /** By the pool's request objects that were not served at once. */
  const asked = new WeakMap<object, Asked>();
  /** The acquire that is being called right now. */
  let asking: Asked | null = null;
  /** The request object taken off the queue last. */
  let dequeued: object | null = null;
  const patchedRequests = new WeakSet<object>();

  // biome-ignore lint/complexity/noBannedTypes: the method itself, for its stack
  const ask = (pool: Pool, wrapper: Function): Asked => {
    const account = accounts.of(pool);
    return { request: account.ask(wrapper), account, queued: null };
  };

  const queue = (request: object): void => {
    if (!asking || asking.queued) return;
    asking.queued = request;
    watchTimeouts(request);
  };

  const dispatch = (pooledResource: PooledResource, isServed: boolean): void => {
    // most are served while they are asked for
    const own = dequeued && (asking?.queued === dequeued ? asking : asked.get(dequeued));
    dequeued = null;
    if (!own) return;
    own.queued = null;
    if (!isServed) {
      own.account.stopWaiting(own.request);
      return;
    }
    const lease = own.account.open(own.request);
    const known = lent.get(pooledResource);
    if (known) known.lease = lease;
    else lent.set(pooledResource, { lease });
  };

  // biome-ignore lint/complexity/noBannedTypes: the method itself, for its stack
  const giveBack = (pool: Pool, resource: unknown, releaser: Function): void => {
    const loan = pool._resourceLoans?.get(resource);
    const known = loan && lent.get(loan.pooledResource);
    if (!known?.lease) return;
    desk.close(known.lease, releaser);
    known.lease = null;
  };

  /** The class of request objects is private: it is met with the first of them. */
  const watchTimeouts = (request: object): void => {
    const prototype = Object.getPrototypeOf(request);
    if (patchedRequests.has(prototype)) return;
    patchedRequests.add(prototype);
    patch(prototype, '_fireTimeout', (original) => {
      return function fireTimeout(this: object): unknown {
        guarded(PART, () => {
          const own = asked.get(this);
          own?.account.timedOut(own.request, false);
        });
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        return Reflect.apply(original, this, arguments);
      };
    });
  };

  /** The pool's own promise, which it handles itself: the latest of its set. Only where somebody wants to know. */
  const watchCreation = (pool: Pool, began: number): void => {
    const account = accounts.of(pool);
    const operation = account.isObserved && [...(pool._factoryCreateOperations ?? [])].at(-1);
    if (!operation) return;
    operation.then(
      () => guarded(PART, () => account.created(began)),
      () => {},
    );
  };

  return {
    name: PART,
    attach({ Pool, PriorityQueue }) {
      if (typeof Pool !== 'function' || typeof PriorityQueue !== 'function') return false;

      patch(Pool.prototype, 'acquire', (original) => {
        const wrapped = {
          acquire(this: Pool): unknown {
            const own = guarded(PART, ask, this, wrapped.acquire) ?? null;
            const outer = asking;
            asking = own;
            const suspended = flows.suspend();
            try {
              // biome-ignore lint/complexity/noArguments: arguments pass through untouched
              return Reflect.apply(original, this, arguments);
            } finally {
              flows.enter(own?.request.mark ?? suspended);
              asking = outer;
              if (own?.queued) {
                asked.set(own.queued, own);
                own.account.wait(own.request);
              }
            }
          },
        };
        return wrapped.acquire;
      });

      patch(PriorityQueue.prototype, 'enqueue', (original) => {
        const wrapped = {
          enqueue(this: object, request: object): unknown {
            guarded(PART, queue, request);
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            return Reflect.apply(original, this, arguments);
          },
        };
        return wrapped.enqueue;
      });

      patch(PriorityQueue.prototype, 'dequeue', (original) => {
        const wrapped = {
          dequeue(this: object): unknown {
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            const request = Reflect.apply(original, this, arguments);
            dequeued = request ?? null;
            return request;
          },
        };
        return wrapped.dequeue;
      });

      patch(Pool.prototype, '_dispatchPooledResourceToNextWaitingClient', (original) => {
        const wrapped = {
          dispatch(this: Pool, pooledResource: PooledResource): unknown {
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            const dispatched = Reflect.apply(original, this, arguments);
            guarded(PART, dispatch, pooledResource, dispatched === true);
            return dispatched;
          },
        };
        return wrapped.dispatch;
      });

      patch(Pool.prototype, '_createResource', (original) => {
        const wrapped = {
          createResource(this: Pool): unknown {
            const began = now();
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            const result = Reflect.apply(original, this, arguments);
            guarded(PART, () => watchCreation(this, began));
            return result;
          },
        };
        return wrapped.createResource;
      });

      for (const method of ['release', 'destroy']) {
        patch(Pool.prototype, method, (original) => {
          const wrapped = {
            giveBack(this: Pool, resource: unknown): unknown {
              guarded(PART, giveBack, this, resource, wrapped.giveBack);
              const suspended = flows.suspend();
              try {
                // biome-ignore lint/complexity/noArguments: arguments pass through untouched
                return Reflect.apply(original, this, arguments);
              } finally {
                flows.enter(suspended);
              }
            },
          };
          return wrapped.giveBack;
        });
      }
      return true;
    },
  };
}
