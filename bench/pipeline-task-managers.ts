/**
 * What a second task manager gains, beside what a second process gains that reads, curates and matches the same files
 * without stream and database.
 *
 *   node bench/pipeline-task-managers.ts [--events 500000]
 *
 * By the clock it says how it is on this machine, where task managers and database share the cores. By CPU time of the
 * busiest task manager it says how it is where each of them has a core.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BUNDLED_INTEL, BUNDLED_RULES } from '../pipeline/bundled.ts';
import { Cluster } from '../pipeline/cluster/cluster.ts';
import { runPipelineOn } from '../pipeline/cluster/run-pipeline.ts';
import { DEFAULT_CONNECTIONS } from '../pipeline/connections/settings.ts';
import { generate, writeGenerated } from '../pipeline/generate.ts';
import { loadIntel } from '../pipeline/jobs/intel-files.ts';
import { judge } from '../pipeline/jobs/judge.ts';
import { loadRules } from '../pipeline/jobs/rule-set.ts';
import { createTables } from '../pipeline/jobs/tables.ts';
import { curate } from '../pipeline/records/curate.ts';
import { elementsOf } from '../pipeline/records/elements.ts';
import { chunksOf, filesOf } from '../pipeline/records/files.ts';
import { createDatabase, openPool } from '../pipeline/store/database.ts';
import { type EmbeddedPostgres, startPostgres } from '../pipeline/store/embedded.ts';
import { prepareSchema } from '../pipeline/store/schema.ts';
import { partitionOf } from '../pipeline/streams/stream.ts';
import { serverSeconds } from './server-seconds.ts';

/** Seconds. */
interface Figure {
  wall: number;
  /** CPU, of each process. */
  each: number[];
  database: number;
}

/** CPU seconds of a process so far. */
async function secondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function onTaskManagers(taskManagers: number, input: string, server: EmbeddedPostgres): Promise<Figure> {
  const { url, drop } = await createDatabase(server.url, `task_managers_${taskManagers}`);
  const pool = await openPool({ url, name: 'bench', max: 2 });
  const connection = await pool.acquire();
  await prepareSchema(connection).finally(() => connection.release());
  await createTables(pool);
  const connections = { ...DEFAULT_CONNECTIONS, url, model: 'shared', library: 'driver' } as const;
  const cluster = await Cluster.start({ taskManagers, slots: 1, connections });
  try {
    const cpu = () => Promise.all(cluster.pids.map(secondsOf));
    const [began, before, database] = [performance.now(), await cpu(), serverSeconds(server)];
    await runPipelineOn(cluster, {
      ...{ input, partitions: 4, parallelism: taskManagers, rules: null, intel: null, tenants: undefined },
      sinks: [['us', url]],
    });
    const wall = (performance.now() - began) / 1_000;
    const each = (await cpu()).map((seconds, index) => seconds - before[index]!);
    return { wall, each, database: serverSeconds(server) - database };
  } finally {
    await cluster.stop();
    await pool.close();
    await drop();
  }
}

async function onProcesses(processes: number, input: string): Promise<Figure> {
  const began = performance.now();
  const each = await Promise.all(
    Array.from({ length: processes }, async (_, index) => {
      const child = fork(import.meta.filename, ['--share', `${index}/${processes}`, input]);
      const [cpu] = (await once(child, 'message')) as [number];
      return cpu;
    }),
  );
  return { wall: (performance.now() - began) / 1_000, each, database: 0 };
}

/** Reads, curates and matches some of the files. Gives the CPU seconds. */
async function matchShare(index: number, of: number, input: string): Promise<number> {
  const [rules, intel] = [await loadRules(BUNDLED_RULES), await loadIntel(BUNDLED_INTEL)];
  for await (const { path, problem } of filesOf(input)) {
    if (problem || partitionOf(path, of) !== index) continue;
    for await (const some of elementsOf(chunksOf(path))) {
      for (const element of some) {
        try {
          if ('value' in element) for (const record of curate(element.value)) judge(record, { rules, intel });
        } catch {} // a dead letter
      }
    }
  }
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function print(name: string, one: Figure, two: Figure): void {
  for (const { wall, each, database } of [one, two]) {
    const cells = [wall.toFixed(2).padStart(8), each.map((cpu) => cpu.toFixed(2)).join(' + ')];
    console.log(`${name.padEnd(40)}${cells[0]}   ${cells[1]!.padEnd(14)}${database.toFixed(2).padStart(8)}`);
  }
  const busiest = one.each[0]! / Math.max(...two.each);
  console.log(
    `  ×${(one.wall / two.wall).toFixed(2)} by the clock, ×${busiest.toFixed(2)} by CPU time of the busiest\n`,
  );
}

const { values, positionals } = parseArgs({
  options: { events: { type: 'string', default: '500000' }, share: { type: 'string' } },
  allowPositionals: true,
});
if (values.share) {
  const [index, of] = values.share.split('/').map(Number) as [number, number];
  process.send!(await matchShare(index, of, positionals[0]!));
} else {
  const folder = await mkdtemp(join(tmpdir(), 'outlive-task-managers-'));
  const server = await startPostgres();
  try {
    const events = Number(values.events);
    for (let first = 0; first < events; first += 100_000) {
      const part = generate({ seed: 1 + first, events: Math.min(100_000, events - first), first });
      await writeGenerated(part, join(folder, String(first)));
    }
    console.log(`${events} events                              seconds   CPU s of each   of the database`);
    print('limit: read, curate, match; no stream', await onProcesses(1, folder), await onProcesses(2, folder));
    print('task managers', await onTaskManagers(1, folder, server), await onTaskManagers(2, folder, server));
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
}
