/**
 * What borrowers leave in the sessions of postgres.js. Of a `sql` that is handed out nothing tells what is done with it, so
 * another stands in for it. Its statements are noted where they are written and told of when they are sent, since a part
 * of another statement never is. Which session it has, the first of them tells.
 *
 * False negatives: statements of files, and those of the pool itself.
 */
import { types } from 'node:util';
import type { Resource } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import type { Method } from '../../process/around.ts';
import { disguise } from '../../process/disguise.ts';
import { guarded } from '../../process/lapses.ts';
import type { Desk } from '../desk.ts';
import { rowsIn } from '../sessions/answers.ts';
import type { Answered, Driver } from '../sessions/driver.ts';
import { POSTGRES } from '../sessions/postgres.ts';
import { type Sessions, sessionsOf } from '../sessions/sessions.ts';

const PART = 'postgres' satisfies AdapterName;

/** Handed out by `reserve`, or to the function of a transaction. */
export interface LentSql extends Method {
  unsafe?: Method;
  /** Of a transaction: its last argument is a function with a `sql` of its own. */
  savepoint?: Method;
}

interface Query {
  strings: readonly string[];
  /** Sends it, or has it wait for those before it. */
  handler: Method;
  resolve: Method;
  reject: Method;
  /** Once it is sent. */
  state: Backend | null;
  string?: string;
  parameters?: unknown[];
}

/** Of one connection, which may be made several times. */
interface Backend {
  pid: number | null;
}

interface Pool {
  isEnded: boolean;
}

interface Session {
  readonly backend: Backend;
  readonly pid: number | null;
  readonly pool: Pool;
}

/** What a lease of `pool` has been used for. */
export interface Borrowed {
  readonly lease: Resource;
  readonly pool: Pool;
  session: Session | null;
  /** What its session is to be told at its first statement. */
  readonly begun: string[];
}

/** For names of their own. */
let savepoints = 0;

const DRIVER: Driver = {
  part: PART,
  dialect: POSTGRES,
  isAlive(session) {
    const { backend, pid, pool } = session as Session;
    return backend.pid === pid && !pool.isEnded;
  },
};

export class PostgresSessions {
  readonly #sessions: Sessions;
  readonly #known: WeakMap<Backend, Session> = new WeakMap();

  constructor(desk: Desk) {
    this.#sessions = sessionsOf(desk);
  }

  standIn(sql: LentSql, borrowed: Borrowed): LentSql {
    const written = (query: unknown, wrapper: Method): void => this.#written(borrowed, query as Query, wrapper);
    const noting = (method: Method): Method => {
      const own: Method = disguise(function notes(this: unknown) {
        const made: unknown = Reflect.apply(method, this, arguments);
        guarded(PART, written, made, own);
        return made;
      }, method);
      return own;
    };
    const own: LentSql = noting(sql);
    const { unsafe, savepoint } = sql;
    if (unsafe) own.unsafe = noting(unsafe);
    if (savepoint) own.savepoint = this.#saving(savepoint, borrowed);
    return own;
  }

  #saving(savepoint: Method, borrowed: Borrowed): Method {
    const tells = (text: string): void => this.tells(borrowed, text, savepoint);
    const within = (sql: LentSql): LentSql => this.standIn(sql, borrowed);
    return disguise(function saves(this: unknown, ...args: unknown[]) {
      const work = args.at(-1);
      if (typeof work !== 'function') return Reflect.apply(savepoint, this, args);
      const name = `own_${savepoints++}`;
      args[args.length - 1] = (sql: LentSql): unknown => {
        guarded(PART, tells, `savepoint ${name}`);
        return work(within(sql));
      };
      return Reflect.apply(savepoint, this, args).then(undefined, (error: unknown): never => {
        guarded(PART, tells, `rollback to ${name}`);
        throw error;
      });
    }, savepoint);
  }

  /** What the library says by itself. */
  tells({ session, begun }: Borrowed, text: string, wrapper: Method): void {
    if (session) this.#says(session, { text, values: [], writtenAt: null }, wrapper);
    else begun.push(text);
  }

  #written(borrowed: Borrowed, query: Query, wrapper: Method): void {
    // it makes names and lists too
    if (!types.isPromise(query) || typeof query.handler !== 'function') return;
    const { handler } = query;
    const text = query.strings.join('$1');
    const writtenAt = this.#sessions.siteOf({ driver: DRIVER, text, values: [] }, wrapper);
    const sends = (own: Query): unknown => {
      const result: unknown = Reflect.apply(handler, own, [own]);
      guarded(PART, () => {
        const session = this.#sessionOf(borrowed, own, sends);
        if (session === null) return;
        const { string = text, parameters: values = [] } = own;
        const answered = this.#says(session, { text: string, values, writtenAt }, sends);
        if (answered) tells(own, answered);
      });
      return result;
    };
    query.handler = sends;
  }

  #says(
    connection: Session,
    statement: { text: string; values: unknown; writtenAt: ReturnType<Sessions['siteOf']> },
    wrapper: Method,
  ): Answered | null {
    return this.#sessions.says({ driver: DRIVER, connection, ...statement }, wrapper);
  }

  #sessionOf(borrowed: Borrowed, { state: backend }: Query, wrapper: Method): Session | null {
    if (borrowed.session !== null || backend === null) return borrowed.session;
    const { pool, lease } = borrowed;
    const { pid } = backend;
    const known = this.#known.get(backend);
    const session = known?.pid === pid ? known : { backend, pid, pool };
    this.#known.set(backend, session);
    borrowed.session = session;
    this.#sessions.lent(session, lease);
    for (const text of borrowed.begun) this.tells(borrowed, text, wrapper);
    return session;
  }
}

/** It is told what the server says before whoever awaits the query. */
function tells(query: Query, answered: Answered): void {
  const { resolve, reject } = query;
  query.resolve = (result: unknown): unknown => {
    guarded(PART, () => answered.succeeds(rowsIn(result)));
    return resolve(result);
  };
  query.reject = (error: unknown): unknown => {
    guarded(PART, () => answered.fails());
    return reject(error);
  };
}
