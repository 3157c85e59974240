/**
 * mariadb 3.5, by promise and by callback. Its pool is private to the one that a service sees: as a CommonJS module it is
 * met when the first is made, as an ES module its file hands it over.
 *
 * Who asks gives the private pool a callback, which ties the acquire to its end. What the promises hand out is made anew
 * for each borrow, and nothing else can give it back: once it is collected, the leak is proven. A connection that goes
 * back is rolled back by the library, so that no transaction stays open in it.
 *
 * False negatives: pools of a cluster, where no other was made before.
 */
import { EventEmitter } from 'node:events';
import Module from 'node:module';
import type { Request, Resource } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { disguise } from '../../process/disguise.ts';
import { guarded } from '../../process/lapses.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { rowsIn } from '../sessions/answers.ts';
import type { Answered, Driver } from '../sessions/driver.ts';
import { MYSQL, telling } from '../sessions/mysql.ts';
import { sessionsOf } from '../sessions/sessions.ts';
import { BareConnections } from './mariadb-bare.ts';
import { peerOf, textsOf } from './peer.ts';
import { type PoolAccount, PoolAccounts } from './pool-account.ts';

const PART = 'mariadb' satisfies AdapterName;
const NO_TIME = 'ER_GET_CONNECTION_TIMEOUT';

/** The private one. */
interface Pool {
  opts: { connectionLimit?: number; minimumIdle?: number; connOptions?: { database?: unknown } };
  activeConnections(): number;
  idleConnections(): number;
  taskQueueSize(): number;
}

/** What a pool lends; that of the promises stands before it. */
interface Connection {
  status: number;
  isValid(): boolean;
}

interface Command {
  sql?: unknown;
  values?: unknown;
}

const DRIVER: Driver = { part: PART, dialect: MYSQL, isAlive: (connection) => (connection as Connection).isValid() };

/** Of one acquire. */
interface Asked {
  request: Request;
  account: PoolAccount;
  promised: Promised | null;
  isServed: boolean;
}

/** A call for a promise of a connection. */
interface Promised {
  lease: Resource | null;
}

export function attachments(desk: Desk): Attachments {
  const pools = new MariadbPools(desk);
  const commonJs = (exports: object, file: string): void => pools.watchExports(exports, file);
  return {
    'mariadb/dist/promise.cjs': commonJs,
    'mariadb/dist/callback.cjs': commonJs,
    'mariadb/lib/pool.js': ({ Pool }) => pools.watchPool(Pool.prototype),
    'mariadb/lib/connection.js': ({ Connection }) => pools.watchConnections(Connection.prototype),
    'mariadb/lib/pool-promise.js': ({ PoolPromise }) => pools.watchPromises(PoolPromise.prototype),
  };
}

class MariadbPools {
  readonly #desk: Desk;
  readonly #accounts: PoolAccounts<Pool>;
  readonly #lent: WeakMap<object, Resource> = new WeakMap();
  /** By lease, of which pool it is, and which connection. */
  readonly #open: Map<Resource, { account: PoolAccount; connection: WeakRef<object> }> = new Map();
  readonly #met: WeakSet<object> = new WeakSet();
  /** Pools whose making was seen. */
  readonly #made: WeakSet<object> = new WeakSet();
  #promising: Promised | null = null;
  readonly #bare: BareConnections;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#bare = new BareConnections(desk);
    this.#accounts = new PoolAccounts<Pool>(desk, PART, PART, (weak) => {
      const { connectionLimit = 0, connOptions: { database } = {} } = weak.deref()?.opts ?? {};
      return {
        ...{ name: typeof database === 'string' ? database : null, max: connectionLimit },
        gauges: () => {
          const pool = weak.deref();
          if (!pool) return null;
          return { used: pool.activeConnections(), idle: pool.idleConnections(), pending: pool.taskQueueSize() };
        },
        peers: () => this.#peers(weak),
        idleLimits: () => {
          const { minimumIdle = null, connectionLimit: most = null } = weak.deref()?.opts ?? {};
          return { min: minimumIdle, max: most };
        },
      };
    });
  }

  /** What a pool keeps idle is its own secret. */
  *#peers(weak: WeakRef<Pool>) {
    const pool = weak.deref();
    const own = pool && this.#accounts.of(pool);
    for (const [resource, { account, connection }] of this.#open) {
      const lent = connection.deref();
      if (resource.closed || !lent) this.#open.delete(resource);
      else if (account === own) yield { resource, peer: peerOf(lent, 'used') };
    }
  }

  /** Its exports are constant: others take their place, of which one function is another. */
  watchExports(exports: object, file: string): void {
    const { _cache } = Module as unknown as { _cache: Record<string, { exports: object }> };
    const descriptors = Object.getOwnPropertyDescriptors(exports) as PropertyDescriptorMap;
    if (!_cache[file]) return;
    for (const maker of ['createPool', 'createConnection']) this.#standsIn(descriptors, maker);
    _cache[file].exports = Object.create(Object.getPrototypeOf(exports), descriptors);
  }

  #standsIn(descriptors: PropertyDescriptorMap, maker: string): void {
    const before = descriptors[maker];
    const original: Method | undefined = before?.get?.() ?? before?.value;
    if (!before || !original) return;
    const make = (options: unknown): unknown => Reflect.apply(original, undefined, [options]);
    let meets = true;
    const own = disguise(
      ((options: unknown) => {
        this.#bare.isMaking = maker === 'createConnection';
        try {
          if (!meets) return make(options);
          meets = false;
          return this.#meet(() => make(options), own);
        } finally {
          this.#bare.isMaking = false;
        }
      }) as Method,
      original,
    );
    descriptors[maker] = { get: () => own, enumerable: before.enumerable ?? true };
  }

  /** The first pool or connection that is made: they are the emitters that are made meanwhile. */
  #meet(create: () => unknown, wrapper: Method): unknown {
    const emitters: object[] = [];
    const events = EventEmitter as unknown as { init: Method };
    const { init } = events;
    events.init = function (this: object): unknown {
      emitters.push(this);
      return Reflect.apply(init, this, arguments);
    };
    try {
      return create();
    } finally {
      events.init = init;
      guarded(PART, () => {
        for (const emitter of emitters) {
          const prototype = Object.getPrototypeOf(emitter);
          if (Object.hasOwn(prototype, '_handleRelease')) {
            this.watchPool(prototype);
            this.#makes(emitter as Pool, wrapper);
          } else if (Object.hasOwn(prototype, 'executePromise')) {
            this.watchConnections(prototype);
            if (this.#bare.isMaking) this.#bare.made(emitter as Connection, wrapper);
          } else if (Object.hasOwn(prototype, 'getConnection') && prototype.getConnection.length === 0) {
            this.watchPromises(prototype);
          }
        }
      });
    }
  }

  #makes(pool: Pool, wrapper: Method): void {
    if (this.#made.has(pool)) return;
    this.#made.add(pool);
    this.#accounts.made(pool, wrapper, textsOf(pool.opts?.connOptions));
  }

  watchPool(prototype: object): void {
    if (this.#met.has(prototype)) return;
    this.#met.add(prototype);
    const { flows } = this.#desk;
    // the constructor's last
    around<Pool>(PART, prototype, '_managePoolSize', { before: (pool, _, __, wrapper) => this.#makes(pool, wrapper) });
    around<Pool>(PART, prototype, 'end', { before: (pool, _, __, wrapper) => this.#accounts.ends(pool, wrapper) });
    around<Pool, Asked>(PART, prototype, 'getConnection', {
      before: (pool, _, __, wrapper) => this.#ask(pool, wrapper),
      callback: (callback, asked) => (asked ? this.#tells(callback, asked) : callback),
      within: flows.unmarked((asked) => asked.request.mark),
      after: (_, __: unknown, asked) => {
        if (asked && !asked.isServed) asked.account.wait(asked.request);
      },
    });
    for (const method of ['_handleRelease', 'release', '_endLeak']) {
      around<Pool>(PART, prototype, method, {
        before: (_, connection, __, wrapper) => this.#giveBack(connection as object, wrapper),
      });
    }
  }

  watchPromises(prototype: object): void {
    if (this.#met.has(prototype)) return;
    this.#met.add(prototype);
    around<object>(PART, prototype, 'getConnection', {
      call: (method, pool, args) => {
        const promised: Promised = { lease: null };
        this.#promising = promised;
        try {
          const promise = Reflect.apply(method, pool, args) as Promise<object>;
          return promise.then((connection) => {
            guarded(PART, () => {
              if (promised.lease) promised.lease.handle = new WeakRef(connection);
            });
            return connection;
          });
        } finally {
          this.#promising = null;
        }
      },
    });
  }

  /** A statement is given with what is to be called with its rows, and what with its error. */
  watchConnections(prototype: object): void {
    if (this.#met.has(prototype)) return;
    this.#met.add(prototype);
    this.#bare.watch(prototype);
    const sessions = sessionsOf(this.#desk);
    for (const method of ['query', 'prepareExecute', 'executePromise']) {
      around<object, Answered | null>(PART, prototype, method, {
        before: (connection, command, _, wrapper) => {
          const { sql, values } = command as Command;
          if (typeof sql !== 'string') return null;
          this.#bare.use(connection, sql);
          return sessions.says({ driver: DRIVER, connection, text: sql, values }, wrapper);
        },
        call: (own, connection, args, answered) => {
          if (answered) tellAnswer(args, answered);
          return Reflect.apply(own, connection, args);
        },
      });
    }
    for (const method of ['changeUser', 'reset']) {
      around<object>(PART, prototype, method, { before: (connection) => sessions.isReset(connection) });
    }
  }

  #ask(pool: Pool, wrapper: Method): Asked {
    const account = this.#accounts.of(pool);
    const promised = this.#promising;
    this.#promising = null;
    return { request: account.ask(wrapper), account, promised, isServed: false };
  }

  #tells(callback: Method, asked: Asked): Method {
    const bound = this.#desk.flows.bind(callback, asked.request.mark);
    const tell = (error: unknown, connection: object): void => {
      asked.isServed = true;
      const { request, account, promised } = asked;
      const { code } = (error ?? {}) as { code?: unknown };
      if (code === NO_TIME) account.timedOut(request, false);
      else if (error) account.fail(request);
      else {
        this.watchConnections(Object.getPrototypeOf(connection));
        const lease = account.open(request, connection);
        this.#lent.set(connection, lease);
        this.#open.set(lease, { account, connection: new WeakRef(connection) });
        if (promised) promised.lease = lease;
      }
    };
    return function told(this: unknown, error: unknown, connection: unknown): unknown {
      guarded(PART, tell, error, connection as object);
      return Reflect.apply(bound, this, arguments);
    };
  }

  #giveBack(connection: object, releaser: Method): void {
    const lease = this.#lent.get(connection);
    if (!lease || lease.closed) return;
    this.#open.delete(lease);
    this.#desk.close(lease, releaser);
  }
}

/** The last two are what is called with rows, and what with an error. */
function tellAnswer(args: IArguments, answered: Answered): void {
  const [onRows, onError] = [args.length - 2, args.length - 1];
  const [told, failed] = [args[onRows], args[onError]] as Method[];
  if (typeof told !== 'function' || typeof failed !== 'function') return;
  args[onRows] = telling(PART, told, (rows) => answered.succeeds(rowsIn(rows)));
  args[onError] = telling(PART, failed, () => answered.fails());
}
