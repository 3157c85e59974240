/**
 * pg 8 with pg-pool 3. A client object is the same on every borrow, its `release` is fresh.
 *
 * `connect` makes one pending item, which is queued or goes straight to a new client; `_acquireClient` serves it. The
 * item ties the two together, so neither promises nor callbacks are touched. `pool.query` borrows through `connect`
 * and is a lease of its caller, which the pool itself gives back. Checkouts that the pool makes for itself (an expired
 * client) have no request and are not leases.
 */
import { guarded } from '../../faults.ts';
import type { Resource, Source } from '../../ledger.ts';
import { patch } from '../../patch.ts';
import { now } from '../../runtime.ts';
import type { Desk, Request } from '../adapter.ts';
import type { LibraryAdapter } from '../modules.ts';

const PART = 'pg';

interface Pool {
  options: { max?: number; application_name?: string; database?: string };
  totalCount: number;
  idleCount: number;
  waitingCount: number;
  _pendingQueue: object[];
}

type Client = object;

export function pg(desk: Desk): LibraryAdapter[] {
  const sources = new WeakMap<Pool, Source>();
  const leases = new WeakMap<Client, Resource>();
  const requests = new WeakMap<object, Request>();
  /** The connect that is being called right now, until its pending item is known. */
  let asking: Request | null = null;

  const sourceOf = (pool: Pool): Source => {
    let source = sources.get(pool);
    if (!source) {
      const weak = new WeakRef(pool);
      const gauges = () => {
        const alive = weak.deref();
        if (!alive) return null;
        const { totalCount, idleCount, waitingCount } = alive;
        return { used: totalCount - idleCount, idle: idleCount, pending: waitingCount };
      };
      const { application_name, database, max = 0 } = pool.options;
      source = desk.pool(PART, { name: application_name ?? database ?? null, max, gauges });
      sources.set(pool, source);
    }
    return source;
  };

  const pool: LibraryAdapter = {
    name: 'pg-pool',
    attach(Pool) {
      if (typeof Pool !== 'function') return false;

      patch(Pool.prototype, 'connect', (original) => {
        return function connect(this: Pool): unknown {
          const request = guarded(PART, () => desk.request(connect)) ?? null;
          asking = request;
          try {
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            return Reflect.apply(original, this, arguments);
          } finally {
            if (asking !== null && asking === request) {
              guarded(PART, () => {
                const queued = this._pendingQueue.at(-1);
                if (queued && !requests.has(queued)) requests.set(queued, request as Request);
              });
            }
            asking = null;
          }
        };
      });

      patch(Pool.prototype, 'newClient', (original) => {
        return function newClient(this: Pool, pendingItem: object): unknown {
          if (asking) {
            requests.set(pendingItem, asking);
            asking = null;
          }
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return Reflect.apply(original, this, arguments);
        };
      });

      patch(Pool.prototype, '_acquireClient', (original) => {
        return function acquireClient(this: Pool, client: Client, pendingItem: object): unknown {
          guarded(PART, () => {
            const request = requests.get(pendingItem);
            if (request) leases.set(client, desk.open(sourceOf(this), 'lease', request));
          });
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return Reflect.apply(original, this, arguments);
        };
      });

      patch(Pool.prototype, '_release', (original) => {
        return function release(this: Pool, client: Client): unknown {
          guarded(PART, () => {
            const lease = leases.get(client);
            if (lease) desk.close(lease, release);
            leases.delete(client);
          });
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return Reflect.apply(original, this, arguments);
        };
      });
      return true;
    },
  };

  const client: LibraryAdapter = {
    name: PART,
    attach(exports) {
      const Client = exports?.Client;
      if (typeof Client !== 'function') return false;
      patch(Client.prototype, 'query', (original) => {
        return function query(this: Client): unknown {
          guarded(PART, () => {
            const lease = leases.get(this);
            if (!lease) return;
            lease.lastUsedAt = now();
            lease.isBusy ??= queriesOf(this);
          });
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return Reflect.apply(original, this, arguments);
        };
      });
      return true;
    },
  };

  return [pool, client];
}

/** Whether the client still waits for a query; undefined internals count as idle. */
function queriesOf(client: Client): () => boolean {
  const weak = new WeakRef(client as { readyForQuery?: boolean; _connected?: boolean; _ending?: boolean });
  return () => {
    const alive = weak.deref();
    return alive?.readyForQuery === false && alive._ending !== true;
  };
}
