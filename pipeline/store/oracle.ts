/** Oracle behind the store's interface, on the driver's own pool: thin, so that the stack of a loan shows who took it. */
import oracledb from 'oracledb';
import { oracleAddress } from './oracle-address.ts';
import { logOn } from './oracle-logon.ts';
import type { Connection, ConnectionPool, OwnSession, PoolOptions, Session, Statement } from './store.ts';
import { ANSWER_LIMIT_MS, textsOf } from './store.ts';

/** ORA-00955: there is something of that name already. */
const NAME_IS_USED = 955;

export class OraclePool implements ConnectionPool {
  readonly name: string;
  readonly #pool: oracledb.Pool;
  readonly #answerTimeout: number;
  /** Given back, but still being rolled back. */
  readonly #returning = new Set<Promise<void>>();

  private constructor(name: string, pool: oracledb.Pool, answerTimeout: number) {
    this.name = name;
    this.#pool = pool;
    this.#answerTimeout = answerTimeout;
  }

  /** Connects at the first `acquire()` only. */
  static async open({
    url,
    name,
    max,
    acquireTimeout = 10_000,
    answerTimeout = ANSWER_LIMIT_MS,
  }: PoolOptions): Promise<OraclePool> {
    const settings = {
      ...oracleAddress(url),
      program: name,
      poolMin: 0,
      poolMax: max,
      poolIncrement: 1,
      queueTimeout: acquireTimeout,
      connectTimeout: Math.ceil(acquireTimeout / 1000),
    };
    // the alias is what tools call the pool; it is the process's, so that a second pool of one name goes without
    const pool = await oracledb.createPool({ ...settings, poolAlias: name }).catch((error: oracledb.DBError) => {
      if (error.code !== 'NJS-046') throw error;
      return oracledb.createPool(settings);
    });
    return new OraclePool(name, pool, answerTimeout);
  }

  async acquire(): Promise<Connection> {
    const connection = await this.#pool.getConnection();
    connection.callTimeout = this.#answerTimeout;
    return new OracleConnection(connection, this.#returning);
  }

  async close(): Promise<void> {
    await Promise.all(this.#returning);
    await this.#pool.close();
  }
}

class OracleSession implements Session {
  readonly dialect = 'oracle';
  protected readonly connection: oracledb.Connection;
  #inTransaction = false;

  constructor(connection: oracledb.Connection) {
    this.connection = connection;
  }

  async query<Row = Record<string, unknown>>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return ((await this.#run(statement, values)).rows ?? []) as Row[];
  }

  async execute(statement: Statement, values: readonly unknown[] = []): Promise<number> {
    return (await this.#run(statement, values)).rowsAffected ?? 0;
  }

  async executeMany(statement: Statement, rows: readonly (readonly unknown[])[]): Promise<number> {
    if (rows.length === 0) return 0;
    let affected = 0;
    for (const text of textsOf(statement, 'oracle')) {
      affected = (await this.#runMany(text, rows)).rowsAffected ?? 0;
    }
    return affected;
  }

  async insertEach(statement: Statement, rows: readonly (readonly unknown[])[]): Promise<boolean[]> {
    if (rows.length === 0) return [];
    const [text = ''] = textsOf(statement, 'oracle');
    // a cached statement is run again without being asked for its counts (oracledb 26.0)
    const options = { dmlRowCounts: true, keepInStmtCache: false };
    const { dmlRowCounts = [] } = await this.#runMany(text, rows, options);
    return dmlRowCounts.map((inserted) => inserted > 0);
  }

  /** A definition commits at once, and of two that make the same table the second is told so. */
  async createTables(tables: readonly Statement[]): Promise<void> {
    for (const text of tables.flatMap((statement) => textsOf(statement, 'oracle'))) {
      await this.execute(text).catch((error: oracledb.DBError) => {
        if (error.errorNum !== NAME_IS_USED) throw error;
      });
    }
  }

  /** Oracle begins by itself; from here on nothing is committed by itself. */
  async begin(): Promise<void> {
    this.#inTransaction = true;
  }

  async commit(): Promise<void> {
    await this.connection.commit();
    this.#inTransaction = false;
  }

  async rollback(): Promise<void> {
    await this.connection.rollback();
    this.#inTransaction = false;
  }

  #runMany(text: string, rows: readonly (readonly unknown[])[], options: oracledb.ExecuteManyOptions = {}) {
    const { sql, order } = withBinds(text);
    const binds = rows.map((row) => order.map((index) => row[index]));
    return this.connection.executeMany(sql, binds as oracledb.BindParameters[], {
      ...options,
      autoCommit: !this.#inTransaction,
    });
  }

  async #run(statement: Statement, values: readonly unknown[]): Promise<oracledb.Result<unknown>> {
    let result: oracledb.Result<unknown> = {};
    for (const text of textsOf(statement, 'oracle')) {
      const { sql, order } = withBinds(text);
      result = await this.connection.execute(sql, order.map((index) => values[index]) as oracledb.BindParameters, {
        autoCommit: !this.#inTransaction,
        outFormat: oracledb.OUT_FORMAT_OBJECT,
        fetchTypeHandler,
      });
    }
    return result;
  }
}

class OracleConnection extends OracleSession implements Connection {
  readonly #returning: Set<Promise<void>>;

  constructor(connection: oracledb.Connection, returning: Set<Promise<void>>) {
    super(connection);
    this.#returning = returning;
  }

  release(error?: Error): void {
    if (error) disconnect(this.connection);
    // a session that cannot even be closed is no longer in the pool
    const returned = this.connection
      .close({ drop: error !== undefined })
      .catch(() => {})
      .finally(() => this.#returning.delete(returned));
    this.#returning.add(returned);
  }
}

/** In thin mode `drop` has no effect (oracledb 26.0): only what has lost its socket is not lent again. */
function disconnect(connection: oracledb.Connection): void {
  const { _impl } = connection as unknown as { _impl?: { nscon?: { disconnect?(): void } } };
  _impl?.nscon?.disconnect?.();
}

class OwnOracleSession extends OracleSession implements OwnSession {
  get lost(): Error | null {
    return this.connection.isHealthy() ? null : new Error('the session has been closed by the server');
  }

  end(): Promise<void> {
    return this.connection.close();
  }
}

/** Throws what the driver throws. */
export async function openOracleSession(
  url: string,
  connectTimeout: number,
  answerTimeout: number,
): Promise<OwnSession> {
  const connection = await logOn(oracleAddress(url), 'outlive-pipeline', connectTimeout);
  connection.callTimeout = answerTimeout;
  return new OwnOracleSession(connection);
}

/** Names as they are written in statements, and long texts whole instead of as handles that need a trip each. */
function fetchTypeHandler(column: oracledb.Metadata<unknown>): oracledb.FetchTypeResponse | undefined {
  if (column.name === column.name.toUpperCase()) column.name = column.name.toLowerCase();
  return column.dbType === oracledb.DB_TYPE_CLOB ? { type: oracledb.STRING } : undefined;
}

interface Binds {
  sql: string;
  /** For each bind variable, which of the values it takes. */
  order: readonly number[];
}

/** There are a few dozen statements, all known beforehand. */
const known = new Map<string, Binds>();

/** Oracle binds by position, once for each time that a variable is used. */
function withBinds(text: string): Binds {
  const before = known.get(text);
  if (before) return before;
  const order: number[] = [];
  const sql = text.replace(/\$(\d+)/g, (_, number: string) => `:${order.push(Number(number) - 1)}`);
  const binds = { sql, order };
  known.set(text, binds);
  return binds;
}
