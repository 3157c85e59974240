/** Ends the sessions of a client that is lost: the locks that it holds would hold up those that do its work instead. */
import type { Connection, ConnectionPool, Dialect } from './store.ts';

const TERMINATE = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and usename = current_user and starts_with(application_name, $1)`;

const FIND = `select sid, serial# as serial from v$session
  where type = 'USER' and username = sys_context('USERENV', 'SESSION_USER') and substr(program, 1, length($1)) = $1`;
/** No such view, or no right to end sessions. */
const NOT_ALLOWED = [942, 1031];
/** It has ended, or is about to. */
const IS_GONE = [30, 31];

const END: Record<Dialect, (connection: Connection, prefix: string) => Promise<unknown>> = {
  postgres: (connection, prefix) => connection.query(TERMINATE, [prefix]),
  async oracle(connection, prefix) {
    for (const { sid, serial } of await connection.query<{ sid: number; serial: number }>(FIND, [prefix])) {
      await connection
        .execute(`alter system kill session '${sid},${serial}' immediate`)
        .catch((error: { errorNum?: number }) => {
          if (!IS_GONE.includes(error.errorNum ?? 0)) throw error;
        });
    }
  },
};

/** Those whose names begin with `prefix`. Throws where the user may not, in Oracle by default. */
export async function endSessions(pool: ConnectionPool, prefix: string): Promise<void> {
  const connection = await pool.acquire();
  try {
    await END[connection.dialect](connection, prefix);
  } catch (error) {
    if (!NOT_ALLOWED.includes((error as { errorNum?: number }).errorNum ?? 0)) throw error;
    throw new Error("Oracle's user must be granted SELECT on V_$SESSION and ALTER SYSTEM for that", { cause: error });
  } finally {
    connection.release();
  }
}
