/**
 * pg 8 with pg-pool 3. A client object is the same on every borrow, its `release` is fresh.
 *
 * `connect` makes one pending item, which is queued or goes straight to a new client; `_acquireClient` serves it. The
 * item ties the two together, so no promise is touched. `pool.query` borrows through `connect` and is a lease of its
 * caller, which the pool itself gives back. Checkouts that the pool makes for itself (an expired client) have no request
 * and are not leases.
 */

import type { Resource } from '../../account/ledger.ts';
import { guarded } from '../../process/lapses.ts';
import { now } from '../../process/runtime.ts';
import { bindLast } from '../callbacks.ts';
import type { Desk, Request } from '../desk.ts';
import type { LibraryAdapter } from '../modules.ts';
import { patch } from '../patch.ts';
import { peerOf } from './peer.ts';
import { type Client, isBusy, isConnected, isInTransaction, OpenTransaction } from './pg-client.ts';
import { type PoolAccount, PoolAccounts } from './pool-account.ts';

const PART = 'pg';

interface Pool {
  options: { max?: number; min?: number; application_name?: string; database?: string };
  totalCount: number;
  idleCount: number;
  waitingCount: number;
  _clients?: Client[];
  _idle?: { client: Client }[];
  _pendingQueue: PendingItem[];
}

/** On pg-pool's own items, which nobody else sees. */
const ASKED = Symbol('outlive');

interface PendingItem {
  callback: (...args: unknown[]) => unknown;
  timedOut?: boolean;
  [ASKED]?: Asked | undefined;
}

interface Known {
  lease: Resource | null;
  isBusy: () => boolean;
}

interface Asked {
  request: Request;
  account: PoolAccount;
}

export function pg(desk: Desk): LibraryAdapter[] {
  const { flows } = desk;
  const accounts = new PoolAccounts<Pool>(desk, PART, (weak) => {
    const { application_name, database, max = 0 } = weak.deref()?.options ?? {};
    return {
      name: application_name ?? database ?? null,
      max,
      gauges: () => {
        const pool = weak.deref();
        if (!pool) return null;
        const { totalCount, idleCount, waitingCount } = pool;
        return { used: totalCount - idleCount, idle: idleCount, pending: waitingCount };
      },
      idleLimits: () => {
        const { min = null, max = null } = weak.deref()?.options ?? {};
        return { min, max };
      },
      *peers() {
        const { _clients = [], _idle = [] } = weak.deref() ?? {};
        const idle = new Set(_idle.map(({ client }) => client));
        for (const client of _clients) {
          const state = idle.has(client) ? 'idle' : 'used';
          yield { resource: known.get(client)?.lease ?? null, peer: peerOf(client, state) };
        }
      },
    };
  });
  const transactions = desk.ledger.source('connection', PART);
  /** Set once for each client: a weak map that changes all the time is work for the garbage collector. */
  const known = new WeakMap<Client, Known>();
  /** Clients that are being connected, and since when; only where somebody wants to know. */
  const connecting = new WeakMap<Client, number>();
  /** The connect that is being called right now, until its pending item is known. */
  let asking: Asked | null = null;

  // biome-ignore lint/complexity/noBannedTypes: the method itself, for its stack
  const ask = (pool: Pool, wrapper: Function): Asked => {
    const account = accounts.of(pool);
    return { request: account.ask(wrapper), account };
  };

  const serve = (pool: Pool, client: Client, item: PendingItem): void => {
    const own = item[ASKED];
    item[ASKED] = undefined;
    if (accounts.of(pool).isObserved) tellCreated(pool, client);
    if (!own) return;
    const lease = own.account.open(own.request);
    const lent = known.get(client);
    if (lent) lent.lease = lease;
    else known.set(client, { lease, isBusy: isBusy(new WeakRef(client)) });
  };

  const tellCreated = (pool: Pool, client: Client): void => {
    const began = connecting.get(client);
    if (began === undefined) return;
    connecting.delete(client);
    accounts.of(pool).created(began);
  };

  /** pg-pool tells nobody when a queued connect times out; it sets a property, here watched for all items at once. */
  const watchTimeouts = (item: PendingItem): void => {
    const prototype = Object.getPrototypeOf(item);
    if (Object.hasOwn(prototype, 'timedOut')) return;
    Object.defineProperty(prototype, 'timedOut', {
      configurable: true,
      get: () => undefined,
      set(this: PendingItem, value: boolean) {
        Object.defineProperty(this, 'timedOut', { configurable: true, enumerable: true, writable: true, value });
        const own = value && this[ASKED];
        if (own) guarded(PART, () => own.account.timedOut(own.request, false));
      },
    });
  };

  /** A connect that was neither served nor sent to a new client is queued: as the latest item. */
  const afterConnect = (pool: Pool, own: Asked): void => {
    const item = asking === own ? pool._pendingQueue.at(-1) : undefined;
    if (!item || item[ASKED]) return;
    watchTimeouts(item);
    item[ASKED] = own;
    own.account.wait(own.request);
  };

  // biome-ignore lint/complexity/noBannedTypes: the method itself, for its stack
  const giveBack = (client: Client, releaser: Function): void => {
    const own = known.get(client);
    const lease = own?.lease;
    if (!lease) return;
    own.lease = null;
    desk.close(lease, releaser);
    if (!isInTransaction(client) || !isConnected(client)) return;
    const account = desk.ledger.account(transactions, lease.account.site, 'transaction');
    desk.ledger.open(new OpenTransaction(account, lease.scope, now(), new WeakRef(client)));
  };

  /** Whether the client is lent. */
  const use = (client: Client, statement: unknown): boolean => {
    const own = known.get(client);
    if (!own?.lease) return false;
    desk.use(own.lease, textOf(statement));
    own.lease.isBusy = own.isBusy;
    return true;
  };

  const pool: LibraryAdapter = {
    name: 'pg-pool',
    attach(Pool) {
      if (typeof Pool !== 'function') return false;

      patch(Pool.prototype, 'connect', (original) => {
        const wrapped = {
          connect(this: Pool, callback?: unknown): unknown {
            const own = guarded(PART, ask, this, wrapped.connect) ?? null;
            const mark = own?.request.mark ?? null;
            asking = own;
            const suspended = flows.suspend();
            try {
              // unbound, a queued callback runs in the flow of whoever releases
              if (mark && typeof callback === 'function') {
                // biome-ignore lint/complexity/noArguments: the callback alone is replaced
                arguments[0] = flows.bind(callback as () => void, mark);
              }
              // biome-ignore lint/complexity/noArguments: arguments pass through untouched
              return Reflect.apply(original, this, arguments);
            } finally {
              flows.enter(mark ?? suspended);
              if (own) guarded(PART, afterConnect, this, own);
              asking = null;
            }
          },
        };
        return wrapped.connect;
      });

      patch(Pool.prototype, 'newClient', (original) => {
        const wrapped = {
          newClient(this: Pool, item: PendingItem): unknown {
            guarded(PART, () => {
              if (asking) {
                item[ASKED] = asking;
                item.callback = tellTimeout(item.callback, asking);
              }
              const own = item[ASKED];
              own?.account.stopWaiting(own.request);
              asking = null;
            });
            const began = now();
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            const result = Reflect.apply(original, this, arguments);
            guarded(PART, () => {
              const client = accounts.of(this).isObserved && this._clients?.at(-1);
              if (client) connecting.set(client, began);
            });
            return result;
          },
        };
        return wrapped.newClient;
      });

      patch(Pool.prototype, '_acquireClient', (original) => {
        const wrapped = {
          acquireClient(this: Pool, client: Client, item: PendingItem): unknown {
            guarded(PART, serve, this, client, item);
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            return Reflect.apply(original, this, arguments);
          },
        };
        return wrapped.acquireClient;
      });

      patch(Pool.prototype, '_release', (original) => {
        const wrapped = {
          release(this: Pool, client: Client): unknown {
            guarded(PART, giveBack, client, wrapped.release);
            const suspended = flows.suspend();
            try {
              // biome-ignore lint/complexity/noArguments: arguments pass through untouched
              return Reflect.apply(original, this, arguments);
            } finally {
              flows.enter(suspended);
            }
          },
        };
        return wrapped.release;
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
        const wrapped = {
          query(this: Client, statement?: unknown): unknown {
            const isUsed = guarded(PART, use, this, statement) === true;
            // a query's callback runs in the socket's flow unless it is bound to the one that asked; most have none, and
            // `arguments` that are handed on are work for the garbage collector
            // biome-ignore lint/complexity/noArguments: only looked at
            if (isUsed && typeof arguments[arguments.length - 1] === 'function') {
              // biome-ignore lint/complexity/noArguments: the callback alone is replaced
              guarded(PART, bindLast, arguments, flows);
            }
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            return Reflect.apply(original, this, arguments);
          },
        };
        return wrapped.query;
      });
      return true;
    },
  };

  return [pool, client];
}

/** The text of a statement, in any of the forms that pg takes; its values are not touched. */
function textOf(statement: unknown): string | null {
  if (typeof statement === 'string') return statement;
  const { text, cursor } = (statement ?? {}) as { text?: unknown; cursor?: { text?: unknown } };
  const found = text ?? cursor?.text;
  return typeof found === 'string' ? found : null;
}

/** A new connection that does not come up in time is told only as an error to the one who asked. */
function tellTimeout(callback: PendingItem['callback'], { request, account }: Asked): PendingItem['callback'] {
  return function told(this: unknown, error?: unknown): unknown {
    if (error instanceof Error && /timeout/i.test(error.message)) {
      guarded(PART, () => account.timedOut(request, true));
    }
    // biome-ignore lint/complexity/noArguments: arguments pass through untouched
    return Reflect.apply(callback, this, arguments as unknown as unknown[]);
  };
}
