/** The tables of the streams, and the lock under which any tables are made. */
import type { Connection } from './store.ts';

/** Of all uses of advisory locks in the database, ours. */
const SCHEMA_LOCK = 0x6f75746c; // "outl"

/**
 * Runs `create` in a transaction that only one process at a time can be in: `create table if not exists` alone fails
 * when two run it at once.
 */
export async function withSchemaLock(connection: Connection, create: () => Promise<unknown>): Promise<void> {
  await connection.begin();
  try {
    await connection.query('select pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
    await create();
    await connection.commit();
  } catch (error) {
    await connection.rollback();
    throw error;
  }
}

/** Creates the tables of `LogTableStream` where they are missing. */
export async function prepareSchema(connection: Connection): Promise<void> {
  await withSchemaLock(connection, async () => {
    for (const table of STREAM_TABLES) await connection.query(table);
  });
}

const STREAM_TABLES = [
  // The log. `json`, not `jsonb`: cheaper to append, and values come back as they were.
  `create table if not exists stream_entries (
    topic text not null,
    partition integer not null,
    "offset" bigint not null,
    key text not null,
    value json not null,
    primary key (topic, partition, "offset")
  )`,
  // Where each partition ends: the offset of its next entry.
  `create table if not exists stream_heads (
    topic text not null,
    partition integer not null,
    next_offset bigint not null,
    primary key (topic, partition)
  )`,
  // Where each group is: the offset of the next entry it has not seen.
  `create table if not exists stream_positions (
    topic text not null,
    consumer_group text not null,
    partition integer not null,
    next_offset bigint not null,
    primary key (topic, consumer_group, partition)
  )`,
];
