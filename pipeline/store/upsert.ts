/** Statements for `executeMany` that write rows whose key may be there already, also when two write the same at once. */
import type { Dialect, Statement } from './store.ts';

/** Column names with PostgreSQL's types. */
export type Columns = Readonly<Record<string, string>>;

/** A table whose name is not the same in both databases. */
export type TableName = string | Readonly<Record<Dialect, string>>;

/** Inserts what is not there yet; waits for a transaction that is about to insert the same. Fit for `insertEach`. */
export function insertNew(table: TableName, key: Columns, others: Columns): Statement {
  return {
    postgres: `${insertInto(table, { ...key, ...others })} on conflict do nothing returning ${Object.keys(key).join(', ')}`,
    oracle: insertUnlessThere(table, Object.keys(key), Object.keys(others)),
  };
}

/** Inserts, or gives the other columns of what is there their new values. */
export function upsert(table: TableName, key: Columns, others: Columns): Statement {
  const keys = Object.keys(key);
  const names = Object.keys(others);
  const update = names.map((name) => `${name} = excluded.${name}`).join(', ');
  const set = names.map((name, index) => `${name} = $${keys.length + index + 1}`).join(', ');
  return {
    postgres: `${insertInto(table, { ...key, ...others })} on conflict (${keys.join(', ')}) do update set ${update}`,
    // MERGE would be one statement, but fails with ORA-00001 when two insert the same row at once.
    oracle: [
      insertUnlessThere(table, keys, names),
      `update ${nameOf(table, 'oracle')} set ${set} where ${keys.map((name, i) => `${name} = $${i + 1}`).join(' and ')}`,
    ],
  };
}

/** Oracle's `on conflict do nothing`, for a row of `$1`, `$2`, …. */
export function insertUnlessThere(table: TableName, key: readonly string[], others: readonly string[]): string {
  const columns = [...key, ...others];
  const name = nameOf(table, 'oracle');
  return `insert /*+ ignore_row_on_dupkey_index(${name} (${key.join(', ')})) */ into ${name} (${columns.join(', ')})
    values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`;
}

function insertInto(table: TableName, columns: Columns): string {
  const arrays = Object.values(columns).map((type, index) => `$${index + 1}::${type}[]`);
  return `insert into ${nameOf(table, 'postgres')} (${Object.keys(columns).join(', ')})
    select * from unnest(${arrays.join(', ')})`;
}

export function nameOf(table: TableName, dialect: Dialect): string {
  return typeof table === 'string' ? table : table[dialect];
}
