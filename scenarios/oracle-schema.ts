/**
 * A real Oracle for a soak. A database of its own cannot be made there without a DBA, so each variant uses the schema
 * of the user that is given, which must not hold tables of anything else.
 */
import { JOB_TABLES } from '../pipeline/jobs/tables.ts';
import { openDatabase, openSession } from '../pipeline/store/database.ts';
import { VERSIONS } from '../pipeline/store/migrate.ts';
import { STREAM_TABLES } from '../pipeline/store/schema.ts';
import { type OwnSession, type Statement, textsOf } from '../pipeline/store/store.ts';
import { UserError } from '../user-error.ts';
import type { DatabaseServer } from './servers.ts';

const CONNECT_LIMIT_MS = 10_000;

/** Tells tables of a soak that was killed from those of a pipeline that somebody works with. */
const MARK = 'outlive_soak';

/** Throws `UserError`. */
export async function oracleSchema(url: string, say: (note: string) => void): Promise<DatabaseServer> {
  say('connecting to Oracle');
  await openDatabase({ url });
  const once = async (work: (session: OwnSession) => Promise<void>) => {
    const session = await openSession(url, CONNECT_LIMIT_MS);
    await work(session).finally(() => session.end());
  };
  return {
    create: async () => {
      await once(clear);
      return { url, drop: () => once(clear) };
    },
    stop: () => once(async (session) => void (await session.execute(`drop table ${MARK} purge`).catch(isMissing))),
  };
}

/** ORA-00942: there is no such table. */
function isMissing(error: { errorNum?: number }): void {
  if (error.errorNum !== 942) throw error;
}

/** Leaves the mark, and none of the pipeline's tables. */
async function clear(session: OwnSession): Promise<void> {
  const rows = await session.query<{ name: string }>('select lower(table_name) as name from user_tables');
  const there = new Set(rows.map(({ name }) => name));
  const ours = [...STREAM_TABLES, ...JOB_TABLES, VERSIONS].map(nameOf).filter((name) => there.has(name));
  if (ours.length > 0 && !there.has(MARK)) {
    throw new UserError(
      `The schema of the Oracle user holds the table ${ours[0]}, which a soak would empty: give a user of its own.`,
    );
  }
  if (!there.has(MARK)) await session.createTables([`create table ${MARK} (id number)`]);
  for (const name of ours) await session.execute(`drop table ${name} purge`);
}

function nameOf(table: Statement): string {
  const [, name = ''] = /^create table (\w+)/.exec(textsOf(table, 'oracle')[0] ?? '') ?? [];
  return name;
}
