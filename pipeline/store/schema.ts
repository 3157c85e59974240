/** The tables of the streams. */
import type { Session } from './store.ts';
import { table } from './tables.ts';

/** Creates the tables of `LogTableStream` where they are missing, and takes over the log of the first version. */
export async function prepareSchema(session: Session): Promise<void> {
  await session.createTables(STREAM_TABLES);
  if (session.dialect === 'postgres') await session.execute(TAKE_OVER_ENTRIES);
}

/** The first version had a row for each entry. The lock is for several that start at once. */
const TAKE_OVER_ENTRIES = `
  do $$ begin
    if to_regclass('stream_entries') is null then return; end if;
    lock table stream_batches in share row exclusive mode;
    if to_regclass('stream_entries') is not null then
      insert into stream_batches (topic, partition, next_offset, entries, size, value)
      select topic, partition, max("offset") + 1, count(*), sum(length(value::text)),
        json_agg(json_build_array(coalesce(key, ''), value) order by "offset")::text
      from stream_entries group by topic, partition, "offset" / 500;
      drop table stream_entries;
    end if;
  end $$`;

export const STREAM_TABLES = [
  // The log: what was published together, as JSON pairs of key and value; `next_offset` is that after its last entry.
  table(
    ({ name, integer, bigint, time, document }) => `create table stream_batches (
    topic ${name} not null,
    "partition" ${integer} not null,
    next_offset ${bigint} not null,
    entries ${integer} not null,
    "size" ${bigint} not null,
    published ${time} default current_timestamp not null,
    value ${document} not null,
    primary key (topic, "partition", next_offset)
  )`,
  ),
  // Where each partition ends: the offset of its next entry.
  table(
    ({ name, integer, bigint }) => `create table stream_heads (
    topic ${name} not null,
    "partition" ${integer} not null,
    next_offset ${bigint} not null,
    primary key (topic, "partition")
  )`,
  ),
  // Where each group is: the offset of the next entry it has not seen.
  table(
    ({ name, integer, bigint }) => `create table stream_positions (
    topic ${name} not null,
    consumer_group ${name} not null,
    "partition" ${integer} not null,
    next_offset ${bigint} not null,
    primary key (topic, consumer_group, "partition")
  )`,
  ),
];
