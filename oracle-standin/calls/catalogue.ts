/** What PostgreSQL's catalogue knows of columns beyond a result's description; kept until something is defined anew. */
import type { Field, StepResult } from '../backend/call.ts';
import type { Gateway } from '../backend/gateway.ts';
import { SCHEMA } from '../sql/library.ts';
import type { CatalogueColumn } from './columns.ts';

type Table = ReadonlyMap<number, CatalogueColumn>;

export class Catalogue {
  #tables = new Map<number, Table>();

  forget(): void {
    this.#tables = new Map();
  }

  /** By table and number of the column. */
  async columns(fields: readonly Field[], gateway: Gateway): Promise<ReadonlyMap<number, Table>> {
    const wanted = new Set(fields.map((field) => field.tableID).filter((table) => table !== 0));
    const tables = this.#tables;
    const missing = [...wanted].filter((table) => !tables.has(table));
    if (missing.length > 0) {
      const text = `select attrelid, attnum, attnotnull, case when typnamespace = to_regnamespace('${SCHEMA}') then typname end
        from pg_attribute join pg_type on pg_type.oid = atttypid where attnum > 0 and attrelid in (${missing.join(', ')})`;
      const [result] = (await gateway.guarded([{ kind: 'plain', text }])) as [StepResult];
      for (const table of missing) {
        const rows = result.rows.filter(([owner]) => Number(owner) === table);
        const columns = rows.map(([, number, notNull, domain]): [number, CatalogueColumn] => [
          Number(number),
          { notNull: notNull === 't', domain: domain ?? null },
        ]);
        tables.set(table, new Map(columns));
      }
    }
    return tables;
  }
}
