/**
 * Streams as an append-only log in tables. What is published together is one row for each partition, which the database
 * compresses as one: a trip through the log costs a fraction of what a row for each entry does.
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
import { enter, groupsOf, type Place, PositionedBatch, positionOf, slowest } from './positions.ts';
import { readAhead } from './read-ahead.ts';
import { SharedReads } from './shared-reads.ts';
import {
  type Batch,
  type DrainOptions,
  type Entry,
  type Message,
  type Publication,
  packed,
  partitioned,
  type Stream,
  unpacked,
} from './stream.ts';

export interface LogTableOptions {
  /** Its database has the tables of `prepareSchema`. */
  pool: ConnectionPool;
  /** Partitions that new messages are spread over. Another number later moves keys, so their order starts anew. */
  partitions: number;
}

/** A batch is closed at about so many characters, however few entries they are. */
const BATCH_SIZE = 16 * 1024 * 1024;

export class LogTableStream implements Stream {
  readonly #pool: ConnectionPool;
  readonly #partitions: number;
  /** What is published does not change: each region's delivery and correlation read the same. */
  readonly #reads = new SharedReads<Entry[]>();

  constructor({ pool, partitions }: LogTableOptions) {
    this.#pool = pool;
    this.#partitions = partitions;
  }

  /**
   * Heads are locked in ascending order, so that writers do not deadlock. Transactions that publish several times can:
   * the database then fails one of them (40P01, ORA-00060), to be run again.
   */
  async publish(topic: string, messages: readonly Message[], { transaction }: Publication = {}): Promise<void> {
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
    const rows = partitioned(messages, this.#partitions).map(([partition, own]) => {
      const text = packed(own);
      return [topic, partition, own.length, text.length, text];
    });
    // as elements of an array, texts would be written and read again with each of their quotes escaped
    if (transaction.dialect === 'postgres') await transaction.execute(appended(rows.length), rows.flat());
    else await transaction.executeMany(APPEND, rows);
  }

  /**
   * Of each partition, what was there at the beginning. A batch that is not committed comes again. Where nothing is new it
   * is one statement: a pipeline that follows its input asks ten times a second.
   */
  async *drain(
    topic: string,
    group: string,
    { maxBatch, share = { index: 0, of: 1 } }: DrainOptions,
  ): AsyncGenerator<Batch> {
    const open = await this.#borrowed(async (connection) => {
      const rows = await connection.query<Standing>(STANDINGS, [topic, group]);
      const own = rows.filter(({ partition }) => partition % share.of === share.index);
      const strange = own.filter(({ position }) => position === null).map(({ partition }) => partition);
      await enter(topic, group, strange, connection);
      return own.filter(({ end, position }) => Number(position ?? 0) < Number(end));
    });
    for (const { partition, end } of open) {
      const place = { log: topic, group, partition };
      yield* readAhead({
        position: () => this.#borrowed((connection) => positionOf(place, connection)),
        read: (from) => this.#read(place, from, Number(end), maxBatch),
        end: Number(end),
      });
    }
  }

  async #read(place: Place, from: number, end: number, maxBatch: number): Promise<PositionedBatch | null> {
    const { log, partition } = place;
    const values = [log, partition, from, end, maxBatch, BATCH_SIZE];
    const key = JSON.stringify(values);
    const entries = await this.#reads.take(key, async () => {
      const rows = await this.#query<Row>(READ, values);
      const entries = rows.flatMap((row) => entriesOf(row, partition)).filter(({ offset }) => offset >= from);
      return entries.length > maxBatch ? entries.slice(0, maxBatch) : entries;
    });
    const letGo = () => this.#reads.letGo(key);
    if (entries.length > 0) return new PositionedBatch(log, place, from, entries.at(-1)!.offset + 1, entries, letGo);
    letGo();
    return null;
  }

  groups(topic: string): Promise<string[]> {
    return this.#borrowed((connection) => groupsOf(topic, connection));
  }

  async trim(topic: string, age: number): Promise<void> {
    const before = new Date(Date.now() - age);
    await this.#borrowed(async (connection) => {
      const read = await slowest(topic, connection);
      const partitions = await connection.query<{ partition: number }>(PARTITIONS, [topic]);
      for (const { partition } of partitions) {
        const behind = read.size === 0 ? Number.MAX_SAFE_INTEGER : read.get(partition);
        if (behind !== undefined) await connection.execute(TRIM, [topic, partition, behind, before]);
      }
    });
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

/** Where a partition ends, and where a group is in it; PostgreSQL's bigint comes as text. */
interface Standing {
  partition: number;
  end: string | number;
  position: string | number | null;
}

interface Row {
  next_offset: string | number;
  value: string;
}

function entriesOf({ next_offset, value }: Row, partition: number): Entry[] {
  const messages = unpacked(value);
  const first = Number(next_offset) - messages.length;
  return messages.map((message, rank) => ({ ...message, partition, offset: first + rank }));
}

/** Moves the heads past what is appended: so many rows, of PostgreSQL. */
function appended(rows: number): string {
  const values = Array.from({ length: rows }, (_, row) => {
    const types = ['text', 'integer', 'bigint', 'bigint', 'text'];
    return `(${types.map((type, column) => `$${types.length * row + column + 1}::${type}`).join(', ')})`;
  });
  return `
    with added (topic, partition, entries, size, value) as (values ${values.join(', ')}), head as (
      insert into stream_heads as h (topic, partition, next_offset)
      select topic, partition, entries from added
      on conflict (topic, partition) do update set next_offset = h.next_offset + excluded.next_offset
      returning topic, partition, next_offset
    )
    insert into stream_batches (topic, partition, next_offset, entries, size, value)
    select topic, partition, head.next_offset, entries, size, value from added join head using (topic, partition)`;
}

/** The same of Oracle, for each row. */
const APPEND: Statement = {
  postgres: [],
  oracle: [
    insertUnlessThere('stream_heads', ['topic', '"partition"'], ['next_offset']).replace('$3', '0'),
    'update stream_heads set next_offset = next_offset + $3 where topic = $1 and "partition" = $2',
    `insert into stream_batches (topic, "partition", next_offset, entries, "size", value) values (
      $1, $2, (select next_offset from stream_heads where topic = $1 and "partition" = $2), $3, $4, $5
    )`,
  ],
};

const PARTITIONS = 'select "partition" from stream_heads where topic = $1 order by "partition"';

const STANDINGS = `
  select h."partition", h.next_offset as "end", p.next_offset as position from stream_heads h
  left join stream_positions p on p.topic = h.topic and p."partition" = h."partition" and p.consumer_group = $2
  where h.topic = $1 order by h."partition"`;

/** Whole rows: as many as it takes to have so many entries, or so many characters. */
const READ = `
  select next_offset, value from (
    select next_offset, value,
      sum(entries) over (order by next_offset) - entries as entries_before,
      sum("size") over (order by next_offset) - "size" as size_before
    from (
      select next_offset, value, entries, "size" from stream_batches
      where topic = $1 and "partition" = $2 and next_offset > $3 and next_offset <= $4
      order by next_offset fetch first $5 rows only
    ) next_rows
  ) summed where entries_before < $5 and size_before < $6 order by next_offset`;

const TRIM = `
  delete from stream_batches
  where topic = $1 and "partition" = $2 and next_offset <= $3 and published < $4`;
