/**
 * `npm run cluster:network`, as root on Linux: two task managers, each in a network namespace of its own, register with a
 * job manager. Work must be spread over both. Then the link of one is cut while it works: what it had must be done by the
 * other, all of it once; and when the link is back, it must come again.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer, connect as dial } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { CLUSTER, JobManager, MODULES } from '../support/job-manager.ts';
import { until } from '../support/until.ts';
import { openWorkload } from '../support/workload.ts';

/** Of the job manager and of the database; each namespace has a way to it, and to nothing else. */
const HERE = '10.213.77.1';
const NAMESPACES = ['outlive-a', 'outlive-b'] as const;
const NUMBERS = 1000;
const TOKEN = 'of this network alone';

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
const link = (index: number) => `outlive${index}`;

function openNetwork(): void {
  ip('address', 'add', `${HERE}/32`, 'dev', 'lo');
  for (const [index, name] of NAMESPACES.entries()) {
    const [near, far] = [1, 2].map((end) => `10.213.${78 + index}.${end}`) as [string, string];
    ip('netns', 'add', name);
    ip('link', 'add', link(index), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('address', 'add', `${near}/24`, 'dev', link(index));
    ip('link', 'set', link(index), 'up');
    ip('-n', name, 'address', 'add', `${far}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    ip('-n', name, 'route', 'add', 'default', 'via', near);
  }
}

function closeNetwork(): void {
  const quietly = (...args: string[]) => {
    try {
      execFileSync('ip', args, { stdio: 'ignore' });
    } catch {
      // it is not there
    }
  };
  for (const [index, name] of NAMESPACES.entries()) {
    quietly('link', 'delete', link(index));
    quietly('netns', 'delete', name);
  }
  quietly('address', 'delete', `${HERE}/32`, 'dev', 'lo');
}

/** The private database listens on loopback alone. */
async function forward(url: string): Promise<string> {
  const { port } = new URL(url);
  const server = createServer((inner) => {
    const outer = dial(Number(port), '127.0.0.1');
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const)
      one
        .on('error', () => {})
        .on('close', () => other.destroy())
        .pipe(other);
  });
  await new Promise<void>((resolve) => server.listen(0, HERE, resolve));
  server.unref();
  const own = new URL(url);
  own.host = `${HERE}:${(server.address() as { port: number }).port}`;
  return own.href;
}

interface View {
  id: string;
  state: string;
}

async function statesOf(manager: JobManager): Promise<string> {
  const { taskmanagers } = (await manager.ask('GET', '/taskmanagers')).body as unknown as { taskmanagers: View[] };
  return taskmanagers.map(({ state }) => state).join(' ');
}

const check = (isWell: boolean, sentence: string) => {
  process.stdout.write(`${isWell ? '✓' : '✗'} ${sentence}\n`);
  if (!isWell) process.exitCode = 1;
};

async function main(): Promise<void> {
  const database = await startPostgres();
  const workload = await openWorkload(database.url);
  const taskManagers: ChildProcess[] = [];
  let manager: JobManager | undefined;
  try {
    const address = await forward(database.url);
    const options = ['--host', HERE, '--token', TOKEN, '--task-managers', '0', '--modules', MODULES];
    manager = await JobManager.start(...options, '--database', address);
    manager.headers = { authorization: `Bearer ${TOKEN}` };
    for (const name of NAMESPACES) {
      const args = ['task-manager', '--url', manager.url, '--token', TOKEN, '--modules', MODULES];
      const inside = ['netns', 'exec', name, process.execPath, CLUSTER, ...args];
      taskManagers.push(spawn('ip', inside, { stdio: 'ignore' }));
    }
    await until('both to be registered', async () => (await statesOf(manager!)) === 'READY READY');
    check(true, 'two task managers registered, each from a network of its own');

    await workload.query('create table entered (number integer primary key, pid integer)');
    const entered = async () => {
      const rows = await workload.query<{ pid: number; count: string }>(
        'select pid, count(*) from entered group by pid order by pid',
      );
      return rows.map(({ count }) => Number(count));
    };
    const submit = () => manager!.submit({ module: 'enter.cjs', options: { lanes: 4, numbers: NUMBERS } });
    const first = await submit();
    await until('both to be at work', async () => (await entered()).filter((count) => count > 50).length === 2);
    check(true, `work is spread over both: ${(await entered()).join(' and ')} entries`);

    ip('link', 'set', link(0), 'down');
    const cutAt = performance.now();
    await until('the loss to be noticed', async () => (await statesOf(manager!)).includes('LOST'));
    const seconds = (performance.now() - cutAt) / 1000;
    check(seconds < 10, `the cut link was noticed after ${seconds.toFixed(1)} s`);
    await manager.reaches(first, 'FINISHED', { withinMs: 120_000 });
    const counts = await entered();
    const sum = counts.reduce((total, count) => total + count, 0);
    check(sum === NUMBERS, `work went on: ${sum} of ${NUMBERS} entries, each once (by process: ${counts.join(', ')})`);

    await sleep(1000);
    ip('link', 'set', link(0), 'up');
    await until('it to come again', async () => (await statesOf(manager!)) === 'READY READY', { withinMs: 60_000 });
    check(
      (await entered()).join() === counts.join(),
      'the link is back: it registered anew, and did nothing of what it had',
    );
    await workload.query('delete from entered');
    const second = await submit();
    await manager.reaches(second, 'FINISHED', { withinMs: 120_000 });
    check((await entered()).length === 2, `work is spread over both again: ${(await entered()).join(' and ')} entries`);
  } finally {
    await manager?.end('SIGTERM');
    for (const taskManager of taskManagers) taskManager.kill('SIGTERM');
    process.stdout.write(`\nThe job manager said:\n${manager?.said() ?? ''}`);
    await workload.pool.close();
    await database.stop();
  }
}

if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  process.stderr.write('Network namespaces need Linux and root.\n');
  process.exitCode = 2;
} else {
  // what a killed run left
  closeNetwork();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      closeNetwork();
      process.exit(1);
    });
  }
  openNetwork();
  try {
    await main();
  } finally {
    closeNetwork();
  }
  process.exit();
}
