/** Rows by many keys at once. */
import type { Session } from './store.ts';
import type { Columns } from './upsert.ts';

export interface LookUp {
  /** `select … from …`, without conditions. */
  select: string;
  /** Columns whose values are looked for together, with PostgreSQL's types. */
  key: Columns;
  /** What comes after the condition. */
  rest?: string;
}

/** What there is of the keys: in one statement on PostgreSQL, on Oracle so many keys in each. No order of its own. */
export async function lookUp<Row>(
  session: Session,
  { select, key, rest = '' }: LookUp,
  keys: readonly (readonly unknown[])[],
): Promise<Row[]> {
  if (keys.length === 0) return [];
  const names = Object.keys(key);
  const where = `where (${names.join(', ')}) in`;
  if (session.dialect === 'postgres') {
    const arrays = Object.values(key).map((type, index) => `$${index + 1}::${type}[]`);
    const columns = names.map((_, column) => keys.map((each) => each[column]));
    return session.query<Row>(`${select} ${where} (select * from unnest(${arrays.join(', ')})) ${rest}`, columns);
  }
  const tuples = Array.from({ length: AT_ONCE }, (_, row) => {
    return `(${names.map((_, column) => `$${row * names.length + column + 1}`).join(', ')})`;
  });
  const found: Row[] = [];
  for (let start = 0; start < keys.length; start += AT_ONCE) {
    const some = keys.slice(start, start + AT_ONCE);
    while (some.length < AT_ONCE) some.push(some[0]!); // always the same statement
    found.push(...(await session.query<Row>(`${select} ${where} (${tuples.join(', ')}) ${rest}`, some.flat())));
  }
  return found;
}

const AT_ONCE = 50;
