/**
 * Databases of the pipeline's store for tests: PostgreSQL, and Oracle as its stand-in on a PostgreSQL. Without
 * OUTLIVE_TEST_DATABASE the tests of the store itself run on both and the longer ones of the pipeline on PostgreSQL;
 * with `postgres` or `oracle` all run on that one.
 */
import { openPool } from '../../pipeline/store/database.ts';
import { type Connection, DIALECTS, type Dialect } from '../../pipeline/store/store.ts';
import { freshDatabase } from './database.ts';

const asked = (process.env.OUTLIVE_TEST_DATABASE || undefined) as Dialect | undefined;
if (asked !== undefined && !DIALECTS.includes(asked)) {
  throw new Error(`OUTLIVE_TEST_DATABASE must be one of ${DIALECTS.join(', ')}, not "${asked}".`);
}

/** What tests of the store run on. */
export const STORES: readonly Dialect[] = asked ? [asked] : DIALECTS;
/** What all other tests of the pipeline run on. */
export const STORE: Dialect = asked ?? 'postgres';

export interface FreshStore {
  dialect: Dialect;
  url: string;
  /** Ends sessions, as an administrator would: those of a pool's name, or all. */
  endSessions(name?: string): Promise<void>;
  /** How many sessions wait for a lock. */
  lockWaits(): Promise<number>;
  drop(): Promise<void>;
}

export async function freshStore(dialect: Dialect = STORE): Promise<FreshStore> {
  const database = await freshDatabase();
  if (dialect === 'postgres') return { ...database, dialect, ...postgresPowers(database.url) };
  const { startOracleStandIn } = await import('../../oracle-standin/index.ts');
  const standIn = await startOracleStandIn({ database: database.url, verifierRounds: 1 });
  const { user, password, port, connectString } = standIn;
  const url = `oracle://${user}:${password}@127.0.0.1:${port}/${connectString.split('/')[1]}`;
  return {
    ...{ dialect, url, ...oraclePowers(url) },
    drop: async () => {
      await standIn.stop();
      await database.drop();
    },
  };
}

type Powers = Pick<FreshStore, 'endSessions' | 'lockWaits'>;

function postgresPowers(url: string): Powers {
  return {
    endSessions: (name) =>
      once(url, async (connection) => {
        await connection.query(
          `select pg_terminate_backend(pid, 5000) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and application_name = coalesce($1, application_name)`,
          [name ?? null],
        );
      }),
    lockWaits: () =>
      once(url, async (connection) => {
        const waiting = `wait_event_type = 'Lock' and datname = current_database()`;
        return (await connection.query(`select 1 from pg_stat_activity where ${waiting}`)).length;
      }),
  };
}

function oraclePowers(url: string): Powers {
  return {
    endSessions: (name) =>
      once(url, async (connection) => {
        const found = await connection.query<{ sid: number; serial: number }>(
          `select sid, serial# as serial from v$session where type = 'USER' and program = nvl($1, program)
             and sid <> to_number(sys_context('USERENV', 'SID'))`,
          [name ?? null],
        );
        for (const { sid, serial } of found) {
          await connection.execute(`alter system disconnect session '${sid},${serial}' immediate`);
        }
      }),
    lockWaits: () =>
      once(
        url,
        async (connection) => (await connection.query(`select sid from v$session where event like 'enq:%'`)).length,
      ),
  };
}

async function once<T>(url: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const pool = await openPool({ url, name: 'administrator', max: 1 });
  const connection = await pool.acquire();
  try {
    return await work(connection);
  } finally {
    connection.release();
    await pool.close();
  }
}
