/**
 * postgres.js 3. All of it is closures: each `sql` that it makes has its functions for itself, so what makes them is
 * wrapped. A `sql` is a pool, which ends by `end` alone; its leases are what `reserve` hands out, until `release`, and
 * each `begin`, until its function is done.
 *
 * What `reserve` hands out is made anew for each borrow, and is all that can give it back, with its `release`: once both
 * are collected, the leak is proven. `reserve` and `begin` promise what they promise a turn of the microtasks later.
 *
 * What they leave in their sessions: postgres-sessions.ts. What `listen` adds, on a connection that all share, stays until
 * its `unlisten`, or until the pool ends.
 *
 * False negatives: what a plain query waits for; a pool's statements, which go by functions without a name.
 */
import Module from 'node:module';
import type { Request, Resource, Source } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { disguise } from '../../process/disguise.ts';
import { guarded } from '../../process/lapses.ts';
import { now } from '../../process/runtime.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { textsOf } from './peer.ts';
import { type PoolAccount, PoolAccounts } from './pool-account.ts';
import { type Borrowed, type LentSql, PostgresSessions } from './postgres-sessions.ts';

const PART = 'postgres' satisfies AdapterName;

interface Reserved extends LentSql {
  release?: Method;
}

interface Sql {
  options: {
    max?: number;
    host?: unknown[];
    port?: unknown[];
    database?: unknown;
    user?: unknown;
    idle_timeout?: number | null;
    connection?: { application_name?: unknown };
  };
  reserve: Method;
  begin: Method;
  end: Method;
  listen?: Method;
}

/** What `listen` gives. */
interface Listening {
  unlisten: Method;
}

/** What is known of a pool, which itself tells nothing. */
interface Known {
  account: PoolAccount;
  used: number;
  lastUsedAt: number;
  isEnded: boolean;
}

export function attachments(desk: Desk): Attachments {
  const pools = new PostgresPools(desk);
  const made = { after: (_: object, sql: Sql, __: unknown, wrapper: Method) => pools.watch(sql, wrapper) };
  return {
    postgres: (_, file) => {
      const { _cache } = Module as unknown as { _cache: Record<string, object> };
      const module = _cache[file];
      if (module) around(PART, module, 'exports', made);
    },
    'postgres/src/index.js': (exports) => {
      around(PART, exports, 'Postgres', made);
    },
  };
}

class PostgresPools {
  readonly #desk: Desk;
  readonly #accounts: PoolAccounts<Sql>;
  readonly #known: WeakMap<Sql, Known> = new WeakMap();
  readonly #sessions: PostgresSessions;
  readonly #listeners: Source;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#listeners = desk.source({ adapter: PART, nature: 'message listener', library: `${PART} listener` });
    this.#sessions = new PostgresSessions(desk);
    this.#accounts = new PoolAccounts<Sql>(desk, PART, PART, (weak) => {
      const { connection = {}, database, max = 0 } = weak.deref()?.options ?? {};
      const { application_name } = connection;
      const name = application_name === 'postgres.js' ? database : (application_name ?? database);
      return {
        ...{ name: typeof name === 'string' ? name : null, max },
        gauges: () => {
          const sql = weak.deref();
          const known = sql && this.#known.get(sql);
          if (!known) return null;
          return { used: known.used, idle: hasIdle(sql, known) ? 1 : 0, pending: known.account.waiting };
        },
      };
    });
  }

  /** One was made by a call to `wrapper`. */
  watch(sql: Sql, wrapper: Method): void {
    if (typeof sql !== 'function' || this.#known.has(sql)) return;
    // what listens and what subscribes has one of its own
    const site = this.#desk.siteHere(wrapper);
    if (site && this.#desk.isOfLibrary(site)) return;
    this.#accounts.made(sql, wrapper, targetOf(sql));
    const known: Known = { account: this.#accounts.of(sql), used: 0, lastUsedAt: now(), isEnded: false };
    this.#known.set(sql, known);
    known.account.enterPool();
    this.#stand(sql, 'end', (method, args, self, own) => {
      this.#accounts.ends(sql, own);
      known.isEnded = true;
      return Reflect.apply(method, self, args);
    });
    this.#stand(sql, 'reserve', (method, args, self, own) => this.#reserve(known, method, args, self, own));
    this.#stand(sql, 'begin', (method, args, self, own) => this.#begin(known, method, args, self, own));
    this.#stand(sql, 'listen', (method, args, self, own) => this.#listen(known, method, args, self, own));
  }

  /** Unlike `around`, it refers to the pool only from itself. */
  #stand(
    sql: Sql,
    key: 'end' | 'reserve' | 'begin' | 'listen',
    call: (method: Method, args: IArguments, self: unknown, own: Method) => unknown,
  ): void {
    const method = sql[key];
    if (method === undefined) return;
    const own: Method = disguise(function stands(this: unknown) {
      return call(method, arguments, this, own);
    }, method);
    sql[key] = own;
  }

  #reserve(known: Known, method: Method, args: IArguments, self: unknown, own: Method): unknown {
    const asked = guarded(PART, () => this.#ask(known, own));
    const promise = this.#desk.flows.shed<Promise<Reserved>>(method, self, args, asked?.mark ?? null);
    if (!asked) return promise;
    return promise.then(
      (reserved) => {
        return guarded(PART, () => this.#lends(known, asked, reserved)) ?? reserved;
      },
      (error) => {
        guarded(PART, () => known.account.fail(asked));
        throw error;
      },
    );
  }

  #ask(known: Known, own: Method): Request {
    known.lastUsedAt = now();
    const request = known.account.ask(own);
    known.account.wait(request);
    return request;
  }

  /** What is handed out in its place. */
  #lends(known: Known, request: Request, reserved: Reserved): Reserved {
    const { release } = reserved;
    const lease = this.#opens(known, request);
    if (release === undefined) return reserved;
    const close = (releaser: Method): void => this.#closes(known, lease, releaser);
    const own: Method = disguise(() => {
      guarded(PART, close, own);
      return release();
    }, release);
    const standIn: Reserved = this.#sessions.standIn(reserved, borrowedBy(lease, known, false));
    standIn.release = own;
    lease.handle = new WeakRef(own);
    return standIn;
  }

  #opens(known: Known, request: Request): Resource {
    known.used++;
    return known.account.open(request);
  }

  #closes(known: Known, lease: Resource, releaser: Method): void {
    if (lease.closed) return;
    known.used--;
    known.lastUsedAt = now();
    this.#desk.close(lease, releaser);
  }

  #listen(known: Known, method: Method, args: IArguments, self: unknown, own: Method): unknown {
    const asked = guarded(PART, () => this.#desk.ask(this.#listeners, own));
    const promise = this.#desk.flows.shed<Promise<Listening>>(method, self, args);
    if (!asked) return promise;
    return promise.then((listening) => {
      guarded(PART, () => this.#listens(known, asked, listening));
      return listening;
    });
  }

  #listens(known: Known, request: Request, listening: Listening): void {
    // whoever adds one is done with it at once
    request.mark = null;
    const resource = this.#desk.open(request, { isGone: () => known.isEnded });
    const { unlisten } = listening;
    const close = (): void => {
      if (!resource.closed) this.#desk.close(resource, own);
    };
    const own: Method = disguise(function stands(this: unknown) {
      guarded(PART, close);
      return Reflect.apply(unlisten, this, arguments);
    }, unlisten);
    listening.unlisten = own;
  }

  /** The function that is its last argument is called once there is a connection for it. */
  #begin(known: Known, method: Method, args: IArguments, self: unknown, own: Method): unknown {
    const at = args.length - 1;
    const work: unknown = args[at];
    const asked = typeof work === 'function' ? guarded(PART, () => this.#ask(known, own)) : undefined;
    if (typeof work !== 'function' || !asked) return Reflect.apply(method, self, args);
    let borrowed: Borrowed | undefined;
    const opens = (): Borrowed => borrowedBy(this.#opens(known, asked), known, true);
    const bound = this.#desk.flows.bind(work, asked.mark);
    const sessions = this.#sessions;
    args[at] = disguise(function begun(this: unknown, transaction: LentSql) {
      borrowed = guarded(PART, opens);
      const standsIn = (): LentSql => (borrowed ? sessions.standIn(transaction, borrowed) : transaction);
      return Reflect.apply(bound, this, [guarded(PART, standsIn) ?? transaction]);
    }, work);
    const over = (end: 'commit' | 'rollback'): void => {
      if (borrowed) {
        this.#sessions.tells(borrowed, end, own);
        this.#closes(known, borrowed.lease, own);
      } else known.account.fail(asked);
    };
    const promise = this.#desk.flows.shed<Promise<unknown>>(method, self, args, asked.mark);
    return promise.then(
      (result) => {
        guarded(PART, over, 'commit');
        return result;
      },
      (error) => {
        guarded(PART, over, 'rollback');
        throw error;
      },
    );
  }
}

function borrowedBy(lease: Resource, pool: Known, isTransaction: boolean): Borrowed {
  return { lease, pool, session: null, begun: isTransaction ? ['begin'] : [] };
}

/** It keeps its connections until they have been idle for so long, if that is limited at all. */
function hasIdle({ options }: Sql, { isEnded, lastUsedAt, used }: Known): boolean {
  const { idle_timeout } = options;
  return !isEnded && used === 0 && (!idle_timeout || now() - lastUsedAt < 1000 * idle_timeout);
}

function targetOf({ options: { host, port, database, user, connection } }: Sql): string | null {
  const { application_name } = connection ?? {};
  return textsOf({ host: host?.join(), port: port?.join(), database, user, application_name });
}
