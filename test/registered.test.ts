/** Task managers that register with the job manager by its URL and a token. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { CLUSTER, JobManager, MODULES, ROOT } from './support/job-manager.ts';
import { NODE, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';
import { openWorkload, type Workload } from './support/workload.ts';

let database: FreshDatabase;
let workload: Workload;
let manager: JobManager;
let taskManagers: ChildProcess[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  workload = await openWorkload(database.url);
  await workload.query('create table entered (number integer primary key, pid integer)');
});
afterEach(async () => {
  for (const { pid } of taskManagers) for (const each of [pid, ...childrenOf(pid)]) signal(each, 'SIGKILL');
  taskManagers = [];
  await manager.end('SIGTERM');
});
afterAll(async () => {
  await workload.pool.close();
  await database.drop();
});

async function startManager(...further: string[]): Promise<void> {
  const options = ['--database', database.url, '--modules', MODULES, '--task-managers', '0'];
  manager = await JobManager.start(...options, '--token', 'sesame', ...further);
  manager.headers = { authorization: 'Bearer sesame' };
}

async function register(count: number, ...options: string[]): Promise<void> {
  const args = [CLUSTER, 'task-manager', '--url', manager.url, '--token', 'sesame', '--slots', '1', ...options];
  for (let i = 0; i < count; i++) taskManagers.push(spawn(NODE, args, { cwd: ROOT, stdio: 'ignore' }));
  await until('all to be registered', async () => (await ready()).length === taskManagers.length);
}

interface View {
  pid: number;
  state: string;
  freeSlots: number;
}

async function ready(): Promise<View[]> {
  const { taskmanagers } = (await manager.ask('GET', '/taskmanagers')).body as unknown as { taskmanagers: View[] };
  return taskmanagers.filter(({ state }) => state === 'READY');
}

function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    process.kill(pid as number, name);
  } catch {
    // it has ended
  }
}

const enteredBy = async (pid: number) => {
  const [row] = await workload.query<{ count: string }>(`select count(*) from entered where pid = ${pid}`);
  return Number(row?.count);
};

test('one that freezes is noticed, its lane begun again elsewhere, and what it was at is never done after all', async () => {
  await startManager('--heartbeat-timeout', '3');
  await register(2, '--modules', MODULES);
  const job = await manager.submit({ module: 'enter.cjs', options: { lanes: 2, numbers: 300 } });
  const [frozen] = taskManagers as [ChildProcess];
  const [worker] = childrenOf(frozen.pid) as [number];
  await until('its first entries', async () => (await enteredBy(worker)) > 5);
  for (const pid of [frozen.pid, worker]) signal(pid, 'SIGSTOP');

  await manager.reaches(job, 'FINISHED');
  expect(await workload.query('select number from entered')).toHaveLength(300);
  expect(manager.said()).toMatch(
    /Task manager \d on \S+ is lost \(frozen: no answer for \d\.\d s\) with 1 task, to be begun again elsewhere\./,
  );
  const before = await enteredBy(worker);
  for (const pid of [frozen.pid, worker]) signal(pid, 'SIGCONT');
  await until('it to register anew', async () => (await ready()).length === 2);
  expect(childrenOf(frozen.pid)).not.toContain(worker);
  expect(await enteredBy(worker)).toBe(before);
});

test('the modules of its jobs are those of its own folder; without one their jobs fail with a sentence', async () => {
  await startManager();
  using copy = temporaryFolder();
  cpSync(MODULES, copy.path, { recursive: true });
  await register(1, '--modules', copy.path);
  const done = await manager.submit({ module: 'echo.cjs', options: { lanes: 3 } });
  await manager.reaches(done, 'FINISHED');

  signal(taskManagers[0]?.pid, 'SIGTERM');
  expect(await once(taskManagers.pop() as ChildProcess, 'exit')).toEqual([0, null]);
  await register(1);
  const failed = await manager.submit({ module: 'echo.cjs' });
  await manager.reaches(failed, 'FAILED');
  expect(await manager.job(failed)).toMatchObject({
    error: expect.stringMatching(
      /^A task manager on \S+ has no copy of the job's module: start it with --modules DIR\.$/,
    ),
  });
});

test('one without the token is refused, and says so', async () => {
  await startManager();
  const args = [CLUSTER, 'task-manager', '--url', manager.url];
  expect(await start(NODE, [...args, '--token', 'sesam'])).toMatchObject({
    ...{ code: 2, stderr: expect.stringContaining('The job manager refused: The token is missing or wrong') },
  });
  expect(await ready()).toEqual([]);
});
