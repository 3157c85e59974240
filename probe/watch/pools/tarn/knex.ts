/**
 * knex, which borrows from tarn. When it does, its caller is rarely on the stack: a query is awaited as a thenable, and a
 * transaction asks in a later turn. So the line is noted when a query begins to be built, and when `transaction` is
 * called; the query, or the transaction, carries it to the acquire.
 *
 * Who has a transaction is given its object, and by that alone the connection comes back: once it is collected, the leak
 * is proven.
 *
 * Errs: a query that is cloned before it is run, or built by another library in turns of its own, is of no line of the
 * user's on Node.js before 26.
 */
import type { Request } from '../../../account/ledger.ts';
import type { Site } from '../../../account/site.ts';
import type { AdapterName } from '../../../adapters.ts';
import { around, type Method } from '../../../process/around.ts';
import type { Desk } from '../../desk.ts';
import type { PoolAccount } from '../pool-account.ts';
import type { Caller, Pool, TarnPools } from '../tarn.ts';

const PART = 'tarn' satisfies AdapterName;

interface Client {
  /** A client of a transaction has none. */
  pool?: Pool;
  connectionSettings?: { application_name?: unknown; database?: unknown };
}

interface Runner {
  builder: object;
}

/** What `transaction` was told: with a connection of the caller's it borrows none. */
interface TransactionConfig {
  connection?: unknown;
}

/** A transaction that was called for. */
interface Begun extends Caller {
  request: Request;
  account: PoolAccount;
}

export function watchKnex(desk: Desk, pools: TarnPools, prototype: object): void {
  new Knex(desk, pools).watch(prototype);
}

class Knex {
  readonly #desk: Desk;
  readonly #pools: TarnPools;
  /** Pools that are knex's and tarn's. */
  readonly #own: WeakSet<Pool> = new WeakSet();
  /** Prototypes that are met with the first of their objects: of dialects, of runners and of transactions. */
  readonly #met: WeakSet<object> = new WeakSet();
  /** Where a query began to be built. */
  readonly #built: WeakMap<object, Site> = new WeakMap();
  readonly #begun: WeakMap<object, Begun> = new WeakMap();

  constructor(desk: Desk, pools: TarnPools) {
    this.#desk = desk;
    this.#pools = pools;
  }

  watch(prototype: object): void {
    around<Client>(PART, prototype, 'initializePool', { after: (client) => this.#meet(client) });
    around<Client>(PART, prototype, 'runner', { after: (_, runner: Runner) => this.#meetRunner(runner) });
    for (const key of ['query', 'stream']) {
      around<Client>(PART, prototype, key, {
        before: (_, connection, query) => this.#pools.use(connection as object, textOf(query)),
      });
    }
  }

  #meet(client: Client): void {
    const { pool, connectionSettings: { application_name, database } = {} } = client;
    const name = application_name ?? database;
    if (!pool || !this.#pools.adopt(pool, 'knex', typeof name === 'string' ? name : null)) return;
    this.#own.add(pool);
    this.#eachPrototype(client, (prototype) => {
      for (const key of ['queryBuilder', 'schemaBuilder', 'raw']) {
        around<Client>(PART, prototype, key, {
          after: (own, builder: object, _, wrapper) => this.#build(own, builder, wrapper),
        });
      }
      around<Client, boolean>(PART, prototype, 'transaction', {
        before: (_, __, config) => (config as TransactionConfig | undefined)?.connection === undefined,
        after: (own, transaction: object, borrows, wrapper) => {
          if (borrows) this.#begin(own, transaction, wrapper);
        },
      });
    });
  }

  #meetRunner(runner: Runner): void {
    this.#eachPrototype(runner, (prototype) => {
      around<Runner>(PART, prototype, 'ensureConnection', {
        before: ({ builder }) => {
          const site = this.#built.get(builder);
          this.#pools.caller = site ? { site } : null;
        },
        finally: () => {
          this.#pools.caller = null;
        },
      });
    });
  }

  #meetTransaction(transaction: object): void {
    this.#eachPrototype(transaction, (prototype) => {
      around<object, Begun | null>(PART, prototype, 'acquireConnection', {
        before: (own) => {
          const begun = this.#begun.get(own) ?? null;
          this.#pools.caller = begun;
          return begun;
        },
        finally: (_, begun) => {
          // it never came to ask
          if (begun && this.#pools.caller === begun) begun.account.fail(begun.request);
          this.#pools.caller = null;
        },
      });
    });
  }

  /** Only once for each prototype; what is not a function of its own there is none. */
  #eachPrototype(object: object, watch: (prototype: object) => void): void {
    let prototype = Object.getPrototypeOf(object);
    for (; prototype !== null && !this.#met.has(prototype); prototype = Object.getPrototypeOf(prototype)) {
      this.#met.add(prototype);
      watch(prototype);
    }
  }

  #accountOf({ pool }: Client): PoolAccount | null {
    return pool && this.#own.has(pool) ? this.#pools.of(pool) : null;
  }

  #build(client: Client, builder: object, wrapper: Method): void {
    const account = this.#built.has(builder) ? null : this.#accountOf(client);
    const site = account?.callTo(wrapper);
    if (site) this.#built.set(builder, site);
  }

  #begin(client: Client, transaction: object, wrapper: Method): void {
    const account = this.#begun.has(transaction) ? null : this.#accountOf(client);
    if (!account) return;
    this.#meetTransaction(transaction);
    const request = account.ask(wrapper);
    this.#begun.set(transaction, { request, account, handle: new WeakRef(transaction) });
    this.#desk.flows.enter(request.mark);
  }
}

function textOf(query: unknown): string | null {
  const text = typeof query === 'string' ? query : (query as { sql?: unknown } | null | undefined)?.sql;
  return typeof text === 'string' ? text : null;
}
