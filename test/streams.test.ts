import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openPool } from '../pipeline/store/database.ts';
import { prepareSchema } from '../pipeline/store/schema.ts';
import type { Connection, ConnectionPool, Statement } from '../pipeline/store/store.ts';
import { table } from '../pipeline/store/tables.ts';
import { LogTableStream } from '../pipeline/streams/log-table.ts';
import { SharedReads } from '../pipeline/streams/shared-reads.ts';
import { type Batch, type Entry, partitionOf, StaleBatchError } from '../pipeline/streams/stream.ts';
import { type FreshStore, freshStore, STORES } from './setup/stores.ts';

let store: FreshStore;
let pool: ConnectionPool;
let stream: LogTableStream;
let topic = '';
let topics = 0;

test('what several read in step is read once, and read again when all have let go of it', async () => {
  const reads = new SharedReads<string>();
  let trips = 0;
  const take = () => reads.take('first batch', async () => `trip ${++trips}`);
  expect(await Promise.all([take(), take()])).toEqual(['trip 1', 'trip 1']);
  reads.letGo('first batch');
  expect(await take()).toBe('trip 1');
  reads.letGo('first batch');
  reads.letGo('first batch');
  expect(await take()).toBe('trip 2');
});

test('a read that fails fails those who wait for it, and is tried again by the next', async () => {
  const reads = new SharedReads<string>();
  const failing = () => reads.take('first batch', () => Promise.reject(new Error('away')));
  const outcomes = await Promise.allSettled([failing(), failing()]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await reads.take('first batch', async () => 'there')).toBe('there');
});

describe.each(STORES)('on %s', (dialect) => {
  beforeAll(async () => {
    store = await freshStore(dialect);
    pool = await openPool({ url: store.url, name: 'streams', max: 10 });
    stream = new LogTableStream({ pool, partitions: 4 });
    await borrowed(prepareSchema);
    await borrowed((connection) => connection.createTables([RESULTS]));
  });

  afterAll(async () => {
    await pool?.close();
    await store?.drop();
  });

  beforeEach(() => {
    topic = `topic-${++topics}`;
  });

  describe('publish', () => {
    test('keeps the order of each key, in the partition of that key', async () => {
      await stream.publish(topic, [message('a', 1), message('b', 1), message('a', 2)]);
      await stream.publish(topic, [message('b', 2), message('a', 3)]);
      const entries = await readAll('reader');
      for (const key of ['a', 'b']) {
        const own = entries.filter((entry) => entry.key === key);
        expect(own.map(({ value }) => value)).toEqual(key === 'a' ? [1, 2, 3] : [1, 2]);
        expect(own.every(({ partition }) => partition === partitionOf(key, 4))).toBe(true);
      }
    });

    test('gives values back as they were', async () => {
      const values = [null, 'text with \u0000 and "quotes"', 1.5, [], { nested: { list: [1, null] } }];
      await stream.publish(
        topic,
        values.map((value) => message('same', value)),
      );
      expect((await readAll('reader')).map(({ value }) => value)).toEqual(values);
    });

    test('is part of the given transaction, and leaves no gap when that is rolled back', async () => {
      await stream.publish(topic, [message('a', 'before')]);
      await borrowed(async (connection) => {
        await connection.begin();
        await stream.publish(topic, [message('a', 'never')], { transaction: connection });
        await connection.rollback();
      });
      await stream.publish(topic, [message('a', 'after')]);
      const entries = await readAll('reader');
      expect(entries.map(({ offset, value }) => [offset, value])).toEqual([
        [0, 'before'],
        [1, 'after'],
      ]);
    });

    test('lets no later writer overtake one that has not committed yet', async () => {
      await borrowed(async (connection) => {
        await connection.begin();
        await stream.publish(topic, [message('a', 'first')], { transaction: connection });
        const second = stream.publish(topic, [message('a', 'second')]);
        await someoneWaitsForALock();
        expect(await readAll('early reader')).toEqual([]);
        await connection.commit();
        await second;
      });
      expect((await readAll('reader')).map(({ value }) => value)).toEqual(['first', 'second']);
    });

    test('from many writers at once, with a reader beside them: everything once, in order, without gaps', async () => {
      const writers = 6;
      const batches = 15;
      let writing = true;
      const written = Promise.all(
        Array.from({ length: writers }, async (_, writer) => {
          for (let batch = 0; batch < batches; batch++) {
            const messages = Array.from({ length: 8 }, (_, i) => message(`w${writer}-${i}`, batch));
            await stream.publish(topic, writer % 2 ? messages : messages.reverse());
          }
        }),
      ).finally(() => {
        writing = false;
      });

      const seen: Entry[] = [];
      while (writing) seen.push(...(await readAll('reader', 7)));
      await written;
      seen.push(...(await readAll('reader', 7)));

      expect(seen).toHaveLength(writers * batches * 8);
      expectGaplessOrder(seen);
      for (let writer = 0; writer < writers; writer++) {
        const own = seen.filter(({ key }) => key === `w${writer}-3`);
        expect(own.map(({ value }) => value)).toEqual(Array.from({ length: batches }, (_, batch) => batch));
      }
    });
  });

  describe('drain', () => {
    test('gives batches of at most maxBatch entries, each group all of them', async () => {
      await stream.publish(topic, numbered(10));
      const sizes: number[] = [];
      for await (const batch of stream.drain(topic, 'one', { maxBatch: 4 })) {
        sizes.push(batch.entries.length);
        await committed(batch);
      }
      expect(sizes).toEqual([4, 4, 2]);
      expect(await readAll('one')).toEqual([]);
      expect(await readAll('two')).toHaveLength(10);
    });

    test('reads what was published when there were more partitions, or fewer', async () => {
      await new LogTableStream({ pool, partitions: 8 }).publish(topic, numbered(16, 16));
      await new LogTableStream({ pool, partitions: 1 }).publish(topic, numbered(2, 2));
      expect(await readAll('reader')).toHaveLength(18);
    });

    test('ends with what was there at the beginning, even if its consumer publishes more', async () => {
      await stream.publish(topic, numbered(3));
      let batches = 0;
      for await (const batch of stream.drain(topic, 'echo', { maxBatch: 10 })) {
        batches++;
        await stream.publish(topic, [...batch.entries]);
        await committed(batch);
      }
      expect(batches).toBe(1);
      expect(await readAll('echo')).toHaveLength(3);
    });

    test('brings a batch again after its transaction was rolled back, together with its results', async () => {
      await stream.publish(topic, numbered(3));
      const attempts: number[][] = [];
      for await (const batch of stream.drain(topic, 'retrying', { maxBatch: 10 })) {
        attempts.push(batch.entries.map(({ offset }) => offset));
        await borrowed(async (connection) => {
          await connection.begin();
          await record(connection, 'retrying', batch);
          await batch.commit(connection);
          if (attempts.length === 1) await connection.rollback();
          else await connection.commit();
        });
      }
      expect(attempts).toEqual([
        [0, 1, 2],
        [0, 1, 2],
      ]);
      expect(await results()).toHaveLength(3);
    });

    const takesOver = async () => {
      await borrowed(async (connection) => {
        await connection.execute(
          `create table stream_entries (topic text, partition integer, "offset" bigint, key text, value json)`,
        );
        await connection.execute(
          `insert into stream_entries select $1, 0, n, 'a', to_json(n) from generate_series(0, 1234) n`,
          [topic],
        );
        await connection.execute('insert into stream_heads values ($1, 0, 1235)', [topic]);
        await connection.execute(`insert into stream_positions values ($1, 'group', 0, 700)`, [topic]);
        await connection.execute(`delete from schema_versions where name = 'streams'`);
        await prepareSchema(connection);
      });
      const entries = await readAll('group');
      expect(entries.map(({ value }) => value)).toEqual(Array.from({ length: 535 }, (_, i) => 700 + i));
      expectGaplessOrder(entries, 700);
    };
    if (dialect === 'postgres') test('goes on in a log of the first version, a row for each entry', takesOver);

    test('holds no connection while its consumer works on a batch', async () => {
      const single = await openPool({ url: store.url, name: 'single', max: 1, acquireTimeout: 5_000 });
      try {
        const narrow = new LogTableStream({ pool: single, partitions: 4 });
        await narrow.publish(topic, numbered(1));
        for await (const batch of narrow.drain(topic, 'reader', { maxBatch: 1 })) await committed(batch, single);
      } finally {
        await single.close();
      }
    });
  });

  describe('trim', () => {
    test('removes only what every group has read, and only what is old enough', async () => {
      await stream.publish(topic, numbered(6));
      await stream.publish(topic, numbered(6));
      await readAll('fast');
      for await (const batch of stream.drain(topic, 'slow', { maxBatch: 6 })) {
        await committed(batch);
        break;
      }
      await stream.trim(topic, 3_600_000);
      expect(await readAll('patient')).toHaveLength(12);
      await stream.trim(topic, -3_600_000);
      expect((await readAll('slow')).map(({ offset }) => offset)).toEqual([6, 7, 8, 9, 10, 11]);
    });

    test('lets a group that comes later begin with the oldest that is left, and end', async () => {
      await stream.publish(topic, numbered(5));
      await readAll('reader');
      await stream.trim(topic, -3_600_000);
      await stream.publish(topic, numbered(3));
      expect((await readAll('late')).map(({ offset }) => offset)).toEqual([5, 6, 7]);
      expect(await readAll('late')).toEqual([]);
    });

    test('goes by age alone where nobody reads', async () => {
      await stream.publish(topic, numbered(5));
      await stream.trim(topic, 3_600_000);
      await stream.trim(topic, -3_600_000);
      await stream.publish(topic, numbered(1));
      expect(await readAll('late')).toHaveLength(1);
    });
  });

  describe('commit', () => {
    test('of a batch that another consumer of the group has committed is refused', async () => {
      await stream.publish(topic, numbered(3));
      const slow = await firstBatch('group');
      await committed(await firstBatch('group'));
      await expect(committed(slow)).rejects.toThrow(StaleBatchError);
    });

    test('waits for a faster consumer that has not committed yet, and succeeds if that one rolls back', async () => {
      await stream.publish(topic, numbered(3));
      const [fast, slow] = [await firstBatch('group'), await firstBatch('group')];
      await borrowed(async (connection) => {
        await connection.begin();
        await fast.commit(connection);
        const second = committed(slow);
        await someoneWaitsForALock();
        await connection.rollback();
        await second;
      });
      expect(await readAll('group')).toEqual([]);
    });

    test('by several consumers of one group records no entry twice and misses none', async () => {
      await stream.publish(topic, numbered(120, 12));
      const consume = async (consumer: string) => {
        for await (const batch of stream.drain(topic, 'group', { maxBatch: 5 })) {
          await borrowed(async (connection) => {
            await connection.begin();
            try {
              await record(connection, consumer, batch);
              await batch.commit(connection);
              await connection.commit();
            } catch (error) {
              await connection.rollback();
              if (!(error instanceof StaleBatchError)) throw error;
            }
          });
        }
      };
      await Promise.all(['one', 'two', 'three'].map(consume));
      const recorded = await results();
      expect(recorded).toHaveLength(120);
      expect(new Set(recorded.map(({ partition, offset }) => `${partition}/${offset}`)).size).toBe(120);
    });
  });
});

function message(key: string, value: unknown) {
  return { key, value };
}

/** `count` messages spread over so many keys. */
function numbered(count: number, keys = 1) {
  return Array.from({ length: count }, (_, i) => message(`key-${i % keys}`, i));
}

/** All that `group` has not seen, in transactions of their own. */
async function readAll(group: string, maxBatch = 100): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const batch of stream.drain(topic, group, { maxBatch })) {
    await committed(batch);
    entries.push(...batch.entries);
  }
  return entries;
}

async function firstBatch(group: string): Promise<Batch> {
  for await (const batch of stream.drain(topic, group, { maxBatch: 100 })) return batch;
  throw new Error('nothing to read');
}

async function committed(batch: Batch, from = pool): Promise<void> {
  await borrowed(async (connection) => {
    await connection.begin();
    try {
      await batch.commit(connection);
    } finally {
      await connection.commit();
    }
  }, from);
}

async function borrowed<T>(work: (connection: Connection) => Promise<T>, from = pool): Promise<T> {
  const connection = await from.acquire();
  try {
    return await work(connection);
  } finally {
    connection.release();
  }
}

const RESULTS = table(
  ({ name, integer, bigint }) =>
    `create table results (topic ${name}, consumer ${name}, "partition" ${integer}, "offset" ${bigint})`,
);

const RECORD: Statement = {
  postgres: 'insert into results select * from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[])',
  oracle: 'insert into results values ($1, $2, $3, $4)',
};

async function record(connection: Connection, consumer: string, batch: Batch): Promise<void> {
  const rows = batch.entries.map(({ offset }) => [topic, consumer, batch.partition, offset]);
  expect(await connection.executeMany(RECORD, rows)).toBe(rows.length);
}

function results(): Promise<{ partition: number; offset: string | number }[]> {
  return borrowed((connection) =>
    connection.query('select "partition", "offset" from results where topic = $1', [topic]),
  );
}

async function someoneWaitsForALock(): Promise<void> {
  await expect.poll(() => store.lockWaits()).toBe(1);
}

function expectGaplessOrder(entries: Entry[], first = 0): void {
  const next = new Map<number, number>();
  for (const { partition, offset } of entries) {
    expect(offset).toBe(next.get(partition) ?? first);
    next.set(partition, offset + 1);
  }
}
