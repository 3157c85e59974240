/** A pipeline on a database of its own, and what it left there. */

import type { IntelList } from '../../pipeline/jobs/intel.ts';
import { loadIntel } from '../../pipeline/jobs/intel.ts';
import { loadRules, type RuleSet } from '../../pipeline/jobs/rule-set.ts';
import { createTables } from '../../pipeline/jobs/tables.ts';
import { openPool } from '../../pipeline/store/database.ts';
import { prepareSchema } from '../../pipeline/store/schema.ts';
import type { Connection, ConnectionPool, Statement } from '../../pipeline/store/store.ts';
import { LogTableStream } from '../../pipeline/streams/log-table.ts';
import type { Stream } from '../../pipeline/streams/stream.ts';

export const bundledRules = (): Promise<RuleSet> =>
  loadRules(new URL('../../pipeline/rules', import.meta.url).pathname);
export const bundledIntel = (): Promise<IntelList> =>
  loadIntel(new URL('../../pipeline/rules/intel/example.txt', import.meta.url).pathname);

export interface Workload {
  url: string;
  pool: ConnectionPool;
  stream: Stream;
  query<Row = Record<string, unknown>>(statement: Statement): Promise<Row[]>;
  execute(statement: Statement): Promise<void>;
  /** The values published on a topic. */
  published<Value>(topic: string): Promise<Value[]>;
}

export async function openWorkload(url: string): Promise<Workload> {
  const pool = await openPool({ url, name: 'test', max: 4 });
  const borrowed = async <T>(work: (connection: Connection) => Promise<T>): Promise<T> => {
    const connection = await pool.acquire();
    try {
      return await work(connection);
    } finally {
      connection.release();
    }
  };
  await borrowed(prepareSchema);
  await createTables(pool);
  const values = (value: string) => `select ${value} from stream_entries where topic = `;
  return {
    url,
    pool,
    stream: new LogTableStream({ pool, partitions: 4 }),
    query: (statement) => borrowed((connection) => connection.query(statement)),
    execute: (statement) => borrowed(async (connection) => void (await connection.execute(statement))),
    published: async <Value>(topic: string) => {
      const rest = `'${topic}' order by "partition", "offset"`;
      const statement = { postgres: `${values('value::text')}${rest}`, oracle: `${values('value')}${rest}` };
      const rows = await borrowed((connection) => connection.query<{ value: string }>(statement));
      return rows.map(({ value }) => JSON.parse(value) as Value);
    },
  };
}
