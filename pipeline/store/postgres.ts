/** PostgreSQL behind the store's interface: thin, so that the stack of a loan shows who took it. */
import pg from 'pg';
import { isUnanswered } from './failure.ts';
import {
  ANSWER_LIMIT_MS,
  type Connection,
  type ConnectionPool,
  type OwnSession,
  type PoolOptions,
  type Session,
  type Statement,
  textsOf,
} from './store.ts';

/** Of all uses of advisory locks in the database, ours. */
const SCHEMA_LOCK = 0x6f75746c; // "outl"

export class PostgresPool implements ConnectionPool {
  readonly name: string;
  readonly #pool: pg.Pool;

  constructor({ url, name, max, acquireTimeout = 10_000, answerTimeout = ANSWER_LIMIT_MS }: PoolOptions) {
    this.name = name;
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: name,
      max,
      connectionTimeoutMillis: acquireTimeout,
      query_timeout: answerTimeout,
      pipeline: true,
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

/** What any client of pg can do. */
export class PostgresSession<Client extends pg.ClientBase = pg.ClientBase> implements Session {
  readonly dialect = 'postgres';
  protected readonly client: Client;
  /** Its statement got no answer: what is sent next would wait behind it. */
  protected unanswered: Error | undefined;

  constructor(client: Client) {
    this.client = client;
  }

  async query<Row = Record<string, unknown>>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.#run(statement, values)).rows as Row[];
  }

  async execute(statement: Statement, values: readonly unknown[] = []): Promise<number> {
    return (await this.#run(statement, values)).rowCount ?? 0;
  }

  async executeMany(statement: Statement, rows: readonly (readonly unknown[])[]): Promise<number> {
    return rows.length === 0 ? 0 : this.execute(statement, columnsOf(rows));
  }

  /** The statement returns the key of what it inserts, which is the first columns of a row. */
  async insertEach(statement: Statement, rows: readonly (readonly unknown[])[]): Promise<boolean[]> {
    if (rows.length === 0) return [];
    const keys = (await this.query(statement, columnsOf(rows))).map((row) => Object.values(row));
    const inserted = new Set(keys.map((key) => key.join('\n')));
    const [{ length } = []] = keys;
    return rows.map((row) => inserted.has(row.slice(0, length).join('\n')));
  }

  /** Under a lock: `if not exists` alone fails when two run it at once. */
  async createTables(tables: readonly Statement[]): Promise<void> {
    await this.begin();
    try {
      await this.query('select pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
      for (const table of tables.flatMap((statement) => textsOf(statement, 'postgres'))) {
        await this.query(table.replace(/^create (table|schema) /, 'create $1 if not exists '));
      }
      await this.commit();
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  async begin(): Promise<void> {
    await this.#ask('begin');
  }

  async commit(): Promise<void> {
    await this.#ask('commit');
  }

  async rollback(): Promise<void> {
    await this.#ask('rollback');
  }

  async #run(statement: Statement, values: readonly unknown[]): Promise<pg.QueryResult> {
    const [first = '', ...others] = textsOf(statement, 'postgres');
    let result = await this.#ask(first, [...values]);
    for (const text of others) result = await this.#ask(text, [...values]);
    return result;
  }

  async #ask(text: string, values?: unknown[]): Promise<pg.QueryResult> {
    if (this.unanswered) throw this.unanswered;
    return this.client.query(text, values).catch((error: Error) => {
      if (isUnanswered(error)) this.unanswered = error;
      throw error;
    });
  }
}

function columnsOf(rows: readonly (readonly unknown[])[]): unknown[][] {
  return rows[0]!.map((_, column) => rows.map((row) => row[column]));
}

export class PostgresConnection extends PostgresSession<pg.PoolClient> implements Connection {
  release(error?: Error): void {
    this.client.release(error ?? this.unanswered);
  }
}

class OwnPostgresSession extends PostgresSession<pg.Client> implements OwnSession {
  lost: Error | null = null;

  constructor(client: pg.Client) {
    super(client);
    // unheard, the loss of an idle session would end the process
    client.on('error', (error) => {
      this.lost = error;
    });
  }

  end(): Promise<void> {
    return this.client.end();
  }
}

/** Throws what pg throws. */
export async function openPostgresSession(
  url: string,
  connectTimeout: number,
  answerTimeout: number,
): Promise<OwnSession> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeout,
    query_timeout: answerTimeout,
    pipeline: true,
  });
  const session = new OwnPostgresSession(client);
  try {
    await client.connect();
    return session;
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}
