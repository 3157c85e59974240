/** A pipeline on a database of its own, and what it left there. */

import { GENERATED_REGIONS } from '../../pipeline/generate.ts';
import type { IntelList } from '../../pipeline/jobs/intel.ts';
import { loadIntel } from '../../pipeline/jobs/intel-files.ts';
import { loadRules, type RuleSet } from '../../pipeline/jobs/rule-set.ts';
import { createTables, JOB_TABLES } from '../../pipeline/jobs/tables.ts';
import { sinkTable } from '../../pipeline/sinks/sink.ts';
import { openPool } from '../../pipeline/store/database.ts';
import { prepareSchema, STREAM_TABLES } from '../../pipeline/store/schema.ts';
import {
  type Connection,
  type ConnectionPool,
  type Dialect,
  type Statement,
  textsOf,
} from '../../pipeline/store/store.ts';
import { LogTableStream } from '../../pipeline/streams/log-table.ts';
import { type Stream, unpacked } from '../../pipeline/streams/stream.ts';

export const bundledRules = (): Promise<RuleSet> =>
  loadRules(new URL('../../pipeline/rules', import.meta.url).pathname);
export const bundledIntel = (): Promise<IntelList> =>
  loadIntel(new URL('../../pipeline/rules/intel/example.txt', import.meta.url).pathname);

/** A region's results but for the time of their detection, which is another in each run. */
export function withoutDetection(rows: readonly { body: unknown }[]): unknown[] {
  return rows.map(({ body }) => {
    const result = typeof body === 'string' ? JSON.parse(body) : body;
    return { ...result, detected: null };
  });
}

export interface Workload {
  url: string;
  pool: ConnectionPool;
  stream: Stream;
  query<Row = Record<string, unknown>>(statement: Statement): Promise<Row[]>;
  execute(statement: Statement): Promise<void>;
  /** The values published on a topic. */
  published<Value>(topic: string): Promise<Value[]>;
  /** Deletes all that jobs left, the sinks' too. */
  empty(): Promise<void>;
}

const TABLES = [...STREAM_TABLES, ...JOB_TABLES].map(
  (table) => /^create table (\w+)/.exec(textsOf(table, 'oracle')[0]!)![1]!,
);
const SINKS = GENERATED_REGIONS.all.map(sinkTable);

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
  return {
    url,
    pool,
    stream: new LogTableStream({ pool, partitions: 4 }),
    query: (statement) => borrowed((connection) => connection.query(statement)),
    execute: (statement) => borrowed(async (connection) => void (await connection.execute(statement))),
    empty: () =>
      borrowed(async (connection) => {
        for (const table of TABLES) await connection.execute(`delete from ${table}`);
        const emptySink = ({ postgres, oracle }: Record<Dialect, string>) =>
          connection.execute({ postgres: `delete from ${postgres}`, oracle: `delete from ${oracle}` });
        // where nothing was delivered there is no such table
        for (const table of SINKS) await emptySink(table).catch(() => {});
      }),
    published: async <Value>(topic: string) => {
      const statement = 'select value from stream_batches where topic = $1 order by "partition", next_offset';
      const rows = await borrowed((connection) => connection.query<{ value: string }>(statement, [topic]));
      return rows.flatMap(({ value }) => unpacked(value).map((message) => message.value as Value));
    },
  };
}
