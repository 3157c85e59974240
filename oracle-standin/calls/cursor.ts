/** A cursor: a statement with what is known of it, and the rows of its last execution that are not yet fetched. */
import type { StepResult } from '../backend/call.ts';
import type { Gateway } from '../backend/gateway.ts';
import type { Planned } from '../sql/plan.ts';
import type { BindType } from './binds.ts';
import type { Column } from './columns.ts';

/** A statement prepared in PostgreSQL. */
export interface Prepared {
  name: string;
  text: string;
  types: readonly number[];
  parameterTypes: readonly number[];
  columns: Column[];
}

/** Rows asked of PostgreSQL at once. */
export const ROWS_AT_ONCE = 500;

/** The rows of a query: some here, the others behind a cursor of PostgreSQL's. */
export class Rows {
  #rows: (string | null)[][];
  #at = 0;
  /** Name of PostgreSQL's cursor; null: all are here. */
  readonly #behind: string | null;
  #complete: boolean;
  fetched = 0;

  constructor(rows: (string | null)[][], behind: string | null) {
    this.#rows = rows;
    this.#behind = behind;
    this.#complete = behind === null;
  }

  get done(): boolean {
    return this.#complete && this.#at >= this.#rows.length;
  }

  async next(count: number, gateway: Gateway): Promise<(string | null)[][]> {
    let rows = this.#rows.slice(this.#at, this.#at + count);
    this.#at += rows.length;
    while (rows.length < count && !this.#complete) {
      const text = `fetch forward ${Math.max(ROWS_AT_ONCE, count - rows.length)} from ${this.#behind}`;
      const [result] = (await gateway.guarded([{ kind: 'plain', text }])) as [StepResult];
      this.#rows = result.rows;
      this.#complete = result.rows.length < ROWS_AT_ONCE;
      this.#at = Math.min(count - rows.length, this.#rows.length);
      rows = rows.concat(this.#rows.slice(0, this.#at));
    }
    this.fetched += rows.length;
    return rows;
  }

  /** Never throws: after a rollback there is nothing to close. */
  async close(gateway: Gateway): Promise<void> {
    if (this.#behind) await gateway.guarded([{ kind: 'plain', text: `close ${this.#behind}` }]).catch(() => {});
  }
}

export class Cursor {
  readonly id: number;
  readonly sql: string;
  readonly planned: Planned;
  /** As last described by the client. */
  binds: BindType[] = [];
  /** Of the binds of a block. */
  directions: number[] = [];
  /** Per text, since a block has several statements. */
  readonly prepared = new Map<string, Prepared>();
  columns: Column[] = [];
  /** Those that the client knows of. */
  described: Column[] = [];
  /** What the client wants LOB columns as; null: it has not said yet. */
  defines: BindType[] | null = null;
  rows: Rows | null = null;

  constructor(id: number, sql: string, planned: Planned) {
    this.id = id;
    this.sql = sql;
    this.planned = planned;
  }
}
