/** Tables as this version of the program needs them: made where they are missing, brought up where they are older. */
import { UserError } from '../../user-error.ts';
import type { Session, Statement } from './store.ts';
import { textsOf } from './store.ts';
import { table } from './tables.ts';
import { insertNew, nameOf, type TableName } from './upsert.ts';

export interface Schema {
  /** A name for its tables as a whole: they have one version. */
  name: string;
  tables: readonly Statement[];
  /** Of these tables one that version 1 had. */
  oldest: TableName;
  /**
   * From version 1 to 2, and so on: the current version is one more than there are steps. A step may run again after it
   * was interrupted, as Oracle commits each change of a table.
   */
  steps: readonly (readonly Statement[])[];
}

/** Throws `UserError` where the tables are of a newer program, or are none of ours. Several processes may do so at once. */
export async function prepareTables(session: Session, schema: Schema): Promise<void> {
  await session.createTables([VERSIONS]);
  const current = schema.steps.length + 1;
  if ((await versionOf(session, schema)) === null) {
    const before = await isThere(session, nameOf(schema.oldest, session.dialect));
    await session.executeMany(ENTER, [[schema.name, before ? 1 : current]]);
  }
  await session.begin();
  try {
    await session.execute('lock table schema_versions in exclusive mode');
    const found = (await versionOf(session, schema))!;
    if (found > current) throw new UserError(newer(schema.name, found, current));
    const changes = schema.steps.slice(found - 1).flat();
    for (const text of changes.flatMap((change) => textsOf(change, session.dialect))) await session.execute(text);
    if (found < current) await session.execute(RAISE, [schema.name, current]);
    await session.commit();
  } catch (error) {
    await session.rollback();
    throw error;
  }
  await session.createTables(schema.tables);
  for (const each of schema.tables) await check(session, each);
}

/** A column to be added; it may be there already. */
export function addColumn(tableName: string, column: string, types: Record<'postgres' | 'oracle', string>): Statement {
  return {
    postgres: `alter table ${tableName} add column if not exists ${column} ${types.postgres}`,
    oracle: `begin execute immediate 'alter table ${tableName} add ${column} ${types.oracle}';
      exception when others then if sqlcode != -1430 then raise; end if; end;`,
  };
}

/** Of what versions tables are. */
export const VERSIONS = table(
  ({ name, integer }) => `create table schema_versions (
    name ${name} primary key,
    version ${integer} not null
  )`,
);
const ENTER = insertNew('schema_versions', { name: 'text' }, { version: 'integer' });
const RAISE = 'update schema_versions set version = $2 where name = $1';

async function versionOf(session: Session, { name }: Schema): Promise<number | null> {
  const [row] = await session.query<{ version: string | number }>(
    'select version from schema_versions where name = $1',
    [name],
  );
  return row ? Number(row.version) : null;
}

function isThere(session: Session, tableName: string): Promise<boolean> {
  return session.query(`select 1 from ${tableName} where 1 = 0`).then(
    () => true,
    () => false,
  );
}

/** Somebody may have changed a table by hand: say so before a job fails in the middle. */
async function check(session: Session, definition: Statement): Promise<void> {
  const text = textsOf(definition, session.dialect).at(-1) ?? '';
  const [, table] = /^create table ([\w.]+)/.exec(text) ?? [];
  if (table === undefined) return; // a schema
  const columns = [...text.matchAll(/^\s+("?\w+"?) (?!key)[\w(]/gm)].map(([, column]) => column!);
  await session.query(`select ${columns.join(', ')} from ${table} where 1 = 0`).catch((error: Error) => {
    throw new UserError(
      `The table ${table} is not as this program left it (${error.message}); it needs ${columns.join(', ')}.`,
    );
  });
}

function newer(name: string, found: number, current: number): string {
  return `The tables of ${name} are of version ${found}, and this program knows those up to ${current}: use a newer one.`;
}
