/** A pipeline on a database of its own, and what it left there. */

import type { IntelList } from '../../pipeline/jobs/intel.ts';
import { loadIntel } from '../../pipeline/jobs/intel.ts';
import { loadRules, type RuleSet } from '../../pipeline/jobs/rule-set.ts';
import { createTables } from '../../pipeline/jobs/tables.ts';
import { PostgresPool } from '../../pipeline/store/postgres.ts';
import { prepareSchema } from '../../pipeline/store/schema.ts';
import { LogTableStream } from '../../pipeline/streams/log-table.ts';
import type { Stream } from '../../pipeline/streams/stream.ts';

export const bundledRules = (): Promise<RuleSet> =>
  loadRules(new URL('../../pipeline/rules', import.meta.url).pathname);
export const bundledIntel = (): Promise<IntelList> =>
  loadIntel(new URL('../../pipeline/rules/intel/example.txt', import.meta.url).pathname);

export interface Workload {
  url: string;
  pool: PostgresPool;
  stream: Stream;
  query<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** The values published on a topic. */
  published<Value>(topic: string): Promise<Value[]>;
}

export async function openWorkload(url: string): Promise<Workload> {
  const pool = new PostgresPool({ url, name: 'test', max: 4 });
  const query = async <Row>(sql: string): Promise<Row[]> => {
    const connection = await pool.acquire();
    try {
      return await connection.query<Row>(sql);
    } finally {
      connection.release();
    }
  };
  const connection = await pool.acquire();
  await prepareSchema(connection).finally(() => connection.release());
  await createTables(pool);
  return {
    url,
    pool,
    query,
    stream: new LogTableStream({ pool, partitions: 4 }),
    published: async <Value>(topic: string) => {
      const rows = await query<{ value: Value }>(
        `select value from stream_entries where topic = '${topic}' order by partition, "offset"`,
      );
      return rows.map((row) => row.value);
    },
  };
}
