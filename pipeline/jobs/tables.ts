/** The jobs' own tables. The streams' are in `store/schema.ts`, the sinks' in `sinks/sink.ts`. */
import { withSchemaLock } from '../store/schema.ts';
import type { ConnectionPool } from '../store/store.ts';

export async function createTables(pool: ConnectionPool): Promise<void> {
  const connection = await pool.acquire();
  try {
    await withSchemaLock(connection, async () => {
      for (const table of TABLES) await connection.query(table);
    });
  } finally {
    connection.release();
  }
}

const TABLES = [
  // How far each input file is read: `elements` of it are published. `bytes` is its size when it was complete, or -1.
  `create table if not exists ingest_progress (
    source text primary key,
    elements bigint not null,
    complete boolean not null,
    bytes bigint not null,
    revision bigint not null
  )`,
  // The inventory: the latest that resource records told.
  `create table if not exists assets (
    tenant text not null,
    resource text not null,
    type text not null,
    region text not null,
    owner text,
    primary key (tenant, resource)
  )`,
  `create table if not exists insights (
    id text primary key,
    tenant text not null,
    entity text not null,
    -- Start of the hour; null for results without a time.
    window_start timestamptz,
    severity text not null,
    results integer not null,
    rules text[] not null,
    regions text[] not null,
    reporting_region text not null,
    first_time timestamptz,
    last_time timestamptz
  )`,
  // Which results an insight is made of: what makes merging independent of order and repetition.
  `create table if not exists insight_results (
    insight text not null,
    result text not null,
    tenant text not null,
    entity text not null,
    window_start timestamptz,
    severity integer not null,
    rule text not null,
    region text not null,
    reporting_region text not null,
    time timestamptz,
    primary key (insight, result)
  )`,
];
