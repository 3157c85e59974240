/** The database as the jobs see it: connections on loan from a pool, and the few tables the jobs share. */
import { UserError } from '../user-error.ts';

/** A borrowed session. Give it back with `release()`, always, whatever happened. */
export interface Connection {
  query<Row = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Back to the pool; with an error the session is closed instead of reused. */
  release(error?: Error): void;
}

export interface ConnectionPool {
  readonly name: string;
  acquire(): Promise<Connection>;
  /** Waits for loans to end. */
  close(): Promise<void>;
}

/** There is no database to work with; the message says why, without the password. */
export class DatabaseUnavailable extends UserError {
  override name = 'DatabaseUnavailable';
}
