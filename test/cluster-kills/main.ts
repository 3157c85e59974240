/**
 * `npm run cluster:kills`: the pipeline runs on a cluster while job managers, task managers and threads of jobs are killed
 * thirty times at random moments. In the end each insight must be there once, the job manager must have said what happened,
 * and the report must have the recordings of all that were killed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Generated, generate, randomFrom, writeGenerated } from '../../pipeline/generate.ts';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { freePort } from '../support/free-port.ts';
import { CLUSTER, JobManager, MODULES, ROOT } from '../support/job-manager.ts';
import { until } from '../support/until.ts';
import { openWorkload, type Workload } from '../support/workload.ts';

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

/** The job manager that serves now, and what became of those before. */
interface Trial {
  manager: JobManager;
  start(): Promise<JobManager>;
  said: string[];
  killed: number[];
  counts: { manager: number; taskManager: number; thread: number };
}

const KILL = {
  async manager(trial: Trial): Promise<void> {
    trial.killed.push(trial.manager.pid);
    trial.said.push(trial.manager.said());
    await trial.manager.end('SIGKILL');
    trial.manager = await trial.start();
  },
  async taskManager({ killed }: Trial, living: View[]): Promise<void> {
    const { pid } = living[Math.floor(living.length * random())] as View;
    killed.push(pid);
    process.kill(pid, 'SIGKILL');
  },
  async thread({ manager }: Trial): Promise<void> {
    const losses = () => manager.said().match(/ERR_WORKER_OUT_OF_MEMORY/g)?.length ?? 0;
    const before = losses();
    const job = await manager.submit({ module: 'hungry.cjs' });
    await until('its thread to be lost', () => losses() > before, PATIENCE);
    await manager.ask('PATCH', `/jobs/${job}?mode=cancel`);
  },
};
const VICTIMS = ['manager', 'taskManager', 'thread'] as const;

async function killAtRandom(trial: Trial): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(random() * LONGEST_PAUSE_MS);
    const chosen = VICTIMS[Math.floor(3 * random())] as (typeof VICTIMS)[number];
    const living = await taskManagersOf(trial.manager);
    const victim = chosen === 'taskManager' && living.length === 0 ? 'thread' : chosen;
    await KILL[victim](trial, living);
    trial.counts[victim]++;
    process.stdout.write(`${kill + 1} of ${KILLS}\r`);
  }
  const { manager, taskManager, thread } = trial.counts;
  process.stdout.write(`killed: ${manager} job managers, ${taskManager} task managers, ${thread} threads\n`);
}

async function checkWork(workload: Workload, { expected }: Generated): Promise<void> {
  const insights = async () => (await workload.query('select id from insights')).length;
  const delivered = async () => (await workload.query('select id from sink_us.results').catch(() => [])).length;
  const results = sum(expected.results);
  await until('all to be delivered', async () => (await delivered()) >= results, PATIENCE);
  await until('all insights', async () => (await insights()) >= expected.insights, PATIENCE);
  await sleep(3000);
  check((await insights()) === expected.insights, `${await insights()} of ${expected.insights} insights`);
  check((await delivered()) === results, `${await delivered()} of ${results} results delivered, each once`);
  const dead = (await workload.published('dead-letters')).length;
  const expectedDead = sum(expected.deadLetters as Record<string, number>);
  check(dead === expectedDead, `${dead} of ${expectedDead} dead letters`);
}

function checkWhatWasSaid({ said, killed, counts }: Trial): void {
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

async function main(): Promise<void> {
  const input = path.join(folder, 'input');
  const generated = generate({ seed, events: EVENTS });
  await writeGenerated(generated, input);
  const database = await startPostgres();
  const workload = await openWorkload(database.url);
  const port = await freePort();
  process.env.NODE_OPTIONS = `--require ${PROBE}`;
  process.env.OUTLIVE_OUT = recordings;
  const start = () =>
    JobManager.start(
      ...['--port', String(port), '--database', database.url, '--modules', MODULES],
      ...['--task-managers', '2', '--job-memory', '96', '--plan-limit', '120'],
    );
  const counts = { manager: 0, taskManager: 0, thread: 0 };
  const trial: Trial = { manager: await start(), start, said: [], killed: [], counts };
  const { url } = trial.manager;
  const elsewhere = spawn(process.execPath, [CLUSTER, 'task-manager', '--url', url, '--modules', MODULES], {
    ...{ cwd: ROOT, stdio: 'ignore' },
  });
  try {
    for (const job of ['ingest', 'rules', 'deliver', 'correlate'])
      await trial.manager.submit({ job, mode: 'continuous', ...(job === 'ingest' && { input }) });
    await killAtRandom(trial);
    await checkWork(workload, generated);
  } finally {
    trial.said.push(trial.manager.said());
    await trial.manager.end('SIGTERM');
    elsewhere.kill('SIGTERM');
    await workload.pool.close();
    await database.stop();
  }
  checkWhatWasSaid(trial);
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isWell ? 0 : 1);
