/**
 * One job manager at a time works on a database: it holds a lock there as long as it lives, which the database gives up
 * with its session, whatever ended that. A second one would begin all jobs that the first has under way.
 *
 * Errs where the database still keeps the session of a machine that is gone: then it has to be ended by hand.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../user-error.ts';
import { openSession } from '../store/database.ts';
import type { Dialect, OwnSession, Statement } from '../store/store.ts';

const CONNECT_LIMIT_MS = 10_000;
/** The session of one that was killed may take so long to end. */
const WAIT_MS = 5000;
const RETRY_MS = 200;
const LOOK_MS = 1000;

/** The tables of one schema are one cluster's. */
const TRY_LOCK = `select pg_try_advisory_lock(hashtext('outlive job manager'), hashtext(current_schema())) as locked`;

const LEADER: Statement = { postgres: [], oracle: 'create table cluster_leader (id number(1) primary key)' };
const IS_THERE = 1;
const IS_LOCKED = 54;

/** Whether the session has the lock now. */
const LOCK: Record<Dialect, (session: OwnSession) => Promise<boolean>> = {
  async postgres(session) {
    const [row] = await session.query<{ locked: boolean }>(TRY_LOCK);
    return row?.locked === true;
  },
  // Oracle's own locks need a grant; a row that stays locked does not
  async oracle(session) {
    await session.createTables([LEADER]);
    await session.execute('insert into cluster_leader (id) values (1)').catch(unless(IS_THERE));
    await session.begin();
    const rows = await session.query('select id from cluster_leader for update nowait').catch(unless(IS_LOCKED));
    return rows !== null;
  },
};

function unless(number: number): (error: { errorNum?: number }) => null {
  return (error) => {
    if (error.errorNum === number) return null;
    throw error;
  };
}

export class Leadership {
  readonly #url: string;
  #session: OwnSession;
  readonly #ended = new AbortController();
  /** Resolves when another one has it: after the session was lost, which is otherwise made up for. */
  readonly lost: Promise<void>;
  isLost = false;

  private constructor(url: string, session: OwnSession) {
    this.#url = url;
    this.#session = session;
    this.lost = this.#keep();
  }

  /** Throws `UserError` when another job manager works on the database. */
  static async take(url: string, waitMs = WAIT_MS): Promise<Leadership> {
    for (const began = performance.now(); performance.now() - began < waitMs; await delay(RETRY_MS)) {
      const session = await locked(url);
      if (session) return new Leadership(url, session);
    }
    throw new UserError('Another job manager works on this database: stop it first, or name another database.');
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#session.end().catch(() => {});
  }

  async #keep(): Promise<void> {
    const { signal } = this.#ended;
    for (;;) {
      await delay(LOOK_MS, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return new Promise(() => {});
      if (this.#session.lost === null) continue;
      // undefined: the database is away, and nobody works on it
      const session = await locked(this.#url).catch(() => undefined);
      if (session === null) {
        this.isLost = true;
        return;
      }
      if (session) this.#session = session;
      if (signal.aborted) await session?.end();
    }
  }
}

/** Null: another one has the lock. */
async function locked(url: string): Promise<OwnSession | null> {
  const session = await openSession(url, CONNECT_LIMIT_MS);
  const isOurs = await LOCK[session.dialect](session).catch(async (error) => {
    await session.end().catch(() => {});
    throw error;
  });
  if (isOurs) return session;
  await session.end();
  return null;
}
