/** Faults in the midst of the pipeline: whatever breaks, nothing is lost and nothing is done twice. */
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Cluster } from '../pipeline/cluster/cluster.ts';
import { runPipelineOn } from '../pipeline/cluster/run-pipeline.ts';
import { DEFAULT_CONNECTIONS } from '../pipeline/connections/settings.ts';
import { generate, writeGenerated } from '../pipeline/generate.ts';
import { createDatabase } from '../pipeline/store/database.ts';
import { type EmbeddedPostgres, startPostgres } from '../pipeline/store/embedded.ts';
import { smallDisk } from '../scenarios/faults/full-disk.ts';
import { LineProxy } from '../scenarios/faults/proxy.ts';
import { crash } from '../scenarios/faults/restart.ts';
import { lockTable } from '../scenarios/faults/slow-queries.ts';
import { UserError } from '../user-error.ts';
import { sweptFolder } from './support/swept-folder.ts';
import { until } from './support/until.ts';
import { openWorkload, type Workload } from './support/workload.ts';

const input = generate({ seed: 20260303, events: 500 });
const rules = new URL('../pipeline/rules', import.meta.url).pathname;

let folder: string;
/** Of its own: it is crashed. */
let server: EmbeddedPostgres;
beforeAll(async () => {
  folder = sweptFolder('outlive-faults');
  await writeGenerated(input, folder);
  server = await startPostgres({ fsync: false });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Midst {
  /** Of the database itself. */
  url: string;
  proxy: LineProxy;
  workload: Workload;
}

/** Runs the pipeline through the proxy, does `deed` when it is in the midst of it, and compares what it left. */
async function withFault(
  name: string,
  deed: (midst: Midst) => Promise<unknown>,
  prepare: (midst: Midst) => Promise<unknown> = async () => {},
): Promise<void> {
  const database = await createDatabase(server.url, `faults_${name}`);
  const workload = await openWorkload(database.url);
  const proxy = await LineProxy.start(database.url);
  await prepare({ url: database.url, proxy, workload });
  const connections = { ...DEFAULT_CONNECTIONS, url: proxy.url, model: 'per-job', library: 'driver' } as const;
  const cluster = await Cluster.start({ taskManagers: 1, slots: 2, connections });
  try {
    const running = runPipelineOn(cluster, {
      ...{ input: folder, rules, intel: join(rules, 'intel/example.txt'), tenants: undefined },
      ...{ partitions: 2, parallelism: 2, maxBatch: 40, keepRecords: true, sinks: [['us', database.url]] },
    });
    const happening = inTheMidst(workload).then(() => deed({ url: database.url, proxy, workload }));
    await Promise.all([running, happening]);
  } finally {
    await cluster.stop();
    await proxy.stop();
    await workload.pool.close();
  }
  await expectAll(database.url);
  await database.drop();
}

/** As soon as something is written, and while more is to come. */
async function inTheMidst(workload: Workload): Promise<void> {
  const written = () => workload.query('select 1 from ingest_progress');
  await until('something to be written', async () => (await written()).length > 0);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function expectAll(url: string): Promise<void> {
  const { pool, published, query } = await openWorkload(url);
  const total = (counts: object) => Object.values(counts).reduce((sum: number, count: number) => sum + count, 0);
  const { expected } = input;
  expect(await published('records')).toHaveLength(total(expected.records));
  expect(await published('dead-letters')).toHaveLength(total(expected.deadLetters));
  const results = await published<{ id: string }>('results');
  expect(new Set(results.map(({ id }) => id)).size).toBe(total(expected.results));
  expect(await query('select id from insights')).toHaveLength(expected.insights);
  expect(await query('select id from sink_us.results')).toHaveLength(total(expected.results));
  await pool.close();
}

describe('nothing is lost and nothing done twice', { timeout: 180_000 }, () => {
  test('when queries take long', () =>
    withFault('slow', async ({ url }) => {
      const lock = await lockTable(url, 'stream_batches');
      await pause(300);
      await lock.end();
    }));

  test('over a slow and narrow line', () =>
    withFault('line', async ({ proxy }) => {
      proxy.line = { latencyMs: 20, bytesPerSecond: 200_000 };
      await pause(500);
      proxy.clear();
    }));

  test('when all connections are reset, again and again', async () => {
    let broken = 0;
    await withFault('drops', async ({ proxy }) => {
      for (let n = 0; n < 3; n++) {
        broken += proxy.breakAll();
        await pause(300);
      }
    });
    expect(broken).toBeGreaterThan(0);
  });

  test('when the database crashes and recovers', () => withFault('crash', ({ url }) => crash(url)));

  test('when the disk is full until somebody makes room', async ({ skip }) => {
    const disk = await smallDisk(server.url, 1).catch((error) => {
      if (!(error instanceof UserError)) throw error;
      console.error(`SKIPPED: ${error.message}`);
      return null;
    });
    if (disk === null) return skip();
    const { tablespace } = disk;
    try {
      await withFault(
        'disk',
        async ({ url }) => {
          await expect(fill(url, tablespace)).rejects.toMatchObject({ code: '53100' });
          await pause(300);
          await disk.enlarge(64);
        },
        ({ workload }) => workload.query(`alter table stream_batches set tablespace ${tablespace}`),
      );
    } finally {
      await disk.end();
    }
  });
});

/** Until nothing is left for others. */
async function fill(url: string, tablespace: string): Promise<void> {
  const { pool, query } = await openWorkload(url);
  try {
    await query(`create table ballast (text text) tablespace ${tablespace}`);
    await query("insert into ballast select repeat('x', 2000) from generate_series(1, 100000)");
  } finally {
    await pool.close();
  }
}

test('a line carries all bytes in their order, later and slower', async () => {
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => echo.once('listening', resolve));
  const proxy = await LineProxy.start(`postgres://127.0.0.1:${(echo.address() as { port: number }).port}/x`);
  proxy.line = { latencyMs: 300, bytesPerSecond: 1_000_000 };
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
  const sent = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
  for (let at = 0; at < sent.length; at += 7001) socket.write(sent.subarray(at, at + 7001));
  socket.end();
  const pieces: Buffer[] = [];
  socket.on('data', (piece) => pieces.push(piece));
  // its own clock goes on by a millisecond whenever the sockets have had their turn
  let ms = 0;
  for (; !socket.readableEnded && ms < 10_000; ms++) {
    await setImmediate();
    vi.advanceTimersByTime(1);
  }
  vi.useRealTimers();
  expect(Buffer.concat(pieces).equals(sent)).toBe(true);
  // twice 300 ms, and twice 100 ms of sending, the second beginning with the first piece
  expect(ms).toBeGreaterThan(700);
  await proxy.stop();
  echo.close();
});
