import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Cluster, type ClusterOptions } from '../pipeline/cluster/cluster.ts';
import { JobFailed } from '../pipeline/cluster/job.ts';
import { hearLines } from '../pipeline/cluster/lines.ts';
import type { ToTaskManager } from '../pipeline/cluster/protocol.ts';
import { runPipelineOn } from '../pipeline/cluster/run-pipeline.ts';
import { DEFAULT_CONNECTIONS } from '../pipeline/connections/settings.ts';
import { generate, writeGenerated } from '../pipeline/generate.ts';
import type { CountOptions } from './fixtures/cluster/count.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { sweptFolder } from './support/swept-folder.ts';
import { until } from './support/until.ts';
import { openWorkload, type Workload } from './support/workload.ts';
import './support/compile-once.ts';

const COUNT = pathToFileURL(join(import.meta.dirname, 'fixtures/cluster/count.ts'));

let database: FreshDatabase;
let workload: Workload;
let cluster: Cluster;

beforeAll(async () => {
  database = await freshDatabase();
  workload = await openWorkload(database.url);
});
afterAll(async () => {
  await workload.pool.close();
  await database.drop();
});
beforeEach(() => workload.query('create table counted (job text, number integer, primary key (job, number))'));
afterEach(async () => {
  await cluster?.stop();
  await workload.query('drop table counted');
});

async function start(options: Partial<ClusterOptions> = {}): Promise<Cluster> {
  const connections = { ...DEFAULT_CONNECTIONS, model: 'per-job', library: 'driver', url: database.url } as const;
  cluster = await Cluster.start({ taskManagers: 2, slots: 2, connections, ...options });
  return cluster;
}

const job = (options: CountOptions, parallelism = 4, name = 'count') => ({ name, module: COUNT, parallelism, options });

async function counted(): Promise<number> {
  const [row] = await workload.query<{ count: string }>('select count(*) from counted');
  return Number(row?.count);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('task managers', () => {
  test('jobs are spread over all of them, each lane in a slot of its own', async () => {
    const { pids } = await start();
    const lanes = (await cluster.run(job({ numbers: 20 }))) as { done: number; pid: number; slot: number }[];
    expect(lanes.map(({ done }) => done)).toEqual([5, 5, 5, 5]);
    expect(lanes.map(({ pid, slot }) => `${pids.indexOf(pid)}/${slot}`).sort()).toEqual(['0/1', '0/2', '1/1', '1/2']);
    expect(await counted()).toBe(20);
  });

  test('more lanes than slots wait for their turn', async () => {
    await start({ taskManagers: 1, slots: 2 });
    const lanes = (await cluster.run(job({ numbers: 20 }, 10))) as { slot: number }[];
    expect(new Set(lanes.map(({ slot }) => slot))).toEqual(new Set([1, 2]));
    expect(await counted()).toBe(20);
  });

  test('one that is killed is started anew, and its lanes with it: nothing is lost, nothing done twice', async () => {
    const log: string[] = [];
    const before = (await start({ log: (sentence) => log.push(sentence) })).pids;
    const lanes = (await cluster.run(job({ numbers: 40, dieAt: 20 }))) as { attempt: number }[];
    expect(await counted()).toBe(40);
    // the lanes of the other task manager went on
    expect(lanes[0]?.attempt).toBe(2);
    expect(lanes.filter(({ attempt }) => attempt === 1).length).toBeGreaterThanOrEqual(2);
    expect(cluster.deaths).toBe(1);
    expect(cluster.pids.filter((pid) => !before.includes(pid))).toHaveLength(1);
    expect(log).toEqual([
      expect.stringMatching(/^Task manager \d died \(SIGKILL\) with [12] tasks?; it is started anew\.$/),
    ]);
  });

  test('one that is frozen is noticed, said, and replaced, and its lanes begin again elsewhere', async () => {
    const log: string[] = [];
    const { pids } = await start({ taskManagers: 1, frozenMs: 600, log: (sentence) => log.push(sentence) });
    let begun = 0;
    const running = cluster.run({ ...job({ numbers: 200, pauseMs: 5 }), onNote: () => begun++ });
    await until('a few transactions', () => begun >= 8);
    process.kill(pids[0]!, 'SIGSTOP');
    const lanes = (await running) as { attempt: number }[];
    expect(lanes.some(({ attempt }) => attempt === 2)).toBe(true);
    expect(await counted()).toBe(200);
    expect(log).toEqual([
      expect.stringMatching(/^Task manager 1 died \(frozen: no answer for \d\.\d s\) with \d tasks?;/),
    ]);
  });

  test('a job that is canceled ends between two batches', async () => {
    await start();
    const canceled = new AbortController();
    let begun = 0;
    const options = { ...job({ numbers: 100_000, pauseMs: 5 }, 6), signal: canceled.signal, onNote: () => begun++ };
    const running = cluster.run(options);
    await until('a few transactions', () => begun >= 8);
    canceled.abort();
    // two lanes never had a slot
    await expect(running).rejects.toThrow('Job count was canceled.');
    await until('all slots to be free', () => cluster.taskManagers.every(({ freeSlots }) => freeSlots === 2));
  });

  test('a lane that goes on when it is canceled ends with its task manager, and its slot is free again', async () => {
    const log: string[] = [];
    await start({ taskManagers: 1, cancelMs: 300, log: (sentence) => log.push(sentence) });
    const canceled = new AbortController();
    let begun = 0;
    const options = { numbers: 100_000, pauseMs: 5, isDeaf: true };
    const running = cluster.run({ ...job(options, 2), signal: canceled.signal, onNote: () => begun++ });
    await until('both lanes to be at work', () => begun >= 8);
    canceled.abort();
    await expect(running).rejects.toThrow('Job count was canceled.');
    expect(log).toEqual([
      'Task manager 1 died (a task did not end within 0.3 s of being canceled) with 1 task; it is started anew.',
    ]);
    expect(await cluster.run(job({ numbers: 8 }, 2, 'next'))).toHaveLength(2);
  });

  test('a lane that throws is begun again, and fails its job when it goes on throwing', async () => {
    await start();
    const lanes = (await cluster.run(job({ numbers: 8, throwAt: 6, throws: 2 }))) as { attempt: number }[];
    expect(lanes.map(({ attempt }) => attempt)).toEqual([1, 1, 3, 1]);
    expect(await counted()).toBe(8);
    const failing = cluster.run(job({ numbers: 8, throwAt: 6, throws: 9 }, 4, 'failing'));
    await expect(failing).rejects.toThrow(JobFailed);
    await expect(failing).rejects.toThrow(/^Lane 3 of 4 of job failing failed at each of 5 attempts.*as ordered/);
  });

  test('a lane of a patient job is told once, and begun again for as long as that says', async () => {
    const said: string[] = [];
    await start({ log: (sentence) => said.push(sentence) });
    const patient = { ...job({ numbers: 8, throwAt: 6, throws: 5 }, 4, 'patient'), patience: 60_000 };
    const lanes = (await cluster.run(patient)) as { attempt: number }[];
    expect(lanes.map(({ attempt }) => attempt)).toEqual([1, 1, 6, 1]);
    expect(said).toEqual([
      expect.stringMatching(/^Lane 3 of 4 of job patient failed: .*It is tried again for 60 s\.$/),
    ]);
  });

  test('a task manager that cannot start is a clear error, and leaves nothing running', async () => {
    await expect(start({ execArgv: ['--no-such-option'] })).rejects.toThrow(
      /^Task manager \d cannot be started: exit code 9$/,
    );
  });

  test('without one that can start every job fails, and once one can again the next is done', async () => {
    const execArgv: string[] = [];
    const { pids } = await start({ execArgv, taskManagers: 1 });
    const patient = { ...job({ numbers: 8, throwAt: 6, throws: 99 }, 4, 'patient'), patience: 60_000 };
    // also the lane that waits to be tried again
    const running = cluster.run(patient);
    execArgv.push('--no-such-option');
    process.kill(pids[0] as number, 'SIGKILL');
    await expect(running).rejects.toThrow('Task manager 1 cannot be started: exit code 9');
    await expect(cluster.run(job({ numbers: 8 }))).rejects.toThrow('Task manager 1 cannot be started: exit code 9');
    execArgv.pop();
    await until('it to be there again', () => cluster.taskManagers[0]?.isReady, { withinMs: 20_000 });
    expect(await cluster.run(job({ numbers: 8 }))).toHaveLength(4);
  });

  test('one that cannot start any more is said, and its lanes are done by the others', async () => {
    const execArgv: string[] = [];
    const log: string[] = [];
    const { pids } = await start({ execArgv, log: (sentence) => log.push(sentence) });
    execArgv.push('--no-such-option');
    process.kill(pids[0] as number, 'SIGKILL');
    const tried = 'Task manager 1 cannot be started: exit code 9; it is tried again and again.';
    await until('it to be said', () => log.includes(tried), { withinMs: 20_000 });
    expect(await cluster.run(job({ numbers: 8 }))).toHaveLength(4);
  });

  test('of one that registers anew the sessions of before are ended, and no others', async () => {
    const ended: string[] = [];
    await start({ taskManagers: 0, endSessions: async (prefix) => ended.push(prefix) });
    const owners: string[] = [];
    for (const times of [1, 2]) {
      const [here, there] = duplexPair();
      hearLines<ToTaskManager>(there, (message) => {
        if (message.do === 'configure') owners.push(`${message.settings.connections.owner}/`);
      });
      cluster.register(here, { id: '0123abcd', host: 'elsewhere', pid: 1, slots: 1 });
      await until('it to be configured', () => owners.length === times);
    }
    await until('sessions to be ended', () => ended.length > 0);
    expect(ended).toEqual([owners[0]]);
    expect(owners[1]).not.toBe(owners[0]);
  });

  test('stop lets a lane finish its transaction, and leaves no process and no session', async () => {
    const { pids } = await start();
    let begun = 0;
    const running = cluster.run({ ...job({ numbers: 100_000, pauseMs: 5 }), onNote: () => begun++ });
    await until('two transactions of each lane', () => begun >= 8);
    await cluster.stop();
    const lanes = (await running) as { done: number }[];
    expect(await counted()).toBe(lanes.reduce((sum, { done }) => sum + done, 0));
    expect(pids.map(isAlive)).toEqual([false, false]);
    await expect(cluster.run(job({ numbers: 1 }))).rejects.toThrow(
      'The cluster was stopped before job count had ended.',
    );
  });
});

describe('the pipeline on task managers', { timeout: 180_000 }, () => {
  const input = generate({ seed: 20260211, events: 2000 });
  let folder: string;
  beforeAll(async () => {
    folder = sweptFolder('outlive-cluster');
    await writeGenerated(input, folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('finds what the generator put in, also when task managers are killed again and again', async () => {
    await start({ taskManagers: 2, slots: 2 });
    const rules = new URL('../pipeline/rules', import.meta.url).pathname;
    const running = runPipelineOn(cluster, {
      ...{ input: folder, rules, intel: join(rules, 'intel/example.txt'), tenants: undefined },
      ...{ partitions: 4, parallelism: 4, maxBatch: 60, keepRecords: true },
      sinks: [['us', database.url]],
    });
    let isOver = false;
    void running.finally(() => {
      isOver = true;
    });
    for (let killedAt = 0; !isOver; await new Promise((resolve) => setTimeout(resolve, 20))) {
      const entries = await handled();
      if (entries < killedAt + 700) continue;
      killedAt = entries;
      process.kill(cluster.pids[cluster.deaths % 2]!, 'SIGKILL');
    }
    await running;
    expect(cluster.deaths).toBeGreaterThan(1);
    const { expected } = input;
    const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count);
    expect(await workload.published('records')).toHaveLength(total(expected.records));
    expect(await workload.published('dead-letters')).toHaveLength(
      total(expected.deadLetters as Record<string, number>),
    );
    const results = await workload.published<{ id: string }>('results');
    expect(new Set(results.map(({ id }) => id)).size).toBe(total(expected.results));
    // a record that comes twice gives its results twice, so what may not be is more than that
    expect(results.length).toBeLessThanOrEqual(total(expected.results) + expected.duplicates);
    expect(await workload.query('select id from insights')).toHaveLength(expected.insights);
    expect(await workload.query('select id from sink_us.results')).toHaveLength(total(expected.results));
  });

  /** Entries read and written so far, of all jobs. */
  async function handled(): Promise<number> {
    const [row] = await workload.query<{ sum: string }>(
      `select coalesce((select sum(elements) from ingest_progress), 0)
        + coalesce((select sum(next_offset) from stream_positions), 0) as sum`,
    );
    return Number(row?.sum);
  }

  test.each(['SIGINT', 'SIGKILL'] as const)('%s of the runner leaves no process behind', async (signal) => {
    const program = join(import.meta.dirname, '../pipeline/main.ts');
    const args = ['--input', folder, '--database', database.url, '--task-managers', '2', '--slots', '3'];
    const runner = spawn(process.execPath, [program, ...args], { stdio: 'ignore' });
    const gone = once(runner, 'exit');
    const children = await until('two task managers to be started', () => {
      const pids = childrenOf(runner.pid!);
      return pids.length === 2 && pids;
    });
    runner.kill(signal);
    const [code, killedBy] = await gone;
    if (signal === 'SIGINT') expect([0, 130]).toContain(code);
    else expect(killedBy).toBe('SIGKILL');
    await until('the task managers to end', () => !children.some(isAlive));
  });
});

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}
