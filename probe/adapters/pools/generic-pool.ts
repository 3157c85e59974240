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
import type { Desk, Request } from '../adapter.ts';
import type { LibraryAdapter } from '../modules.ts';
import { PoolAccounts } from './pool-account.ts';

const PART = 'generic-pool';

interface Pool {
  borrowed: number;
  available: number;
  pending: number;
  max: number;
}

export function genericPool(desk: Desk): LibraryAdapter {
  const accounts = new PoolAccounts<Pool>(desk, PART, (weak) => ({
    name: null,
    max: weak.deref()?.max ?? 0,
    gauges: () => {
      const pool = weak.deref();
      return pool ? { used: pool.borrowed, idle: pool.available, pending: pool.pending } : null;
    },
  }));
  /** By pool, weakly, and borrowed object, which may be a mere number. */
  const leases = new WeakMap<Pool, Map<unknown, Resource>>();
  const requests = new WeakMap<object, Request>();
  /** The acquire that is being called right now, until its request object is queued. */
  let asking: Request | null = null;
  /** The request object taken off the queue last. */
  let dequeued: object | null = null;

  return {
    name: PART,
    attach({ Pool, PriorityQueue }) {
      if (typeof Pool !== 'function' || typeof PriorityQueue !== 'function') return false;

      patch(Pool.prototype, 'acquire', (original) => {
        return function acquire(this: Pool): unknown {
          const request = guarded(PART, () => desk.request(acquire)) ?? null;
          asking = request;
          try {
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            return desk.flows.shed(original, this, arguments);
          } finally {
            asking = null;
            if (request) desk.flows.enter(request.token);
          }
        };
      });

      patch(PriorityQueue.prototype, 'enqueue', (original) => {
        return function enqueue(this: object, request: object): unknown {
          if (asking) {
            requests.set(request, asking);
            asking = null;
          }
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return Reflect.apply(original, this, arguments);
        };
      });

      patch(PriorityQueue.prototype, 'dequeue', (original) => {
        return function dequeue(this: object): unknown {
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          const request = Reflect.apply(original, this, arguments);
          dequeued = request ?? null;
          return request;
        };
      });

      patch(Pool.prototype, '_dispatchPooledResourceToNextWaitingClient', (original) => {
        return function dispatch(this: Pool, pooledResource: { obj: unknown }): unknown {
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          const dispatched = Reflect.apply(original, this, arguments);
          guarded(PART, () => {
            const request = dequeued && requests.get(dequeued);
            if (dequeued) requests.delete(dequeued);
            dequeued = null;
            if (dispatched !== true || !request) return;
            const own = leases.get(this) ?? new Map();
            leases.set(this, own);
            own.set(pooledResource.obj, accounts.open(this, request));
          });
          return dispatched;
        };
      });

      for (const method of ['release', 'destroy']) {
        patch(Pool.prototype, method, (original) => {
          return function giveBack(this: Pool, resource: unknown): unknown {
            guarded(PART, () => {
              const own = leases.get(this);
              const lease = own?.get(resource);
              if (!lease) return;
              own?.delete(resource);
              desk.close(lease, giveBack);
            });
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            return desk.flows.shed(original, this, arguments);
          };
        });
      }
      return true;
    },
  };
}
