/** Which database to use: the one that is named, or a private one. */
import pg from 'pg';
import { type PostgresOptions, startPostgres } from './embedded.ts';
import { failureOf } from './failure.ts';
import { namesOracle, ORACLE_FORM, oracleAddress } from './oracle-address.ts';
import { openPostgresSession, PostgresPool } from './postgres.ts';
import {
  ANSWER_LIMIT_MS,
  type ConnectionPool,
  DatabaseUnavailable,
  type OwnSession,
  type PoolOptions,
} from './store.ts';

const CONNECT_LIMIT_MS = 10_000;

export interface Database {
  url: string;
  /** Removes a private database; leaves a named one alone. */
  stop(): Promise<void>;
}

/**
 * The database at `url` (default: DATABASE_URL), PostgreSQL or Oracle, known to answer; without one a private
 * PostgreSQL, see `startPostgres`. Throws `DatabaseUnavailable`.
 */
export async function openDatabase(options: PostgresOptions & { url?: string | undefined } = {}): Promise<Database> {
  const url = options.url ?? process.env.DATABASE_URL;
  if (!url) return startPostgres(options);
  if (!namesOracle(url)) mustBePostgres(url);
  const session = await openSession(url, CONNECT_LIMIT_MS).catch((error) => {
    if (error instanceof DatabaseUnavailable) throw error;
    throw new DatabaseUnavailable(`${placeOf(url)} cannot be used: ${failureOf(error)}.`, { cause: error });
  });
  await session.end();
  return { url, stop: async () => {} };
}

export async function openPool(options: PoolOptions): Promise<ConnectionPool> {
  if (!namesOracle(options.url)) return new PostgresPool(options);
  return (await oracle()).OraclePool.open(options);
}

/** A session of one's own. Throws what the driver throws, or `DatabaseUnavailable`. */
export async function openSession(
  url: string,
  connectTimeout: number,
  answerTimeout = ANSWER_LIMIT_MS,
): Promise<OwnSession> {
  if (!namesOracle(url)) return openPostgresSession(url, connectTimeout, answerTimeout);
  return (await oracle()).openOracleSession(url, connectTimeout, answerTimeout);
}

/** Only who uses Oracle needs its driver. */
function oracle() {
  return import('./oracle.ts').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new DatabaseUnavailable('Oracle needs its driver: npm install oracledb.', { cause: error });
  });
}

function mustBePostgres(url: string): void {
  try {
    if (/^postgres(ql)?:\/\//.test(url)) return void new pg.Client({ connectionString: url });
  } catch {}
  throw new DatabaseUnavailable(
    `The database URL is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE or ${ORACLE_FORM}.`,
  );
}

function placeOf(url: string): string {
  if (namesOracle(url)) return `Oracle at ${oracleAddress(url).connectString}`;
  const { host, port } = new pg.Client({ connectionString: url });
  return `PostgreSQL at ${host}:${port}`;
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
