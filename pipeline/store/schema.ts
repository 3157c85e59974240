/** The tables of the streams. */
import type { Session } from './store.ts';
import { table } from './tables.ts';

/** Creates the tables of `LogTableStream` where they are missing. */
export function prepareSchema(session: Session): Promise<void> {
  return session.createTables(STREAM_TABLES);
}

export const STREAM_TABLES = [
  // The log. `key` may be empty.
  table(
    ({ name, text, integer, bigint, json }) => `create table stream_entries (
    topic ${name} not null,
    "partition" ${integer} not null,
    "offset" ${bigint} not null,
    key ${text},
    value ${json} not null,
    primary key (topic, "partition", "offset")
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
