/** Which database to use: the one that is named, or a private one. */
import pg from 'pg';
import { type PostgresOptions, startPostgres } from './embedded.ts';
import { DatabaseUnavailable } from './store.ts';

const CONNECT_LIMIT_MS = 10_000;

export interface Database {
  url: string;
  /** Removes a private database; leaves a named one alone. */
  stop(): Promise<void>;
}

/**
 * The database at `url` (default: DATABASE_URL), known to answer; without one a private PostgreSQL, see
 * `startPostgres`. Throws `DatabaseUnavailable`.
 */
export async function openDatabase(options: PostgresOptions & { url?: string | undefined } = {}): Promise<Database> {
  const url = options.url ?? process.env.DATABASE_URL;
  if (!url) return startPostgres(options);
  await mustAnswer(url);
  return { url, stop: async () => {} };
}

async function mustAnswer(url: string): Promise<void> {
  const client = clientFor(url);
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
  } catch (error) {
    throw new DatabaseUnavailable(`PostgreSQL at ${client.host}:${client.port} cannot be used: ${reason(error)}.`, {
      cause: error,
    });
  } finally {
    await client.end().catch(() => {});
  }
}

function clientFor(url: string): pg.Client {
  try {
    if (!/^postgres(ql)?:\/\//.test(url)) throw new Error('another scheme');
    return new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      query_timeout: CONNECT_LIMIT_MS,
    });
  } catch {
    throw new DatabaseUnavailable('The database URL is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE.');
  }
}

function reason(error: unknown): string {
  // A name with several addresses gives one error for each of them and no message for all.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return (first as Error).message;
}

/** A new, empty database on the server of `url`; one of the same name that a killed run left is replaced. */
export async function createDatabase(url: string, name: string): Promise<{ url: string; drop(): Promise<void> }> {
  const drop = () => execute(url, `drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
  await drop();
  await execute(url, `create database ${pg.escapeIdentifier(name)}`);
  const own = new URL(url);
  own.pathname = name;
  return { url: own.href, drop };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
