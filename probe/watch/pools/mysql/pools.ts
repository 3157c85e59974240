/**
 * Pools of mysql and mysql2. A connection is the same object on every borrow. Who asks gives a callback, which may be
 * queued, and be asked for once more by the pool itself: the callback ties the acquire to its end.
 *
 * A pool that is shut down waits for nobody: it ends what is lent as well.
 *
 * `pool.query` and `pool.execute` borrow through `getConnection` and are leases of their caller.
 */
import type { Cut } from '../../../account/cut.ts';
import { type Request, Resource, type Source } from '../../../account/ledger.ts';
import type { Known } from '../../../account/resource.ts';
import type { AdapterName } from '../../../adapters.ts';
import { around, type Method } from '../../../process/around.ts';
import { onFirstSet } from '../../../process/first-set.ts';
import { guarded } from '../../../process/lapses.ts';
import { now } from '../../../process/runtime.ts';
import type { Desk } from '../../desk.ts';
import type { Answered, Driver } from '../../sessions/driver.ts';
import { answering, MYSQL } from '../../sessions/mysql.ts';
import { type Sessions, sessionsOf } from '../../sessions/sessions.ts';
import { peerOf, textsOf } from '../peer.ts';
import { isTransactionOver } from '../pg-client.ts';
import { type PoolAccount, PoolAccounts, type PoolDescription } from '../pool-account.ts';
import { isStandIn, ofStandIn } from '../stand-in.ts';
import { isInTransactionAfter } from '../statements.ts';
import { cut, type StandIn } from './cut.ts';
import { type Connection, each, isBusy, isDead, ownerOf, type Pool, textOf } from './driver.ts';

const NO_TIME = ['ETIMEDOUT', 'PROTOCOL_SEQUENCE_TIMEOUT'];

interface Lent {
  lease: Resource | null;
  ref: WeakRef<Connection>;
  isBusy: () => boolean;
  isInTransaction: boolean;
  /** That it was given back in, and that has not ended. */
  transaction: Resource | null;
}

interface Asked {
  request: Request;
  account: PoolAccount;
  /** The pool's connections and those who waited before. */
  connections: number;
  waiting: number;
  /** When a connection of its own was begun for it; 0 for none. */
  began: number;
  isServed: boolean;
}

export class MysqlPools {
  readonly #part: AdapterName & ('mysql' | 'mysql2');
  readonly #driver: Driver;
  readonly #desk: Desk;
  readonly #sessions: Sessions;
  readonly #accounts: PoolAccounts<Pool>;
  readonly #transactions: Source;
  /** Set once for each connection: a weak map that changes all the time is work for the garbage collector. */
  readonly #lent: WeakMap<object, Lent> = new WeakMap();
  /** Callbacks that stand for acquires already. */
  readonly #told: WeakSet<Method> = new WeakSet();

  constructor(desk: Desk, part: 'mysql' | 'mysql2') {
    this.#part = part;
    this.#driver = { part, dialect: MYSQL, isAlive: (connection) => !isDead(connection) };
    this.#desk = desk;
    this.#sessions = sessionsOf(desk);
    this.#transactions = desk.source({ adapter: part, nature: 'transaction', library: part });
    this.#accounts = new PoolAccounts<Pool>(desk, part, part, (weak) => this.#describe(weak));
  }

  #describe(weak: WeakRef<Pool>): PoolDescription {
    const lent = this.#lent;
    const { connectionLimit = 0, connectionConfig: { database } = {} } = weak.deref()?.config ?? {};
    const used = (): Connection[] => {
      const { _allConnections, _freeConnections } = weak.deref() ?? {};
      const free = new Set(each(_freeConnections));
      return [...each(_allConnections)].filter((connection) => !free.has(connection));
    };
    return {
      name: typeof database === 'string' ? database : null,
      max: connectionLimit,
      gauges: () => {
        const pool = weak.deref();
        if (!pool) return null;
        const pending = pool._connectionQueue.length;
        // a pool that is closed ends all it has, and mysql2 still lists them
        if (pool._closed) return { used: 0, idle: 0, pending };
        const idle = pool._freeConnections.length;
        return { used: pool._allConnections.length - idle, idle, pending };
      },
      idleLimits: () => ({ min: null, max: weak.deref()?.config.connectionLimit || null }),
      *peers() {
        for (const connection of used()) {
          yield { resource: lent.get(connection)?.lease ?? null, peer: peerOf(connection, 'used') };
        }
        for (const connection of each(weak.deref()?._freeConnections)) {
          yield { resource: null, peer: peerOf(connection, 'idle') };
        }
      },
      cut: (cuts) => {
        const pool = weak.deref();
        for (const connection of used()) if (pool) this.#cut(pool, connection, cuts);
      },
      present: (enter) => {
        for (const connection of used()) this.#lends(connection, enter);
      },
    };
  }

  #cut(pool: Pool, connection: Connection, cuts: Cut[]): void {
    const known = this.#lent.get(connection);
    if (!known?.lease || known.lease.isOrphan) return;
    if (isStandIn(connection)) {
      cuts.push(ofStandIn(known.lease, () => (connection as unknown as StandIn).destroy()));
      return;
    }
    const own = cut(pool, connection, known.lease, known.ref, this.#standsFor(known.lease, known.ref));
    if (own) cuts.push(own);
  }

  /** A function of its own: what it makes must not share a scope with the connection. */
  #standsFor(lease: Resource, ref: Lent['ref']): (standIn: StandIn) => void {
    return (standIn) =>
      this.#lent.set(standIn, { lease, ref, isBusy: () => false, isInTransaction: false, transaction: null });
  }

  watchPool(pool: object): void {
    const { flows, poolKinds } = this.#desk;
    const part = this.#part;
    const prototype = ownerOf(pool, 'getConnection');
    poolKinds.push({
      library: part,
      prototype: pool,
      meet: (found) => Object.hasOwn(found, '_allConnections') && this.#accounts.of(found as Pool),
    });
    // in the constructor
    onFirstSet<Pool>(part, prototype, '_closed', (own, _, setter) =>
      this.#accounts.made(own, setter, textsOf(own.config.connectionConfig)),
    );
    around<Pool, Asked | null>(part, prototype, 'getConnection', {
      before: (own, callback, _, wrapper) => this.#ask(own, callback, wrapper),
      callback: (callback, asked) => (asked ? this.#tells(callback, asked) : callback),
      call: (method, own, args, asked) =>
        asked ? flows.shed(method, own, args, asked.request.mark) : Reflect.apply(method, own, args),
      finally: (own, asked) => asked && this.#asked(own, asked),
    });
    around<Pool>(part, prototype, 'releaseConnection', {
      before: (own, connection, _, wrapper) => this.#giveBack(connection as Connection, wrapper, own),
      within: flows.unmarked(),
    });
  }

  /** Of connections of pools: a pool that is closed is not told of what comes back. */
  watchReleases(prototype: object): void {
    for (const method of ['release', 'destroy']) {
      around<Connection>(this.#part, prototype, method, {
        before: ({ _pool }, _, __, wrapper) => (_pool?._closed ? wrapper : null),
        after: (connection, _: unknown, wrapper) => wrapper && this.#giveBack(connection, wrapper, null),
      });
    }
  }

  /** Of all connections. */
  watchStatements(connection: object): void {
    const { flows } = this.#desk;
    const sessions = this.#sessions;
    const part = this.#part;
    for (const method of ['query', 'execute']) {
      around<Connection, boolean | Answered>(part, ownerOf(connection, method), method, {
        before: (own, statement, values, wrapper) => {
          const text = textOf(statement);
          const isUsed = this.#use(own, text);
          return (text === null ? null : this.#says(own, text, statement, values, wrapper)) ?? isUsed;
        },
        // a query's callback runs in the socket's flow unless it is bound to the one that asked
        callback: (callback, isUsed) => {
          const bound = isUsed ? flows.bind(callback, flows.current()) : callback;
          return typeof isUsed === 'object' ? answering(part, bound, isUsed) : bound;
        },
      });
    }
    for (const method of ['changeUser', 'reset']) {
      around<Connection>(part, ownerOf(connection, method), method, { before: (own) => sessions.isReset(own) });
    }
  }

  /** Whichever pool lends it. */
  #says(connection: Connection, text: string, statement: unknown, second: unknown, wrapper: Method): Answered | null {
    const { values = second } = statement as { values?: unknown };
    return this.#sessions.says({ driver: this.#driver, connection, text, values }, wrapper);
  }

  #ask(pool: Pool, callback: unknown, wrapper: Method): Asked | null {
    if (typeof callback !== 'function' || this.#told.has(callback)) return null;
    const account = this.#accounts.of(pool);
    return {
      ...{ request: account.ask(wrapper), account, began: 0, isServed: false },
      ...{ connections: pool._allConnections.length, waiting: pool._connectionQueue.length },
    };
  }

  #asked(pool: Pool, asked: Asked): void {
    if (asked.isServed) return;
    if (pool._connectionQueue.length > asked.waiting) asked.account.wait(asked.request);
    else if (pool._allConnections.length > asked.connections) asked.began = now();
  }

  #tells(callback: Method, asked: Asked): Method {
    const bound = this.#desk.flows.bind(callback, asked.request.mark);
    const opens = (error: unknown, connection: unknown): void => {
      if (asked.isServed) return;
      asked.isServed = true;
      if (error) this.#fails(error, asked);
      else this.#opens(connection as Connection, asked);
    };
    const part = this.#part;
    const told = function told(this: unknown, error: unknown, connection: unknown): unknown {
      guarded(part, opens, error, connection);
      return Reflect.apply(bound, this, arguments);
    };
    this.#told.add(told);
    return told;
  }

  #fails(error: unknown, { request, account }: Asked): void {
    const { code } = error as { code?: unknown };
    if (NO_TIME.includes(String(code))) account.timedOut(request, true);
    else account.fail(request);
  }

  #opens(connection: Connection, { request, account, began }: Asked): void {
    if (began > 0 && account.isObserved) account.created(began);
    this.#lends(connection, () => account.open(request, connection));
  }

  #lends(connection: Connection, leased: (known: Known) => Resource): void {
    let lent = this.#lent.get(connection);
    if (!lent) {
      const ref = new WeakRef(connection);
      lent = { lease: null, ref, isBusy: isBusy(ref), isInTransaction: false, transaction: null };
      this.#lent.set(connection, lent);
    }
    lent.lease = leased(lent);
    lent.lease.ref = lent.ref;
    lent.lease.isBusy = lent.isBusy;
  }

  #giveBack(connection: Connection, releaser: Method, pool: Pool | null): void {
    const lent = this.#lent.get(connection);
    // what stands for a lost one its pool removes by itself
    const isLost: boolean = isStandIn(connection);
    if (!lent?.lease || isLost) return;
    const { lease } = lent;
    lent.lease = null;
    this.#desk.close(lease, releaser);
    if (pool?.config.resetOnRelease === true) this.#sessions.isReset(connection);
    else if (pool && connection._pool) this.#lookAtTransaction(lent, lease);
  }

  /** One that was open before `lease` still is the same one, of whoever gave the connection back in it first. */
  #lookAtTransaction(lent: Lent, lease: Resource): void {
    if (!lent.isInTransaction || (lent.transaction !== null && !lent.transaction.closed)) return;
    const { ledger } = this.#desk;
    const isIn = (connection: Connection): boolean => this.#lent.get(connection)?.isInTransaction === true;
    const isAlive = (connection: Connection): boolean => !isDead(connection);
    const at = now();
    const isGone = isTransactionOver(lent.ref, at, isIn, isAlive);
    lent.transaction = new Resource(ledger.account(this.#transactions, lease.account.site), lease.scope, at, {
      isGone,
    });
    ledger.open(lent.transaction);
  }

  /** Whether the connection is lent. */
  #use(connection: Connection, statement: string | null): boolean {
    const lent = this.#lent.get(connection);
    if (!lent?.lease || lent.lease.closed) return false;
    if (statement !== null) lent.isInTransaction = isInTransactionAfter(statement, lent.isInTransaction);
    if (!lent.isInTransaction && lent.transaction !== null) {
      this.#desk.ledger.close(lent.transaction, now());
      lent.transaction = null;
    }
    this.#desk.use(lent.lease, statement);
    return true;
  }
}
