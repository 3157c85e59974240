/** The database as the jobs see it: sessions, connections on loan from a pool, and statements for either database. */
import { UserError } from '../../user-error.ts';

export const DIALECTS = ['postgres', 'oracle'] as const;
export type Dialect = (typeof DIALECTS)[number];

/**
 * One text where the databases agree, else one for each. Values are `$1`, `$2`, … in all of them. Several texts are
 * run in turn with the same values.
 *
 * To agree, a name that is a reserved word somewhere is quoted, in lower case. Oracle takes an empty text for NULL.
 */
export type Statement = string | Readonly<Record<Dialect, string | readonly string[]>>;

export function textsOf(statement: Statement, dialect: Dialect): readonly string[] {
  const text = typeof statement === 'string' ? statement : statement[dialect];
  return typeof text === 'string' ? [text] : text;
}

/**
 * Outside of `begin` and `commit` each call is a transaction of its own. Calls need not wait for those before: they are
 * done in their order.
 */
export interface Session {
  readonly dialect: Dialect;
  /** Rows by the columns' names, unquoted ones in lower case. */
  query<Row = Record<string, unknown>>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
  /** How many rows it changed. */
  execute(statement: Statement, values?: readonly unknown[]): Promise<number>;
  /**
   * As if executed for each of the rows in turn, in one round trip. PostgreSQL's text gets each value as the array of
   * a whole column (`$1::text[]`), Oracle's those of one row.
   */
  executeMany(statement: Statement, rows: readonly (readonly unknown[])[]): Promise<number>;
  /** As `executeMany`, of a statement that inserts a row or nothing: for each row whether it was inserted. */
  insertEach(statement: Statement, rows: readonly (readonly unknown[])[]): Promise<boolean[]>;
  /** Makes what is missing; several processes may do so at once. */
  createTables(tables: readonly Statement[]): Promise<void>;
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** A borrowed session. Give it back with `release()`, always, whatever happened. */
export interface Connection extends Session {
  /** Back to the pool; with an error the session is closed instead of reused. */
  release(error?: Error): void;
}

/** Milliseconds that a statement waits for its answer, unless another time is given. */
export const ANSWER_LIMIT_MS = 60_000;

export interface PoolOptions {
  url: string;
  /** Also what the server knows its sessions by: PostgreSQL's application_name, Oracle's PROGRAM. */
  name: string;
  max: number;
  /** How long `acquire()` waits for a free or new session, milliseconds; then it throws. Default 10 s. */
  acquireTimeout?: number;
  /** How long a statement waits for its answer, milliseconds; then it throws, and its session is closed. Default 60 s. */
  answerTimeout?: number;
}

export interface ConnectionPool {
  readonly name: string;
  acquire(): Promise<Connection>;
  /** With connections on loan PostgreSQL's waits for them; Oracle's stays open and throws NJS-104. */
  close(): Promise<void>;
}

/** A session that belongs to no pool of ours. */
export interface OwnSession extends Session {
  /** Why it cannot be used any more, as far as that is known without asking the server. */
  readonly lost: Error | null;
  end(): Promise<void>;
}

/** There is no database to work with; the message says why, without the password. */
export class DatabaseUnavailable extends UserError {
  override name = 'DatabaseUnavailable';
}
