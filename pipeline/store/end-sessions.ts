/** Ends the sessions of a client that is lost: the locks that it holds would hold up those that do its work instead. */
import type { ConnectionPool } from './store.ts';

const TERMINATE = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and usename = current_user and starts_with(application_name, $1)`;

/** Of PostgreSQL, those whose names begin with `prefix`; Oracle ends sessions for its administrators alone. */
export async function endSessions(pool: ConnectionPool, prefix: string): Promise<void> {
  const connection = await pool.acquire();
  try {
    if (connection.dialect === 'postgres') await connection.query(TERMINATE, [prefix]);
  } finally {
    connection.release();
  }
}
