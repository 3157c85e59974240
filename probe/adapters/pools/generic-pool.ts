/**
 * generic-pool 3.9. It hands out the same object on every borrow, so a lease is known by pool and object.
 *
 * `acquire` may be served at once or much later, from another flow. The request object that it puts into its queue
 * ties the two moments together: noted when queued, recognised when dequeued for dispatch. No promise is touched, so
 * an unhandled rejection stays exactly as unhandled as it was.
 */
import { guarded } from '../../faults.ts';
import type { Resource } from '../../ledger.ts';
import { patch } from '../../patch.ts';
import { now } from '../../runtime.ts';
import type { Desk, Request } from '../adapter.ts';
import type { LibraryAdapter } from '../modules.ts';
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
  _allObjects?: Iterable<{ obj: unknown }>;
}

interface Asked {
  request: Request;
  account: PoolAccount;
  /** The pool's request object. */
  queued: object | null;
}

export function genericPool(desk: Desk): LibraryAdapter {
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
      const pool = weak.deref();
      const lent = pool && leases.get(pool);
      for (const { obj } of pool?._allObjects ?? []) {
        const resource = lent?.get(obj) ?? null;
        yield { resource, peer: peerOf(obj, resource ? 'used' : 'idle') };
      }
    },
  }));
  /** By pool, weakly, and borrowed object, which may be a mere number. */
  const leases = new WeakMap<Pool, Map<unknown, Resource>>();
  /** By the pool's request objects. */
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
            const own = guarded(PART, () => ask(this, wrapped.acquire)) ?? null;
            const outer = asking;
            asking = own;
            try {
              // biome-ignore lint/complexity/noArguments: arguments pass through untouched
              return desk.flows.shed(original, this, arguments, own?.request.mark);
            } finally {
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
            if (asking && !asking.queued) {
              asking.queued = request;
              guarded(PART, () => watchTimeouts(request));
            }
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
          dispatch(this: Pool, pooledResource: { obj: unknown }): unknown {
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            const dispatched = Reflect.apply(original, this, arguments);
            guarded(PART, () => {
              // most are served while they are asked for
              const own = dequeued && (asking?.queued === dequeued ? asking : asked.get(dequeued));
              if (dequeued && own !== asking) asked.delete(dequeued);
              dequeued = null;
              if (!own) return;
              own.queued = null;
              if (dispatched !== true) return own.account.stopWaiting(own.request);
              const ofPool = leases.get(this) ?? new Map();
              leases.set(this, ofPool);
              ofPool.set(pooledResource.obj, own.account.open(own.request));
            });
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
              guarded(PART, () => {
                const ofPool = leases.get(this);
                const lease = ofPool?.get(resource);
                if (!lease) return;
                ofPool?.delete(resource);
                desk.close(lease, wrapped.giveBack);
              });
              // biome-ignore lint/complexity/noArguments: arguments pass through untouched
              return desk.flows.shed(original, this, arguments);
            },
          };
          return wrapped.giveBack;
        });
      }
      return true;
    },
  };
}
