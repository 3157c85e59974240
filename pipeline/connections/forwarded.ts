/** A session on loan: all that it can do, and a release of one's own. */
import type { Connection, Session, Statement } from '../store/store.ts';

export class ForwardedConnection implements Connection {
  readonly #session: Session;
  readonly #giveBack: (error?: Error) => void;

  constructor(session: Session, giveBack: (error?: Error) => void) {
    this.#session = session;
    this.#giveBack = giveBack;
  }

  get dialect(): Session['dialect'] {
    return this.#session.dialect;
  }

  query<Row = Record<string, unknown>>(statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
    return this.#session.query<Row>(statement, values);
  }

  execute(statement: Statement, values?: readonly unknown[]): Promise<number> {
    return this.#session.execute(statement, values);
  }

  executeMany(statement: Statement, rows: readonly (readonly unknown[])[]): Promise<number> {
    return this.#session.executeMany(statement, rows);
  }

  insertEach(statement: Statement, rows: readonly (readonly unknown[])[]): Promise<boolean[]> {
    return this.#session.insertEach(statement, rows);
  }

  createTables(tables: readonly Statement[]): Promise<void> {
    return this.#session.createTables(tables);
  }

  begin(): Promise<void> {
    return this.#session.begin();
  }

  commit(): Promise<void> {
    return this.#session.commit();
  }

  rollback(): Promise<void> {
    return this.#session.rollback();
  }

  release(error?: Error): void {
    this.#giveBack(error);
  }
}
