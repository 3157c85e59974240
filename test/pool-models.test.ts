import { cpSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Cluster } from '../pipeline/cluster/cluster.ts';
import { ConnectionFactory } from '../pipeline/connections/factory.ts';
import {
  type ConnectionSettings,
  DEFAULT_CONNECTIONS,
  POOL_LIBRARIES,
  type PoolModel,
} from '../pipeline/connections/settings.ts';
import { Waits } from '../pipeline/connections/waits.ts';
import { isDatabaseFailure } from '../pipeline/store/failure.ts';
import type { ConnectionPool } from '../pipeline/store/store.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { ROOT, start } from './support/probed.ts';
import { sweptFolder } from './support/swept-folder.ts';
import './support/compile-once.ts';

const BORROW = pathToFileURL(join(import.meta.dirname, 'fixtures/cluster/borrow.ts'));

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

function settings(model: PoolModel, others: Partial<ConnectionSettings> = {}): ConnectionSettings {
  return { ...DEFAULT_CONNECTIONS, model, library: 'driver', url: database.url, max: 2, ...others };
}

describe.each(POOL_LIBRARIES)('with the pool of %s', (library) => {
  test.each([
    { model: 'shared', pools: 1, connections: 2 },
    { model: 'per-job', pools: 2, connections: 4 },
    { model: 'per-slot', pools: 4, connections: 8 },
  ] as const)('$model: two jobs in two slots each have $pools pools and $connections connections', async (expected) => {
    const factory = new ConnectionFactory(settings(expected.model, { library }));
    const seats = [1, 2, 3, 4].map((slot) => ({ job: slot > 2 ? 'audit' : 'billing', slot }));
    const sessions = new Set<number>();
    await Promise.all(
      seats.map(async (seat) => {
        const connections = factory.connectionsFor(seat);
        // each asks for more than a pool has
        for (const pid of await Promise.all([1, 2, 3].map(() => borrow(connections)))) sessions.add(pid);
        await connections.close();
      }),
    );
    const { logons, pools } = factory.account();
    expect(pools).toHaveLength(expected.pools);
    expect(sessions.size).toBe(expected.connections);
    expect(logons).toMatchObject({ asked: expected.connections, openPeak: expected.connections, failures: [] });
    const jobs = pools.flatMap((pool) => pool.jobs);
    expect(jobs.reduce((sum, { acquired }) => sum + acquired, 0)).toBe(12);
  });

  test('a statement that gets no answer is given up, and its connection with it', async () => {
    const factory = new ConnectionFactory(settings('shared', { library, answerTimeout: 500 }));
    const connections = factory.connectionsFor({ job: 'billing', slot: 1 });
    const connection = await connections.acquire();
    const failure = await connection.query('select pg_sleep(60)').catch((error: Error) => error);
    expect(isDatabaseFailure(failure)).toBe(true);
    connection.release(failure as Error);
    expect(await borrow(connections)).toBeGreaterThan(0);
    await connections.close();
  });

  test('a pool is closed with the last of its seats, and not before', async () => {
    const factory = new ConnectionFactory(settings('per-job', { library }));
    const [one, other] = [1, 2].map((slot) => factory.connectionsFor({ job: 'billing', slot }));
    (await one!.acquire()).release();
    await one!.close();
    await one!.close(); // twice is as good as once
    const connection = await other!.acquire();
    expect(await connection.query('select 1 as one')).toEqual([{ one: 1 }]);
    connection.release();
    expect(factory.account().logons).toMatchObject({ asked: 1, opened: 1, open: 1 });
    await other!.close();
    await vi.waitFor(() => expect(factory.account().logons.open).toBe(0));
  });

  test('logons that fail are counted with what they failed with, and told from other errors', async () => {
    const url = database.url.replace(/:[^:@/]+@/, ':wrong@');
    const factory = new ConnectionFactory(settings('shared', { library, url, acquireTimeout: 600 }));
    const connections = factory.connectionsFor({ job: 'billing', slot: 1 });
    const error = await connections.acquire().then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Error);
    expect(factory.account().logons.failures[0]).toMatchObject({ code: '28P01' });
    expect(factory.account().pools[0]?.jobs[0]).toMatchObject({ job: 'billing', acquired: 0, failed: 1 });
    // generic-pool keeps trying until the time is up, and then says only that
    expect(factory.isLogonError(error)).toBe(library === 'driver');
    await connections.close();
  });
});

/** The server's process behind a connection that is held for a moment. */
async function borrow(connections: ConnectionPool): Promise<number> {
  const connection = await connections.acquire();
  try {
    const [row] = await connection.query<{ pid: number }>('select pg_backend_pid() as pid');
    await new Promise((resolve) => setTimeout(resolve, 100));
    return row!.pid;
  } finally {
    connection.release();
  }
}

test('each task manager has pools of its own, which all its slots share by the model', async () => {
  const cluster = await Cluster.start({ taskManagers: 2, slots: 2, connections: settings('per-job') });
  const options = { borrows: 3, holdMs: 50 };
  const lanes = await cluster.run({ name: 'billing', module: BORROW, parallelism: 4, options });
  const accounts = await cluster.account();
  await cluster.stop();
  expect(accounts.map(({ pools }) => pools.map(({ pool }) => pool))).toEqual([['billing'], ['billing']]);
  expect(new Set(lanes.flatMap((pids) => String(pids).split(' '))).size).toBe(4);
});

test('one factory in a process, although two copies of its module are loaded', async () => {
  const folder = sweptFolder('outlive-copies');
  try {
    for (const copy of ['one', 'two']) {
      cpSync(join(ROOT, 'dist/pipeline'), join(folder, copy, 'pipeline'), { recursive: true });
      cpSync(join(ROOT, 'dist/user-error.js'), join(folder, copy, 'user-error.js'));
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const script = `
      const [one, two] = await Promise.all(['one', 'two'].map((copy) => import('${folder}/' + copy + '/pipeline/connections/factory.js')));
      const settings = ${JSON.stringify(settings('per-job'))};
      const first = one.connectionFactory(settings);
      let refusal;
      try { two.connectionFactory({ ...settings, max: 9 }) } catch (error) { refusal = error.message }
      console.log(JSON.stringify([one === two, two.connectionFactory({ ...settings }) === first, refusal]));`;
    const { stdout, stderr } = await start(process.execPath, ['--input-type=module', '-e', script]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([false, true, 'This process has its connection factory, with another "max".']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the password stays out of the arguments that every user of the machine can read', async () => {
  const cluster = await Cluster.start({ taskManagers: 1, slots: 1, connections: settings('shared') });
  const seen = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${cluster.pids[0]}/${file}`, 'utf8')).join();
  await cluster.stop();
  expect(seen).toContain('task-manager');
  expect(seen).not.toContain(new URL(database.url).password);
});

describe('who made whom wait', () => {
  test('a wait is charged to the jobs that had the connections, by how much of them they had', () => {
    const waits = new Waits(() => 0, 0);
    const releases = ['heavy', 'heavy', 'heavy', 'light'].map((job) => waits.began(job, 0)(true, 0));
    const acquired = waits.began('light', 100);
    releases[3]!(200); // light had one of four until here
    releases[0]!(300);
    acquired(true, 300);
    const light = waits.jobs().find(({ job }) => job === 'light')!;
    expect(light.waits).toEqual([0, 200]);
    // 3 × 200 ms of heavy against 1 × 100 ms of light
    expect(light.waitedFor.heavy).toBeCloseTo((200 * 600) / 700);
    expect(light.waitedFor.light).toBeCloseTo((200 * 100) / 700);
    expect(waits.jobs().find(({ job }) => job === 'heavy')).toMatchObject({ acquired: 3, waitedFor: {} });
  });

  test('a wait for logons is charged to them, and one that ends in nothing as well', () => {
    const waits = new Waits(() => 2, 0);
    waits.began('light', 0)(false, 500);
    expect(waits.jobs()).toEqual([
      { job: 'light', acquired: 0, failed: 1, waits: [500], held: 0, waitedFor: { logon: 500 } },
    ]);
  });
});
