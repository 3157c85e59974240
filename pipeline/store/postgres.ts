/** PostgreSQL behind the store's interface: thin, so that the stack of a loan shows who took it. */
import pg from 'pg';
import type { Connection, ConnectionPool } from './store.ts';

export interface PostgresPoolOptions {
  url: string;
  /** Also the sessions' application_name. */
  name: string;
  max: number;
  /** How long `acquire()` waits for a free or new session, milliseconds; then it throws. Default 10 s. */
  acquireTimeout?: number;
}

export class PostgresPool implements ConnectionPool {
  readonly name: string;
  readonly #pool: pg.Pool;

  constructor({ url, name, max, acquireTimeout = 10_000 }: PostgresPoolOptions) {
    this.name = name;
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: name,
      max,
      connectionTimeoutMillis: acquireTimeout,
    });
    // A session lost by a restart of the database fails its next query; unheard, its event would end the process.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  async acquire(): Promise<Connection> {
    return new PostgresConnection(await this.#pool.connect());
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

class PostgresConnection implements Connection {
  readonly #client: pg.PoolClient;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  async query<Row = Record<string, unknown>>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const result = await this.#client.query(sql, [...values]);
    return result.rows as Row[];
  }

  async begin(): Promise<void> {
    await this.#client.query('begin');
  }

  async commit(): Promise<void> {
    await this.#client.query('commit');
  }

  async rollback(): Promise<void> {
    await this.#client.query('rollback');
  }

  release(error?: Error): void {
    this.#client.release(error);
  }
}
