/**
 * `npm run pipeline:kills`: the pipeline on two task managers is killed fifty times at random moments: its runner, a task
 * manager or the NATS server, with kill -9. What it leaves has to be what an undisturbed run on the log table leaves.
 *
 *   npm run pipeline:kills -- [--kills 50] [--store postgres|oracle] [--stream log|nats] [--seed N]
 *
 * Without `--store` and `--stream` all four combinations in turn; Oracle is its stand-in.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { startOracleStandIn } from '../../oracle-standin/index.ts';
import { generate, randomFrom, writeGenerated } from '../../pipeline/generate.ts';
import { sinkTable } from '../../pipeline/sinks/sink.ts';
import { createDatabase } from '../../pipeline/store/database.ts';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { startNats } from '../support/nats.ts';
import { openWorkload, type Workload, withoutDetection } from '../support/workload.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    store: { type: 'string' },
    stream: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const kills = Number(values.kills);
const random = randomFrom(Number(values.seed));
const MAIN = new URL('../../pipeline/main.ts', import.meta.url).pathname;
/** So many events are added whenever a run has come to its end. */
const PART = 4_000;
const LATEST_MS = 5_000;
const REGIONS = ['us', 'eu'];

interface Store {
  url: string;
  stop(): Promise<void>;
}

const server = await startPostgres();

async function openStore(name: string): Promise<Store> {
  const database = await createDatabase(server.url, `${name}_${process.hrtime.bigint()}`);
  if (name === 'postgres') return { url: database.url, stop: () => database.drop() };
  const { user, password, port, connectString, stop } = await startOracleStandIn({
    database: database.url,
    verifierRounds: 1,
  });
  const url = `oracle://${user}:${password}@127.0.0.1:${port}/${connectString.split('/')[1]}`;
  return { url, stop: () => stop().then(() => database.drop()) };
}

/** A run, and its end: null while it runs. */
function start(folder: string, url: string, ...more: string[]): ChildProcess {
  const args = ['--input', folder, '--tenants', join(folder, '..', 'tenants.yaml'), '--database', url];
  return spawn(process.execPath, [MAIN, ...args, '--keep-records', ...more], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

/** The processes that a runner has started for its lanes. */
function taskManagersOf({ pid }: ChildProcess): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((each) => {
      try {
        const stat = readFileSync(`/proc/${each}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return parent === pid && readFileSync(`/proc/${each}/cmdline`, 'utf8').includes('task-manager');
      } catch {
        return false; // gone meanwhile, or no process
      }
    });
}

async function killed(run: ChildProcess): Promise<void> {
  run.kill('SIGKILL');
  await once(run, 'exit');
}

/** One of them, unless all have ended by themselves meanwhile. */
function killTaskManager(run: ChildProcess): void {
  const there = taskManagersOf(run);
  if (there.length > 0) process.kill(pick(there), 'SIGKILL');
}

async function outcome(url: string, dialect: 'postgres' | 'oracle', isLogTable: boolean) {
  const workload = await openWorkload(url);
  try {
    const delivered = REGIONS.map(async (region) => {
      const rows = await workload.query<{ body: unknown }>(
        `select body from ${sinkTable(region)[dialect]} order by id`,
      );
      return withoutDetection(rows);
    });
    return {
      insights: await workload.query('select * from insights order by id'),
      delivered: await Promise.all(delivered),
      assets: await workload.query('select * from assets order by tenant, "resource"'),
      ...(isLogTable
        ? { records: await topic(workload, 'records'), letters: await topic(workload, 'dead-letters') }
        : {}),
    };
  } finally {
    await workload.pool.close();
  }
}

async function topic(workload: Workload, name: string): Promise<string[]> {
  return (await workload.published(name)).map((value) => JSON.stringify(value)).sort();
}

async function storm(store: 'postgres' | 'oracle', stream: 'log' | 'nats'): Promise<boolean> {
  const above = await mkdtemp(join(tmpdir(), 'outlive-kills-'));
  const folder = join(above, 'input');
  await writeFile(join(above, 'tenants.yaml'), `default: us\ntenants: { '222233334444': eu }\n`);
  const [calm, stormy] = [await openStore(store), await openStore(store)];
  const nats = stream === 'nats' ? await startNats() : null;
  const args = ['--task-managers', '2', '--patience', '60', ...(nats ? ['--stream', nats.url] : [])];
  const deaths: Record<string, number> = { runner: 0, 'task manager': 0, 'nats-server': 0 };
  let parts = 0;
  const addPart = async () => {
    const first = PART * parts++;
    await writeGenerated(generate({ seed: parts, events: PART, first }), join(folder, String(parts).padStart(4, '0')));
  };
  const victims: [string, (run: ChildProcess) => Promise<void>][] = [
    ['runner', killed],
    ['task manager', async (run) => killTaskManager(run)],
  ];
  if (nats) victims.push(['nats-server', () => nats.kill().then(nats.start)]);

  await addPart();
  let run = start(folder, stormy.url, ...args);
  for (let done = 0; done < kills; ) {
    await delay(random() * LATEST_MS);
    if (hasEnded(run)) {
      if (run.exitCode === 0) await addPart();
      run = start(folder, stormy.url, ...args);
      continue;
    }
    const [name, kill] = pick(victims);
    if (taskManagersOf(run).length === 0) continue; // too early
    await kill(run);
    deaths[name]!++;
    done++;
  }
  for (let attempt = 1; attempt <= 10; attempt++) {
    if (!hasEnded(run)) await once(run, 'exit');
    if (run.exitCode === 0) break;
    run = start(folder, stormy.url, ...args);
  }
  await once(start(folder, calm.url), 'exit');
  const [expected, found] = [await outcome(calm.url, store, !nats), await outcome(stormy.url, store, !nats)];
  const same = (Object.keys(expected) as (keyof typeof expected)[]).filter((part) =>
    isDeepStrictEqual(found[part], expected[part]),
  );
  const isSame = same.length === Object.keys(expected).length && run.exitCode === 0;
  const figures = `${parts * PART} events, ${expected.insights.length} insights, ${expected.delivered.flat().length} results`;
  const words = isSame ? 'all as undisturbed' : `NOT AS UNDISTURBED, only ${same.join(', ')}`;
  console.log(`${store}, ${stream}: ${JSON.stringify(deaths)} killed; ${figures}: ${words}`);
  for (const each of [calm, stormy]) await each.stop();
  await nats?.stop();
  await rm(above, { recursive: true });
  return isSame;
}

function pick<T>(choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!;
}

console.log(`Repeat with --seed ${values.seed}.`);
let areSame = true;
for (const store of ['postgres', 'oracle'] as const) {
  for (const stream of ['log', 'nats'] as const) {
    if ((values.store ?? store) !== store || (values.stream ?? stream) !== stream) continue;
    areSame = (await storm(store, stream)) && areSame;
  }
}
await server.stop();
process.exitCode = areSame ? 0 : 1;
