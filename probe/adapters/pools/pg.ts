/**
 * pg 8 with pg-pool 3. A client object is the same on every borrow, its `release` is fresh.
 *
 * `connect` makes one pending item, which is queued or goes straight to a new client; `_acquireClient` serves it. The
 * item ties the two together, so neither promises nor callbacks are touched. `pool.query` borrows through `connect`
 * and is a lease of its caller, which the pool itself gives back. Checkouts that the pool makes for itself (an expired
 * client) have no request and are not leases.
 */

import { guarded } from '../../faults.ts';
import type { Flows } from '../../flow.ts';
import { type Account, Resource } from '../../ledger.ts';
import { patch } from '../../patch.ts';
import { now } from '../../runtime.ts';
import type { Scope } from '../../scope.ts';
import type { Desk, Request } from '../adapter.ts';
import type { LibraryAdapter } from '../modules.ts';
import { PoolAccounts } from './pool-account.ts';

const PART = 'pg';

interface Pool {
  options: { max?: number; application_name?: string; database?: string };
  totalCount: number;
  idleCount: number;
  waitingCount: number;
  _pendingQueue: object[];
}

interface Client {
  getTransactionStatus?(): 'I' | 'T' | 'E' | null;
  readyForQuery?: boolean;
  _queryable?: boolean;
  _ending?: boolean;
  _activeQuery?: { cursor?: { state?: string }; state?: string } | null;
}

/** Sooner than this the end of the client counts as the end of the transaction: the pool discards broken ones. */
const DISCARD_MS = 1000;

/**
 * A transaction that a client was given back in. It is over when the server says so; a connection that was closed only
 * later did not end it in time.
 */
class OpenTransaction extends Resource {
  private readonly client: WeakRef<Client>;
  private isLost = false;
  constructor(account: Account, scope: Scope | null, at: number, client: WeakRef<Client>) {
    super(account, scope, at);
    this.client = client;
  }
  override isGone(): boolean {
    if (this.isLost) return false;
    const client = this.client.deref();
    if (client && isConnected(client)) return !isInTransaction(client);
    this.isLost = now() - this.openedAt > DISCARD_MS;
    return !this.isLost;
  }
}

function isInTransaction(client: Client): boolean {
  const status = client.getTransactionStatus?.();
  return status === 'T' || status === 'E';
}

function isConnected({ _ending, _queryable }: Client): boolean {
  return _ending !== true && _queryable !== false;
}

export function pg(desk: Desk): LibraryAdapter[] {
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
    };
  });
  const transactions = desk.ledger.source('connection', PART);
  const leases = new WeakMap<Client, Resource>();
  const requests = new WeakMap<object, Request>();
  /** The connect that is being called right now, until its pending item is known. */
  let asking: Request | null = null;

  const pool: LibraryAdapter = {
    name: 'pg-pool',
    attach(Pool) {
      if (typeof Pool !== 'function') return false;

      patch(Pool.prototype, 'connect', (original) => {
        return function connect(this: Pool, callback?: unknown): unknown {
          const request = guarded(PART, () => desk.request(connect)) ?? null;
          // unbound, a queued callback runs in the flow of whoever releases
          if (request && typeof callback === 'function') {
            // biome-ignore lint/complexity/noArguments: the callback alone is replaced
            arguments[0] = desk.flows.bind(callback as () => void, request.token);
          }
          asking = request;
          try {
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            return desk.flows.shed(original, this, arguments);
          } finally {
            if (request) desk.flows.enter(request.token);
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
            requests.delete(pendingItem);
            if (request) leases.set(client, accounts.open(this, request));
          });
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return Reflect.apply(original, this, arguments);
        };
      });

      patch(Pool.prototype, '_release', (original) => {
        return function release(this: Pool, client: Client): unknown {
          guarded(PART, () => {
            const lease = leases.get(client);
            leases.delete(client);
            if (!lease) return;
            desk.close(lease, release);
            if (!isInTransaction(client) || !isConnected(client)) return;
            const account = desk.ledger.account(transactions, lease.account.site, 'transaction');
            desk.ledger.open(new OpenTransaction(account, lease.scope, now(), new WeakRef(client)));
          });
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return desk.flows.shed(original, this, arguments);
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
            desk.use(lease);
            lease.isBusy ??= queriesOf(this);
            // biome-ignore lint/complexity/noArguments: the callback alone is replaced
            bindCallback(arguments, desk.flows);
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

/** A query's callback runs in the socket's flow unless it is bound to the one that asked. */
function bindCallback(args: IArguments, flows: Flows): void {
  const last = args.length - 1;
  const token = typeof args[last] === 'function' ? flows.current() : null;
  if (token) args[last] = flows.bind(args[last], token);
}

/** Whether the client still waits for a query; undefined internals count as idle. */
function queriesOf(client: Client): () => boolean {
  const weak = new WeakRef(client);
  return () => {
    const alive = weak.deref();
    if (alive?.readyForQuery !== false || alive._ending === true) return false;
    // a cursor or query stream that nobody reads keeps the client, but nothing is under way
    const query = alive._activeQuery;
    return (query?.cursor ?? query)?.state !== 'idle';
  };
}
