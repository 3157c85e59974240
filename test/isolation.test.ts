/** What a job's module is loaded into in a task manager: once, in native contexts of its own, or in a thread of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../pipeline/cluster/cluster.ts';
import type { Job } from '../pipeline/cluster/job.ts';
import type { Isolation } from '../pipeline/cluster/protocol.ts';
import { DEFAULT_CONNECTIONS } from '../pipeline/connections/settings.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
let cluster: Cluster;
beforeAll(() => {
  mkdirSync(folder.path, { recursive: true });
  // says how often it was loaded with these globals, and which thread it is in
  writeFileSync(
    join(folder.path, 'seen.cjs'),
    `const { parentPort, threadId } = require('node:worker_threads');
let runs = 0;
globalThis.loads = (globalThis.loads ?? 0) + 1;
exports.run = async ({ options }) => {
  const all = [];
  while (options.hungry) all.push(new Array(1e5).fill({}));
  const send = parentPort ? (word) => parentPort.postMessage(word) : (word) => process.send(word);
  for (const word of options.says ?? []) send(word);
  return { loads, runs: ++runs, threadId };
};`,
  );
});
afterEach(() => cluster.stop());
afterAll(() => folder[Symbol.dispose]());

// nothing is asked of it
const NO_DATABASE = 'postgres://nobody@127.0.0.1:1/none';

async function start(isolation: Isolation): Promise<void> {
  const connections = { ...DEFAULT_CONNECTIONS, model: 'per-job', library: 'driver', url: NO_DATABASE } as const;
  cluster = await Cluster.start({ taskManagers: 1, slots: 2, connections, isolation, memoryMb: 32 });
}

interface Seen {
  loads: number;
  runs: number;
  threadId: number;
}

async function run(key: string, further: Partial<Job> = {}): Promise<Seen> {
  const module = pathToFileURL(join(folder.path, 'seen.cjs'));
  const [seen] = await cluster.run({ name: 'seen', key, module, parallelism: 1, options: {}, ...further });
  return seen as Seen;
}

test('none: once for all runs of all jobs', async () => {
  await start('none');
  expect([await run('a'), await run('a'), await run('b')]).toEqual([
    { loads: 1, runs: 1, threadId: 0 },
    { loads: 1, runs: 2, threadId: 0 },
    { loads: 1, runs: 3, threadId: 0 },
  ]);
});

test('context: anew for each run, in the thread of the task manager', async () => {
  await start('context');
  const fresh = { loads: 1, runs: 1, threadId: 0 };
  expect([await run('a'), await run('a'), await run('b')]).toEqual([fresh, fresh, fresh]);
});

test('worker: in a thread for each job, which lives as long as the job', async () => {
  await start('worker');
  const [one, again, other] = [await run('a'), await run('a'), await run('b')];
  expect(new Set([one.threadId, other.threadId, 0]).size).toBe(3);
  expect(again).toEqual({ loads: 1, runs: 1, threadId: one.threadId });
  cluster.forget('a');
  expect((await run('a')).threadId).not.toBe(one.threadId);
});

test.each([
  ['throws nothing', 'setTimeout(() => { throw null; });', 'The thread of the job was lost (Error: null).'],
  ['rejects with what has no words', 'return Promise.reject(Object.create(null));', 'Error: it has no words'],
])('a job that %s fails alone', async (name, text, words) => {
  await start('worker');
  const file = join(folder.path, `${name}.cjs`);
  writeFileSync(file, `exports.run = async () => { ${text} await new Promise(() => {}); };`);
  const failed = new AbortController();
  const further = { module: pathToFileURL(file), onFailure: (why: string) => failed.abort(why) };
  await expect(run('a', { ...further, signal: failed.signal })).rejects.toThrow('Job seen was canceled.');
  expect(failed.signal.reason).toBe(words);
  expect(cluster.deaths).toBe(0);
});

test('a job that needs more memory than its thread may have fails alone', async () => {
  await start('worker');
  const other = await run('b');
  const failed = new AbortController();
  const hungry = run('a', {
    options: { hungry: true },
    onFailure: (why) => failed.abort(why),
    signal: failed.signal,
  });
  await expect(hungry).rejects.toThrow('Job seen was canceled.');
  expect(failed.signal.reason).toBe('The thread of the job was lost (ERR_WORKER_OUT_OF_MEMORY: it may have 32 MB).');
  expect(await run('b')).toEqual(other);
  expect(cluster.deaths).toBe(0);
});

test.each(['none', 'worker'] as const)(
  '%s: what a job sends to its parent by itself harms nobody',
  async (isolation) => {
    await start(isolation);
    const said = await run('a', { options: { says: ['ready', null, '{', {}] } });
    expect((await run('a')).threadId).toBe(said.threadId);
    expect(cluster.deaths).toBe(0);
  },
);
