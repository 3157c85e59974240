/**
 * Streams as an append-only log in tables.
 *
 * Writers: a partition's head row gives out its offsets and is locked until the writer commits. So writers of one
 * partition take turns, offsets have no gaps, and entries become visible in their order: a reader never passes an
 * entry that commits late.
 *
 * Readers: a group's position moves in the transaction that holds the results of a batch. Kept in the same database,
 * results are therefore exactly-once; whatever else a consumer does (mail, HTTP) is at-least-once.
 */
import type { Connection, ConnectionPool, Statement } from '../store/store.ts';
import { insertUnlessThere } from '../store/upsert.ts';
import { type Batch, type Entry, type Message, type Share, StaleBatchError, type Stream } from './stream.ts';

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
   * the database then fails one of them (40P01, ORA-00060), to be run again.
   */
  async publish(topic: string, messages: readonly Message[], transaction?: Connection): Promise<void> {
    if (messages.length === 0) return;
    if (transaction) return this.#append(topic, messages, transaction);
    await this.#borrowed(async (connection) => {
      await connection.begin();
      try {
        await this.#append(topic, messages, connection);
        await connection.commit();
      } catch (error) {
        await connection.rollback();
        throw error;
      }
    });
  }

  async #append(topic: string, messages: readonly Message[], transaction: Connection): Promise<void> {
    const partitions = new Map<number, Message[]>();
    for (const message of messages) {
      const partition = partitionOf(message.key, this.#partitions);
      const own = partitions.get(partition);
      if (own) own.push(message);
      else partitions.set(partition, [message]);
    }
    const ascending = [...partitions].sort(([a], [b]) => a - b);
    await transaction.executeMany(
      TAKE_OFFSETS,
      ascending.map(([partition, own]) => [topic, partition, own.length]),
    );
    const entries = ascending.flatMap(([partition, own]) =>
      own.map(({ key, value }, rank) => [topic, partition, own.length - rank, key, JSON.stringify(value)]),
    );
    await transaction.executeMany(APPEND, entries);
  }

  /** Of each partition, what was there when its turn came. A batch that is not committed comes again. */
  async *drain(
    topic: string,
    group: string,
    { maxBatch, share = { index: 0, of: 1 } }: { maxBatch: number; share?: Share },
  ): AsyncGenerator<Batch> {
    const partitions = await this.#borrowed(async (connection) => {
      await connection.execute(ENTER, [topic, group]);
      return connection.query<{ partition: number }>(PARTITIONS, [topic]);
    });
    for (const { partition } of partitions) {
      if (partition % share.of !== share.index) continue;
      const [head] = await this.#query<{ next_offset: string | number }>(HEAD, [topic, partition]);
      for (;;) {
        const rows = await this.#query<Row>(READ, [topic, group, partition, head?.next_offset, maxBatch]);
        if (rows.length === 0) break;
        yield new LogTableBatch(topic, group, partition, rows.map(toEntry));
      }
    }
  }

  #query<R>(statement: Statement, values: unknown[]): Promise<R[]> {
    return this.#borrowed((connection) => connection.query<R>(statement, values));
  }

  /** A connection for no longer than `work`: none is held while the caller works on a batch. */
  async #borrowed<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#pool.acquire();
    try {
      return await work(connection);
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
    const moved = await transaction.execute(MOVE, [this.topic, this.#group, this.partition, first, next]);
    if (moved === 0) throw new StaleBatchError(this, this.#group);
  }
}

/** FNV-1a: the same key is always in the same partition, in any process. */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}

/** PostgreSQL's bigint comes as text, Oracle's empty text as null. */
interface Row {
  partition: number;
  offset: string | number;
  key: string | null;
  value: string;
}

function toEntry({ partition, offset, key, value }: Row): Entry {
  return { partition, offset: Number(offset), key: key ?? '', value: JSON.parse(value) };
}

/** Moves the heads past what is to be appended. */
const TAKE_OFFSETS: Statement = {
  postgres: `
    insert into stream_heads as h (topic, partition, next_offset)
    select * from unnest($1::text[], $2::integer[], $3::bigint[])
    on conflict (topic, partition) do update set next_offset = h.next_offset + excluded.next_offset`,
  oracle: [
    insertUnlessThere('stream_heads', ['topic', '"partition"'], ['next_offset']).replace('$3', '0'),
    'update stream_heads set next_offset = next_offset + $3 where topic = $1 and "partition" = $2',
  ],
};

/** `$3` is how far before the head the entry comes. */
const APPEND: Statement = {
  postgres: `
    insert into stream_entries (topic, partition, "offset", key, value)
    select topic, partition, h.next_offset - m.before, m.key, m.value
    from unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::json[])
      as m (topic, partition, before, key, value)
    join stream_heads h using (topic, partition)`,
  oracle: `
    insert into stream_entries (topic, "partition", "offset", key, value) values (
      $1, $2, (select next_offset - $3 from stream_heads where topic = $1 and "partition" = $2), $4, $5
    )`,
};

/** The group takes its place at the start of partitions that are new to it. */
const enter = (insert: string) => `
  ${insert} into stream_positions (topic, consumer_group, "partition", next_offset)
  select topic, $2, "partition", 0 from stream_heads where topic = $1`;

const ENTER: Statement = {
  postgres: `${enter('insert')} on conflict do nothing`,
  oracle: enter('insert /*+ ignore_row_on_dupkey_index(stream_positions (topic, consumer_group, "partition")) */'),
};

const PARTITIONS = 'select "partition" from stream_heads where topic = $1 order by "partition"';

const HEAD = 'select next_offset from stream_heads where topic = $1 and "partition" = $2';

const read = (value: string) => `
  select "partition", "offset", key, ${value} from stream_entries
  where topic = $1 and "partition" = $3 and "offset" < $4 and "offset" >= (
    select next_offset from stream_positions where topic = $1 and consumer_group = $2 and "partition" = $3
  )
  order by "offset" fetch first $5 rows only`;

const READ: Statement = { postgres: read('value::text'), oracle: read('value') };

const MOVE = `
  update stream_positions set next_offset = $5
  where topic = $1 and consumer_group = $2 and "partition" = $3 and next_offset = $4`;
