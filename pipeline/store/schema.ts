/** The tables of the streams. */
import { prepareTables } from './migrate.ts';
import { type Session, textsOf } from './store.ts';
import { table } from './tables.ts';

/** Makes the tables of `LogTableStream` and of the positions where they are missing, and brings up older ones. */
export async function prepareSchema(session: Session): Promise<void> {
  await prepareTables(session, STREAM_SCHEMA);
}

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

const MAKE_BATCHES = textsOf(STREAM_TABLES[0]!, 'postgres').map((text) =>
  text.replace('create table', 'create table if not exists'),
);

/** Of version 1, which had a row for each entry, on PostgreSQL alone. */
const TAKE_OVER_ENTRIES = `
  do $$ begin
    if to_regclass('stream_entries') is null then return; end if;
    insert into stream_batches (topic, partition, next_offset, entries, size, value)
    select topic, partition, max("offset") + 1, count(*), sum(length(value::text)),
      json_agg(json_build_array(coalesce(key, ''), value) order by "offset")::text
    from stream_entries group by topic, partition, "offset" / 500;
    drop table stream_entries;
  end $$`;

const STREAM_SCHEMA = {
  name: 'streams',
  tables: STREAM_TABLES,
  oldest: 'stream_heads',
  steps: [[{ postgres: [...MAKE_BATCHES, TAKE_OVER_ENTRIES], oracle: [] }]],
};
