/** The jobs' own tables. The streams' are in `store/schema.ts`, the sinks' in `sinks/sink.ts`. */
import { addColumn, prepareTables } from '../store/migrate.ts';
import type { ConnectionPool } from '../store/store.ts';
import { table } from '../store/tables.ts';

export async function createTables(pool: ConnectionPool): Promise<void> {
  const connection = await pool.acquire();
  await prepareTables(connection, JOB_SCHEMA).finally(() => connection.release());
}

export const JOB_TABLES = [
  // How far each input file is read: `elements` of it are published. `bytes` is its size when it was complete, or -1.
  table(
    ({ text, bigint, boolean }) => `create table ingest_progress (
    source ${text} primary key,
    elements ${bigint} not null,
    complete ${boolean} not null,
    bytes ${bigint} not null,
    revision ${bigint} not null
  )`,
  ),
  // The inventory: the latest that resource records told.
  table(
    ({ name, text }) => `create table assets (
    tenant ${name} not null,
    "resource" ${text} not null,
    type ${text} not null,
    region ${text} not null,
    owner ${text},
    compartment ${text},
    primary key (tenant, "resource")
  )`,
  ),
  // `window_start` is the start of the hour; null for results without a time.
  table(
    ({ name, text, time, integer, list }) => `create table insights (
    id ${name} primary key,
    tenant ${name} not null,
    entity ${text} not null,
    window_start ${time},
    severity ${name} not null,
    results ${integer} not null,
    rules ${list} not null,
    regions ${list} not null,
    reporting_region ${name} not null,
    first_time ${time},
    last_time ${time}
  )`,
  ),
  // Which results an insight is made of: what makes merging independent of order and repetition.
  table(
    ({ name, text, time, integer }) => `create table insight_results (
    insight ${name} not null,
    result ${name} not null,
    tenant ${name} not null,
    entity ${text} not null,
    window_start ${time},
    severity ${integer} not null,
    rule ${text} not null,
    region ${text} not null,
    reporting_region ${name} not null,
    time ${time},
    primary key (insight, result)
  )`,
  ),
  // What OCI's compartments are part of: another one, or their tenancy.
  table(
    ({ name }) => `create table compartments (
    id ${name} primary key,
    parent ${name} not null
  )`,
  ),
  // Dead letters that became records or results after all.
  table(
    ({ name }) => `create table replayed_letters (
    id ${name} primary key
  )`,
  ),
];

const JOB_SCHEMA = {
  name: 'jobs',
  tables: JOB_TABLES,
  oldest: 'ingest_progress',
  steps: [
    // 2: the compartment of OCI's resources
    [addColumn('assets', 'compartment', { postgres: 'text', oracle: 'varchar2(4000)' })],
    // 3: the table of compartments
    [],
  ],
};
