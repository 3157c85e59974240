/**
 * pg 8 with pg-pool 3. A client object is the same on every borrow, its `release` is fresh.
 *
 * `connect` makes one pending item, which is queued or goes straight to a new client; `_acquireClient` serves it. The
 * item ties the two together, so no promise is touched; one of which nothing is known is only counted. `pool.query` borrows
 * through `connect` and is a lease of its caller, which the pool itself gives back. Checkouts that the pool makes for itself
 * (of an expired client) are no leases.
 */
import type { Cut } from '../../account/cut.ts';
import { type Request, Resource, type Source } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import { guarded } from '../../process/lapses.ts';
import { onLeave } from '../../process/leaving.ts';
import { now } from '../../process/runtime.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import type { Answered, Driver } from '../sessions/driver.ts';
import { POSTGRES } from '../sessions/postgres.ts';
import { type Sessions, sessionsOf } from '../sessions/sessions.ts';
import { peerOf, textsOf } from './peer.ts';
import { BareClients } from './pg-bare.ts';
import { answersOf, type Client, isBusy, isConnected, isInTransaction, isTransactionOver } from './pg-client.ts';
import { canBeCut, cutClient, restoreClient, StandIn } from './pg-cut.ts';
import { Known, OnClient } from './pg-known.ts';
import { watchPrisma } from './pg-prisma.ts';
import { type PoolAccount, PoolAccounts, type PoolDescription } from './pool-account.ts';
import { isStandIn, ofStandIn } from './stand-in.ts';

const PART = 'pg' satisfies AdapterName;

/** Of the service's listeners on a client, those that do not wait for anything that the server might say. */
const HARMLESS_EVENTS = ['error'];
/** CPU milliseconds of a lease: less happens than elsewhere. */
const COST_MS = 0.00035;

interface Pool {
  options: {
    max?: number;
    connectionTimeoutMillis?: number;
    maxLifetimeSeconds?: number;
    min?: number;
    application_name?: string;
    host?: string;
    database?: string;
    connectionString?: unknown;
  };
  totalCount: number;
  idleCount: number;
  waitingCount: number;
  /** Names of events that somebody listens for. */
  _eventsCount?: number;
  listenerCount(event: string): number;
  _clients?: Client[];
  _idle?: { client: Client }[];
  _pendingQueue: PendingItem[];
  /** Clients that have lived for long enough: none is lent any more. */
  _expired?: WeakSet<Client>;
  _remove(client: unknown, callback: () => void): void;
  _pulseQueue(): void;
}

const DRIVER: Driver = { part: PART, dialect: POSTGRES, isAlive: isConnected };

/** On pg-pool's own items, which nobody else sees. */
const ASKED = Symbol('outlive');

interface PendingItem {
  callback: (...args: unknown[]) => unknown;
  timedOut?: boolean;
  [ASKED]?: Asked | undefined;
}

interface Asked {
  /** Null: it is only counted. */
  request: Request | null;
  /** Once it has to wait; of one that is only counted, once a look has met it. */
  waits: Request | null;
  /** By `pool.query`, for one statement. */
  isQuery: boolean;
  /** It waited already when the probe came. */
  isBefore: boolean;
  account: PoolAccount;
}

export function attachments(desk: Desk): Attachments {
  const pools = new PgPools(desk);
  return {
    'pg-pool': ({ prototype }) => pools.watchPool(prototype),
    pg: ({ Client }) => pools.watchClients(Client.prototype),
    '@prisma/adapter-pg': ({ PrismaPg }) => pools.watchPrisma(PrismaPg.prototype),
    '@prisma/adapter-pg/dist/index.mjs': ({ PrismaPgAdapterFactory }) =>
      pools.watchPrisma(PrismaPgAdapterFactory.prototype),
  };
}

class PgPools {
  readonly #desk: Desk;
  readonly #accounts: PoolAccounts<Pool>;
  readonly #transactions: Source;
  /** Those whose first statement was given to the pool itself. */
  readonly #pooledTransactions: Source;
  readonly #bare: BareClients;
  readonly #sessions: Sessions;
  /** Clients that are being connected, and since when; only where somebody wants to know. */
  readonly #connecting: WeakMap<Client, number> = new WeakMap();
  /** `pool.query` is being called right now, and has not asked yet. */
  #isQuery = false;
  /** The connect that is being called right now, until its pending item is known. */
  #asking: Asked | null = null;
  /** Of the pending items, whose class is private. */
  #watchedItems: object | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#sessions = sessionsOf(desk);
    this.#transactions = desk.source({ adapter: PART, nature: 'transaction', library: PART });
    this.#pooledTransactions = desk.source({ adapter: PART, nature: 'transaction of a pool', library: PART });
    this.#bare = new BareClients(desk, (client, lease) => this.#lends(this.#knownOf(client), lease, false));
    this.#accounts = new PoolAccounts<Pool>(desk, PART, PART, (weak) => this.#describe(weak));
    onLeave(() => OnClient.dropAll());
  }

  #describe(weak: WeakRef<Pool>): PoolDescription {
    const { application_name, database, max = 0, connectionTimeoutMillis: timeoutMs = 0 } = weak.deref()?.options ?? {};
    return {
      ...{ name: application_name ?? database ?? null, max, timeoutMs, costMs: COST_MS },
      gauges: () => {
        const pool = weak.deref();
        if (!pool) return null;
        const { totalCount, idleCount, waitingCount } = pool;
        return { used: totalCount - idleCount, idle: idleCount, pending: waitingCount };
      },
      idleLimits: () => {
        const { min = null, max: most = null } = weak.deref()?.options ?? {};
        return { min, max: most };
      },
      *peers() {
        const { _clients = [], _idle = [] } = weak.deref() ?? {};
        const idle = new Set(_idle.map(({ client }) => client));
        for (const client of _clients) {
          const state = idle.has(client) ? 'idle' : 'used';
          yield { resource: OnClient.get(client)?.lease ?? null, peer: peerOf(client, state) };
        }
      },
      cut: (cuts) => {
        const pool = weak.deref();
        const clients = pool?._clients ?? [];
        const idle = new Set(pool?._idle?.map(({ client }) => client));
        for (const index of clients.keys()) if (pool) this.#cut(pool, index, idle, cuts);
      },
      forget: () => {
        for (const item of weak.deref()?._pendingQueue ?? []) delete item[ASKED];
      },
      *lent() {
        for (const client of weak.deref()?._clients ?? []) {
          const own = OnClient.get(client);
          if (own) yield [own, client, null] as const;
        }
      },
      noteWaiting: (account) => {
        const pool = weak.deref();
        if (pool) noteWaiting(pool, account);
      },
      // what may use a client before its borrower, or take it for the pool itself
      unusual: (account) => {
        const pool = weak.deref();
        account.asOf = pool?._eventsCount ?? 0;
        return (pool?.listenerCount('acquire') ?? 0) + (pool?.options.maxLifetimeSeconds ? 1 : 0);
      },
      present: (enter) => {
        const pool = weak.deref();
        if (!pool) return;
        const { _clients = [], _idle = [], _pendingQueue } = pool;
        const account = this.#accounts.of(pool);
        for (const item of _pendingQueue) {
          item[ASKED] = { request: null, waits: account.wait(null), isQuery: false, isBefore: true, account };
        }
        const idle = new Set(_idle.map(({ client }) => client));
        for (const client of _clients) {
          const known = this.#knownOf(client);
          if (!idle.has(client)) this.#lends(known, enter({ ref: known.ref, isBusy: known.isBusy }), false);
        }
      },
    };
  }

  #cut(pool: Pool, index: number, idle: ReadonlySet<Client>, cuts: Cut[]): void {
    const client = pool._clients?.[index];
    const known = client && OnClient.get(client);
    if (!client || !known?.lease || known.lease.isOrphan || idle.has(client)) return;
    if (isStandIn(client)) {
      cuts.push(ofStandIn(known.lease, () => pool._remove(client, () => pool._pulseQueue())));
      return;
    }
    if (!canBeCut(client, HARMLESS_EVENTS)) return;
    const connection = cutClient(client);
    cuts.push(this.#cutOf(pool, connection, known.lease, known.ref));
    if (pool._clients) pool._clients[index] = connection as never;
  }

  /** A function of its own: what it makes must not share a scope with the client. */
  #cutOf(pool: Pool, connection: ReturnType<typeof cutClient>, resource: Resource, ref: WeakRef<Client>): Cut {
    const put = (client: Client) => {
      const index = pool._clients?.indexOf(connection as never) ?? -1;
      if (pool._clients && index >= 0) pool._clients[index] = client;
    };
    let standIn: StandIn | null = null;
    return {
      resource,
      ref,
      restore(client) {
        restoreClient(client, connection);
        put(client as Client);
      },
      substitute: () => {
        standIn = new StandIn(connection);
        put(standIn as never);
        const known = new Known(ref, () => false);
        known.lease = resource;
        OnClient.put(standIn, known);
      },
      heal: () => pool._remove(standIn, () => pool._pulseQueue()),
    };
  }

  watchPool(prototype: object): void {
    const { flows, poolKinds } = this.#desk;
    poolKinds.push({
      library: PART,
      prototype,
      meet: (pool) => Object.hasOwn(pool, '_clients') && this.#accounts.of(pool as Pool),
    });
    // the constructor's last
    onFirstSet<Pool>(PART, prototype, 'ended', (pool, _, setter) =>
      this.#accounts.made(pool, setter, targetOfOptions(pool.options)),
    );
    around<Pool>(PART, prototype, 'end', { before: (pool, _, __, wrapper) => this.#accounts.ends(pool, wrapper) });
    around<Pool>(PART, prototype, 'query', {
      before: () => {
        this.#isQuery = true;
      },
      finally: () => {
        this.#isQuery = false;
      },
    });
    around<Pool, Asked>(PART, prototype, 'connect', {
      passes: (pool) => this.#isOnlyCounted(pool),
      before: (pool, _, __, wrapper) => this.#ask(pool, wrapper),
      // unbound, a queued callback runs in the flow of whoever releases
      callback: (callback, own) => flows.bind(callback, own?.request?.mark ?? null),
      within: flows.unmarked((own) => own.request?.mark),
      finally: (pool, own) => this.#afterConnect(pool, own),
    });
    around<Pool, number>(PART, prototype, 'newClient', {
      before: (pool, item) => this.#connects(pool, item as PendingItem),
      after: (pool, _: unknown, began) => {
        const client = this.#accounts.of(pool).isObserved && pool._clients?.at(-1);
        if (client && began !== undefined) this.#connecting.set(client, began);
      },
      finally: () => {
        this.#bare.isPooling = false;
      },
    });
    around<Pool>(PART, prototype, '_release', {
      passes: (_, client) => !flows.matters && this.#givesBackCounted(client as Client),
      before: (_, client, __, wrapper) => this.#giveBack(client as Client, wrapper),
      within: flows.unmarked(),
    });
    around<Pool>(PART, prototype, '_acquireClient', {
      passes: (pool, client, item) => this.#servesCounted(pool, client as Client, item as PendingItem),
      before: (pool, client, item) => this.#serve(pool, client as Client, item as PendingItem),
    });
  }

  watchClients(prototype: object): void {
    const { flows } = this.#desk;
    this.#bare.watch(prototype);
    around<Client>(PART, prototype, 'end', { before: (client, _, __, wrapper) => this.#endBare(client, wrapper) });
    around<Client, boolean | Answered>(PART, prototype, 'query', {
      passes: (client, statement) => !flows.isAny && this.#usesCounted(client, statement),
      before: (client, statement, values, wrapper) => {
        const known = OnClient.get(client);
        if (known !== undefined && isOfPool(client, known)) return false;
        const text = textOf(statement);
        const isUsed = known !== undefined && this.#use(known, text);
        if (text === null || !this.#sessions.concerns(DRIVER, text)) return isUsed;
        if (known?.isCounted) known.countedBy?.entered(known, client);
        return this.#says(client, text, valuesOf(statement) ?? values, wrapper) ?? isUsed;
      },
      // a query's callback runs in the socket's flow unless it is bound to the one that asked
      callback: (callback, isUsed) => (isUsed ? flows.bind(callback, flows.current()) : callback),
      after: (client, _: unknown, answered) => {
        if (typeof answered === 'object') answersOf(client, answered);
      },
    });
  }

  watchPrisma(prototype: object): void {
    watchPrisma(prototype, this.#accounts);
  }

  /** A connect of which nothing has to be known later on: when it times out, or is connected for. */
  #isOnlyCounted(pool: Pool): boolean {
    if (this.#isQuery) return false;
    const account = this.#accounts.of(pool);
    if (pool.idleCount > 0 || pool.waitingCount > 0) return account.passes();
    return pool.totalCount >= (pool.options.max ?? Number.POSITIVE_INFINITY) && account.passesFirst();
  }

  #ask(pool: Pool, wrapper: Method): Asked {
    const account = this.#accounts.of(pool);
    const request = account.askToLend(wrapper);
    if (request !== null) noteWaiting(pool, account);
    this.#asking = { request, waits: null, isQuery: this.#isQuery, isBefore: false, account };
    this.#isQuery = false;
    return this.#asking;
  }

  /** A connect that was neither served nor sent to a new client is queued: as the latest item. */
  #afterConnect(pool: Pool, own: Asked | undefined): void {
    const item = this.#asking === own ? pool._pendingQueue.at(-1) : undefined;
    this.#asking = null;
    if (!own || !item || item[ASKED]) return;
    this.#watchTimeouts(item);
    item[ASKED] = own;
    own.waits = own.account.waitOnly(own.request, pool._pendingQueue.length === 1);
  }

  /** Returns when it began. */
  #connects(pool: Pool, item: PendingItem): number {
    if (this.#asking) {
      item[ASKED] = this.#asking;
      item.callback = tellTimeout(item);
    }
    const own = item[ASKED] ?? this.#leftUnknown(pool);
    item[ASKED] = own;
    own.account.stopWaiting(own.waits);
    this.#asking = null;
    this.#bare.isPooling = true;
    return now();
  }

  /** One of which nothing is known has left the queue, where it was the first. */
  #leftUnknown(pool: Pool): Asked {
    const account = this.#accounts.of(pool);
    account.firstLeft();
    return unknown(account);
  }

  /** Whether nothing is known of who is served, and the lease is only counted; if so, it is. */
  #servesCounted(pool: Pool, client: Client, item: PendingItem): boolean {
    if (item[ASKED] !== undefined) return false;
    const known = OnClient.get(client);
    const account = this.#accounts.of(pool);
    if (known === undefined || account.unusual > 0 || pool._eventsCount !== account.asOf) return false;
    if (!account.lendsCounted(known, client)) return false;
    if (known.isQuery) known.isQuery = false;
    return true;
  }

  #serve(pool: Pool, client: Client, item: PendingItem): void {
    const own = item[ASKED];
    if (own !== undefined) {
      item[ASKED] = undefined;
      this.#serveAsked(pool, client, own);
      return;
    }
    if (pool.options.maxLifetimeSeconds && pool._expired?.has(client)) return;
    const known = this.#knownOf(client);
    // it was being connected already when the probe came
    if (known.lease?.closed === false) return;
    const account = this.#accounts.of(pool);
    account.firstLeft();
    account.lend(known, null, null, client);
    known.isServed(client, false);
  }

  #serveAsked(pool: Pool, client: Client, { account, request, waits, isQuery, isBefore }: Asked): void {
    const known = this.#knownOf(client);
    if (account.isObserved) this.#tellCreated(pool, client);
    if (isBefore) {
      account.stopWaiting(waits);
      this.#lends(known, account.serve({ ref: known.ref, isBusy: known.isBusy }), false);
      return;
    }
    account.lend(known, request, waits, client);
    known.isServed(client, isQuery);
  }

  #knownOf(client: Client): Known {
    let known = OnClient.get(client);
    if (!known) {
      const ref = new WeakRef(client);
      known = new Known(ref, isBusy(ref));
      OnClient.put(client, known);
    }
    return known;
  }

  #lends(known: Known, lease: Resource, isQuery: boolean): void {
    known.lease = lease;
    lease.ref = known.ref;
    known.isQuery = isQuery;
  }

  /** Only of a client without a pool: a pool gives back before it ends one. */
  #endBare(client: Client, wrapper: Method): void {
    const own = OnClient.get(client);
    if (!own?.lease || own.lease.account.source.pool !== null) return;
    if (!own.lease.closed) this.#desk.close(own.lease, wrapper);
    own.lease = null;
  }

  #tellCreated(pool: Pool, client: Client): void {
    const began = this.#connecting.get(client);
    if (began === undefined) return;
    this.#connecting.delete(client);
    this.#accounts.of(pool).created(began);
  }

  /** pg-pool tells nobody when a queued connect times out; it sets a property, here watched for all items at once. */
  #watchTimeouts(item: PendingItem): void {
    const prototype = Object.getPrototypeOf(item);
    if (prototype === this.#watchedItems) return;
    this.#watchedItems = prototype;
    onFirstSet<PendingItem>(PART, prototype, 'timedOut', ({ [ASKED]: own }, isTimedOut) => {
      if (isTimedOut) own?.account.timedOut(own.waits ?? own.request, false);
    });
  }

  #giveBack(client: Client, releaser: Method): void {
    const own = OnClient.get(client);
    if (own === undefined || !isLent(own)) return;
    const { lease } = own;
    if (lease !== null) this.#desk.close(lease, releaser);
    own.lease = null;
    own.uncount();
    this.#lookAtTransaction(client, own, lease);
  }

  /** Whether a lease comes back that was only counted, and in no transaction; if so, it is back. */
  #givesBackCounted(client: Client): boolean {
    const own = OnClient.get(client);
    if (own === undefined) return true;
    if (own.lease !== null || own.transaction !== null || isInTransaction(client)) return false;
    own.uncount();
    return true;
  }

  /** One that was open before still is the same one, of whoever gave the connection back in it first. `lease`: that ends. */
  #lookAtTransaction(client: Client, own: Known, lease: Resource | null): void {
    const { ledger } = this.#desk;
    if (!isInTransaction(client) || !isConnected(client)) {
      if (own.transaction !== null) ledger.close(own.transaction, now());
      own.transaction = null;
      return;
    }
    if (own.transaction !== null && !own.transaction.closed) return;
    const at = now();
    const source = own.isQuery ? this.#pooledTransactions : this.#transactions;
    const isGone = isTransactionOver(new WeakRef(client), at, isInTransaction, isConnected);
    own.transaction = new Resource(ledger.account(source, lease?.account.site ?? null), lease?.scope ?? null, at, {
      isGone,
    });
    ledger.open(own.transaction);
  }

  /** Whether a lease that is only counted is used for what is of no interest; if so, it is. */
  #usesCounted(client: Client, statement: unknown): boolean {
    const known = OnClient.get(client);
    if (known === undefined || !known.isCounted || known.release === client.release) return false;
    const text = textOf(statement);
    if (text === null || this.#sessions.concerns(DRIVER, text, known.idleText)) return false;
    if (known.idleText !== text) known.idleText = text;
    known.use(text);
    return true;
  }

  /** Whichever pool lends it. */
  #says(connection: Client, text: string, values: unknown, wrapper: Method): Answered | null {
    return this.#sessions.says({ driver: DRIVER, connection, text, values }, wrapper);
  }

  /** Whether the client is lent. */
  #use(known: Known, text: string | null): boolean {
    const { lease } = known;
    if (lease === null) {
      if (known.isCounted) known.use(text);
      return known.isCounted;
    }
    if (lease.closed) return false;
    this.#desk.use(lease, text);
    lease.isBusy = known.isBusy;
    return true;
  }
}

/** It is lent, but not handed over yet: the pool's own events use it. */
function isOfPool(client: Client, known: Known): boolean {
  return isLent(known) && known.release === client.release;
}

function isLent({ lease, isCounted }: Known): boolean {
  return lease !== null || isCounted;
}

/** What was only counted when it was asked for. */
function unknown(account: PoolAccount): Asked {
  return { request: null, waits: null, isQuery: false, isBefore: false, account };
}

/** All that are queued; whatever was queued before one that is noted is noted as well. */
function noteWaiting({ _pendingQueue: queue }: Pool, account: PoolAccount): void {
  let from = queue.length;
  while (from > 0 && !queue[from - 1]?.[ASKED]?.waits) from--;
  for (; from < queue.length; from++) {
    const item = queue[from] as PendingItem;
    item[ASKED] ??= unknown(account);
    item[ASKED].waits = account.wait(null);
  }
}

/** Where a pool's options lead to. A connection string without its password and its parameters. */
function targetOfOptions({ connectionString, ...options }: Pool['options']): string | null {
  const own = textsOf({ ...options, host: options.host ?? 'default' });
  if (typeof connectionString !== 'string') return own;
  return `${own}\0${connectionString.replace(/:[^:@/]*@/, '@')}`;
}

function valuesOf(statement: unknown): unknown {
  return typeof statement === 'string' ? undefined : (statement as { values?: unknown }).values;
}

/** The text of a statement, in any of the forms that pg takes; its values are not touched. */
function textOf(statement: unknown): string | null {
  if (typeof statement === 'string') return statement;
  const { text, cursor } = (statement ?? {}) as { text?: unknown; cursor?: { text?: unknown } };
  const found = text ?? cursor?.text;
  return typeof found === 'string' ? found : null;
}

/**
 * A new connection that does not come up in time is told only as an error to the one who asked. pg keeps the callback for
 * the client's life: who asked is known by the item alone, which forgets it.
 */
function tellTimeout(item: PendingItem): PendingItem['callback'] {
  const { callback } = item;
  const tell = (error: unknown): void => {
    const own = item[ASKED];
    if (own && error instanceof Error && /timeout/i.test(error.message))
      own.account.timedOut(own.waits ?? own.request, true);
  };
  return function told(this: unknown, error?: unknown): unknown {
    guarded(PART, tell, error);
    return Reflect.apply(callback, this, arguments as unknown as unknown[]);
  };
}
