/**
 * Streams as an append-only log in PostgreSQL.
 *
 * Writers: a partition's head row gives out its offsets and is locked until the writer commits. So writers of one
 * partition take turns, offsets have no gaps, and entries become visible in their order: a reader never passes an
 * entry that commits late.
 *
 * Readers: a group's position moves in the transaction that holds the results of a batch. Kept in the same database,
 * results are therefore exactly-once; whatever else a consumer does (mail, HTTP) is at-least-once.
 */
import type { Connection, ConnectionPool } from '../store/store.ts';
import { type Batch, type Entry, type Message, StaleBatchError, type Stream } from './stream.ts';

export interface LogTableOptions {
  /** Its database has the tables of `prepareSchema`. */
  pool: ConnectionPool;
  /** Partitions that new messages are spread over. Another number later moves keys, so their order starts anew. */
  partitions: number;
}

export class LogTableStream implements Stream {
  readonly #pool: ConnectionPool;
  readonly #partitions: number;

  constructor({ pool, partitions }: LogTableOptions) {
    this.#pool = pool;
    this.#partitions = partitions;
  }

  /**
   * Heads are locked in ascending order, so that writers do not deadlock. Transactions that publish several times can:
   * PostgreSQL then fails one of them (code 40P01), to be run again.
   */
  async publish(topic: string, messages: readonly Message[], transaction?: Connection): Promise<void> {
    if (messages.length === 0) return;
    const values = [
      topic,
      messages.map(({ key }) => partitionOf(key, this.#partitions)),
      messages.map(({ key }) => key),
      messages.map(({ value }) => JSON.stringify(value)),
    ];
    if (transaction) await transaction.query(APPEND, values);
    else await this.#query(APPEND, values);
  }

  /** Of each partition, what was there when its turn came. A batch that is not committed comes again. */
  async *drain(topic: string, group: string, { maxBatch }: { maxBatch: number }): AsyncGenerator<Batch> {
    for (const { partition } of await this.#query<{ partition: number }>(ENTER, [topic, group])) {
      const [head] = await this.#query<{ next_offset: string }>(HEAD, [topic, partition]);
      for (;;) {
        const rows = await this.#query<Row>(READ, [topic, group, partition, head?.next_offset, maxBatch]);
        if (rows.length === 0) break;
        yield new LogTableBatch(topic, group, partition, rows.map(toEntry));
      }
    }
  }

  /** One statement on a connection of its own: none is held while the caller works on a batch. */
  async #query<R>(sql: string, values: unknown[]): Promise<R[]> {
    const connection = await this.#pool.acquire();
    try {
      return await connection.query<R>(sql, values);
    } finally {
      connection.release();
    }
  }
}

class LogTableBatch implements Batch {
  readonly topic: string;
  readonly partition: number;
  readonly entries: readonly Entry[];
  readonly #group: string;

  constructor(topic: string, group: string, partition: number, entries: readonly Entry[]) {
    this.topic = topic;
    this.partition = partition;
    this.entries = entries;
    this.#group = group;
  }

  async commit(transaction: Connection): Promise<void> {
    const first = this.entries[0]!.offset;
    const next = first + this.entries.length;
    const moved = await transaction.query(MOVE, [this.topic, this.#group, this.partition, first, next]);
    if (moved.length === 0) throw new StaleBatchError(this, this.#group);
  }
}

/** FNV-1a: the same key is always in the same partition, in any process. */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}

/** PostgreSQL's bigint comes as text. */
interface Row {
  partition: number;
  offset: string;
  key: string;
  value: unknown;
}

function toEntry({ partition, offset, key, value }: Row): Entry {
  return { partition, offset: Number(offset), key, value };
}

const APPEND = `
  with message as (
    select partition, key, value,
      row_number() over (partition by partition order by number) - 1 as rank,
      count(*) over (partition by partition) as size
    from unnest($2::integer[], $3::text[], $4::text[]) with ordinality as m (partition, key, value, number)
  ), head as (
    insert into stream_heads as h (topic, partition, next_offset)
    select $1, partition, count(*) from message group by partition order by partition
    on conflict (topic, partition) do update set next_offset = h.next_offset + excluded.next_offset
    returning partition, next_offset
  )
  insert into stream_entries (topic, partition, "offset", key, value)
  select $1, partition, next_offset - size + rank, key, value::json from message join head using (partition)`;

/** The group takes its place at the start of partitions that are new to it. */
const ENTER = `
  with entered as (
    insert into stream_positions (topic, consumer_group, partition, next_offset)
    select topic, $2, partition, 0 from stream_heads where topic = $1
    on conflict do nothing
  )
  select partition from stream_heads where topic = $1 order by partition`;

const HEAD = 'select next_offset from stream_heads where topic = $1 and partition = $2';

const READ = `
  select partition, "offset", key, value from stream_entries
  where topic = $1 and partition = $3 and "offset" < $4 and "offset" >= (
    select next_offset from stream_positions where topic = $1 and consumer_group = $2 and partition = $3
  )
  order by "offset" limit $5`;

const MOVE = `
  update stream_positions set next_offset = $5
  where topic = $1 and consumer_group = $2 and partition = $3 and next_offset = $4
  returning partition`;
