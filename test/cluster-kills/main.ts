/**
 * `npm run cluster:kills`: the pipeline runs on a cluster while job managers, task managers and threads of jobs are killed
 * thirty times at random moments. In the end each insight must be there once, the job manager must have said what happened,
 * and the report must have the recordings of all that were killed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generate, randomFrom, writeGenerated } from '../../pipeline/generate.ts';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { CLUSTER, JobManager, MODULES, ROOT } from '../support/job-manager.ts';
import { until } from '../support/until.ts';
import { openWorkload } from '../support/workload.ts';

const KILLS = 30;
const EVENTS = 6000;
const LONGEST_PAUSE_MS = 2000;
/** The machine may be at work with other things. */
const PATIENCE = { withinMs: 180_000 };
const seed = Number(process.argv[2] ?? 1);
const random = randomFrom(seed);
const CLI = path.join(ROOT, 'dist/cli/main.js');
const PROBE = path.join(ROOT, 'dist/probe/register.js');

const folder = mkdtempSync(path.join(tmpdir(), 'outlive-cluster-kills-'));
const recordings = path.join(folder, 'recordings');
const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface View {
  pid: number;
  state: string;
}

async function taskManagersOf(manager: JobManager): Promise<View[]> {
  const { body } = await manager.ask('GET', '/taskmanagers');
  return (body as unknown as { taskmanagers: View[] }).taskmanagers.filter(({ state }) => state === 'READY');
}

let isWell = true;
const check = (passed: boolean, sentence: string) => {
  isWell &&= passed;
  process.stdout.write(`${passed ? '✓' : '✗'} ${sentence}\n`);
};

async function main(): Promise<void> {
  const input = path.join(folder, 'input');
  const generated = generate({ seed, events: EVENTS });
  await writeGenerated(generated, input);
  const database = await startPostgres();
  const workload = await openWorkload(database.url);
  const port = await freePort();
  process.env.NODE_OPTIONS = `--require ${PROBE}`;
  process.env.OUTLIVE_OUT = recordings;
  const startManager = () =>
    JobManager.start(
      ...['--port', String(port), '--database', database.url, '--modules', MODULES],
      ...['--task-managers', '2', '--job-memory', '96', '--plan-limit', '120'],
    );
  const said: string[] = [];
  let manager = await startManager();
  const elsewhere = spawn(process.execPath, [CLUSTER, 'task-manager', '--url', manager.url, '--modules', MODULES], {
    cwd: ROOT,
    stdio: 'ignore',
  });
  const killed: number[] = [];
  const counts = { manager: 0, taskManager: 0, thread: 0 };
  try {
    for (const job of ['ingest', 'rules', 'deliver', 'correlate'])
      await manager.submit({ job, mode: 'continuous', ...(job === 'ingest' && { input }) });
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(random() * LONGEST_PAUSE_MS);
      const which = Math.floor(3 * random());
      const living = await taskManagersOf(manager);
      if (which === 0) {
        killed.push(manager.pid);
        said.push(manager.said());
        await manager.end('SIGKILL');
        manager = await startManager();
        counts.manager++;
      } else if (which === 1 && living.length > 0) {
        const { pid } = living[Math.floor(living.length * random())] as View;
        killed.push(pid);
        process.kill(pid, 'SIGKILL');
        counts.taskManager++;
      } else {
        const losses = () => manager.said().match(/ERR_WORKER_OUT_OF_MEMORY/g)?.length ?? 0;
        const before = losses();
        const job = await manager.submit({ module: 'hungry.cjs' });
        await until('its thread to be lost', () => losses() > before, PATIENCE);
        await manager.ask('PATCH', `/jobs/${job}?mode=cancel`);
        counts.thread++;
      }
      process.stdout.write(`${kill + 1} of ${KILLS}\r`);
    }
    const { manager: managers, taskManager, thread } = counts;
    process.stdout.write(`killed: ${managers} job managers, ${taskManager} task managers, ${thread} threads\n`);
    const { expected } = generated;
    const insights = async () => (await workload.query('select id from insights')).length;
    const delivered = async () => (await workload.query('select id from sink_us.results').catch(() => [])).length;
    await until('all to be delivered', async () => (await delivered()) >= sum(expected.results), PATIENCE);
    await until('all insights', async () => (await insights()) >= expected.insights, PATIENCE);
    await sleep(3000);
    check((await insights()) === expected.insights, `${await insights()} of ${expected.insights} insights`);
    check(
      (await delivered()) === sum(expected.results),
      `${await delivered()} of ${sum(expected.results)} results delivered, each once`,
    );
    const dead = (await workload.published('dead-letters')).length;
    const expectedDead = sum(expected.deadLetters as Record<string, number>);
    check(dead === expectedDead, `${dead} of ${expectedDead} dead letters`);
  } finally {
    said.push(manager.said());
    await manager.end('SIGTERM');
    elsewhere.kill('SIGTERM');
    await workload.pool.close();
    await database.stop();
  }
  const all = said.join('\n');
  const times = (pattern: RegExp) => all.match(pattern)?.length ?? 0;
  check(times(/left unfinished/g) === counts.manager, `each next job manager said that it goes on (${counts.manager})`);
  const lost = times(/died \(SIGKILL\)|is lost \(/g);
  check(lost >= counts.taskManager, `the loss of task managers was said (${lost} for ${counts.taskManager})`);
  const threads = times(/ERR_WORKER_OUT_OF_MEMORY/g);
  check(threads >= counts.thread, `the loss of threads was said (${threads} for ${counts.thread})`);
  execFileSync(process.execPath, [CLI, 'report', recordings, '--json'], {
    ...{ stdio: 'ignore', env: { ...process.env, NODE_OPTIONS: '' } },
  });
  const report = JSON.parse(readFileSync(path.join(recordings, 'report.json'), 'utf8')) as { processes: View[] };
  const reported = new Set(report.processes.map(({ pid }) => pid));
  const missing = killed.filter((pid) => !reported.has(pid));
  check(missing.length === 0, `the recordings of the ${killed.length} killed processes are in the report`);
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isWell ? 0 : 1);
