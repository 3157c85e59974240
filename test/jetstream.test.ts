import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GENERATED_REGIONS, generate, writeGenerated } from '../pipeline/generate.ts';
import { runPipeline } from '../pipeline/pipeline.ts';
import { Sink, sinkTable } from '../pipeline/sinks/sink.ts';
import type { Connection } from '../pipeline/store/store.ts';
import { natsAddress } from '../pipeline/streams/nats-address.ts';
import { openStream } from '../pipeline/streams/open.ts';
import { type Batch, type Entry, StaleBatchError, type Stream } from '../pipeline/streams/stream.ts';
import { type FreshStore, freshStore } from './setup/stores.ts';
import { hasNats, type NatsServer, startNats } from './support/nats.ts';
import { bundledIntel, bundledRules, openWorkload, type Workload, withoutDetection } from './support/workload.ts';

describe.skipIf(!hasNats)('streams on NATS JetStream (needs nats-server)', () => {
  let nats: NatsServer;
  let store: FreshStore;
  let workload: Workload;
  let stream: Stream;
  let close: () => Promise<void>;
  let topic = '';
  let topics = 0;
  beforeAll(async () => {
    nats = await startNats();
    store = await freshStore();
    workload = await openWorkload(store.url);
    ({ stream, close } = await openStream({ url: nats.url, pool: workload.pool, partitions: 4 }));
  });
  afterAll(async () => {
    await close?.();
    await workload?.pool.close();
    await store?.drop();
    await nats?.stop();
  });
  beforeEach(() => {
    topic = `topic-${++topics}`;
  });

  const transaction = async (work: (connection: Connection) => Promise<void>) => {
    const connection = await workload.pool.acquire();
    try {
      await connection.begin();
      await work(connection);
      await connection.commit();
    } catch (error) {
      await connection.rollback();
      throw error;
    } finally {
      connection.release();
    }
  };
  const readAll = async (group: string, maxBatch = 100): Promise<Entry[]> => {
    const entries: Entry[] = [];
    for await (const batch of stream.drain(topic, group, { maxBatch })) {
      await transaction((connection) => batch.commit(connection));
      entries.push(...batch.entries);
    }
    return entries;
  };
  const numbered = (count: number, keys = 1) =>
    Array.from({ length: count }, (_, i) => ({ key: `key-${i % keys}`, value: i }));

  test('keeps the order of each key, and gives each group all of it once', async () => {
    await stream.publish(topic, numbered(40, 5));
    await stream.publish(topic, numbered(40, 5));
    const entries = await readAll('one');
    for (let key = 0; key < 5; key++) {
      const values = Array.from({ length: 8 }, (_, i) => 5 * i + key);
      expect(entries.filter((entry) => entry.key === `key-${key}`).map(({ value }) => value)).toEqual([
        ...values,
        ...values,
      ]);
    }
    expect(await readAll('one')).toEqual([]);
    expect(await readAll('two')).toHaveLength(80);
  });

  test('keeps a value that is longer than a message may be', async () => {
    const value = Array.from({ length: 200_000 }, (_, i) => Math.sin(i));
    await stream.publish(topic, [
      { key: 'a', value: 'before' },
      { key: 'a', value },
      { key: 'a', value: 'after' },
    ]);
    expect((await readAll('reader')).map((entry) => entry.value)).toEqual(['before', value, 'after']);
  });

  test('publishes what a cause gave once, however often it is tried', async () => {
    await stream.publish(topic, numbered(5), { cause: 'batch 1' });
    await stream.publish(topic, numbered(5), { cause: 'batch 1' });
    await stream.publish(topic, numbered(5), { cause: 'batch 2' });
    expect(await readAll('reader')).toHaveLength(10);
  });

  test('brings a batch again after its transaction was rolled back', async () => {
    await stream.publish(topic, numbered(3));
    let attempts = 0;
    for await (const batch of stream.drain(topic, 'retrying', { maxBatch: 10 })) {
      const attempt = transaction(async (connection) => {
        await batch.commit(connection);
        if (++attempts === 1) throw new Error('rolled back');
      });
      await attempt.catch(() => {});
    }
    expect(attempts).toBe(2);
  });

  test('refuses a batch that another consumer of the group has committed', async () => {
    await stream.publish(topic, numbered(3));
    const first = async (): Promise<Batch> => {
      for await (const batch of stream.drain(topic, 'group', { maxBatch: 10 })) return batch;
      throw new Error('nothing to read');
    };
    const [slow, fast] = [await first(), await first()];
    await transaction((connection) => fast.commit(connection));
    await expect(transaction((connection) => slow.commit(connection))).rejects.toThrow(StaleBatchError);
  });

  test('has one reader of a group at a partition, and lets the next take over what it leaves', async () => {
    await stream.publish(topic, numbered(4));
    await stream.publish(topic, numbered(4));
    const reading = stream.drain(topic, 'group', { maxBatch: 1 })[Symbol.asyncIterator]();
    const { value: batch } = await reading.next();
    await transaction((connection) => batch.commit(connection));
    const other = readAll('group', 1);
    expect(await Promise.race([other.then(() => 'read'), reading.next().then(() => 'first')])).toBe('first');
    await reading.return?.();
    expect(await other).toHaveLength(4);
  });

  test('reads what was published when there were more partitions, or fewer', async () => {
    const others = [1, 8].map((partitions) => openStream({ url: nats.url, pool: workload.pool, partitions }));
    const [narrow, wide] = await Promise.all(others);
    await wide!.stream.publish(topic, numbered(16, 16));
    await narrow!.stream.publish(topic, numbered(2, 2));
    expect(await readAll('reader')).toHaveLength(18);
    await stream.trim(topic, -3_600_000);
    expect(await readAll('late')).toEqual([]);
    for (const { close } of [narrow!, wide!]) await close();
  });

  test('trims what every group has read; a later group begins with what is left, and ends', async () => {
    await stream.publish(topic, numbered(5));
    await readAll('reader');
    await stream.publish(topic, numbered(3));
    await stream.trim(topic, 3_600_000);
    expect(await readAll('patient')).toHaveLength(8);
    await stream.trim(topic, -3_600_000);
    expect(await readAll('late')).toHaveLength(3);
  });

  test('gives the same insights and deliveries as the log table, also when the server is killed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outlive-jetstream-'));
    await writeGenerated(generate({ seed: 11, events: 1_200 }), folder);
    const [rules, intel] = [await bundledRules(), await bundledIntel()];
    const outcome = async (on: Stream, observe = () => {}) => {
      await workload.empty();
      const sinks = GENERATED_REGIONS.all.map((region) => new Sink({ region, url: store.url }));
      const settings = { pool: workload.pool, stream: on, input: folder, rules, intel, regions: GENERATED_REGIONS };
      const run = () => runPipeline({ ...settings, sinks, maxBatch: 100, observe, keepRecords: true });
      // a run that the stream failed is run again, and goes on where it was
      for (let attempt = 1; ; attempt++) {
        const failure = await run().then(
          () => null,
          (error: Error) => error,
        );
        if (failure === null) break;
        if (attempt === 20 || failure.name !== 'StreamFailure') throw failure;
      }
      for (const sink of sinks) await sink.close();
      const insights = await workload.query('select * from insights order by id');
      const delivered = GENERATED_REGIONS.all.map(async (region) => {
        const select = (table: string) => `select id, body from ${table} order by id`;
        const { postgres, oracle } = sinkTable(region);
        return withoutDetection(await workload.query({ postgres: select(postgres), oracle: select(oracle) }));
      });
      return { insights, delivered: await Promise.all(delivered) };
    };
    const expected = await outcome(workload.stream);
    let batches = 0;
    let restarting = Promise.resolve();
    const found = await outcome(stream, () => {
      if (++batches === 30 || batches === 90) restarting = restarting.then(nats.kill).then(nats.start);
    });
    await restarting;
    await rm(folder, { recursive: true });
    expect(batches).toBeGreaterThan(90);
    expect(expected.insights.length).toBeGreaterThan(0);
    expect(found).toEqual(expected);
  });
});

test.each([
  ['nats://a', { servers: ['nats://a'], name: 'outlive', replicas: 1 }],
  [
    'tls://u:p%40@a:1,b:2/audit?replicas=3',
    { servers: ['tls://a:1', 'tls://b:2'], user: 'u', pass: 'p@', name: 'audit' },
  ],
])('%s names a stream', (url, expected) => {
  expect(natsAddress(url)).toMatchObject(expected);
});

test.each(['nats://', 'http://a', 'nats://a/b/c', 'nats://a?replicas=9'])('%s names none', (url) => {
  expect(() => natsAddress(url)).toThrow(/^--stream needs a URL of the form nats:/);
});
