/**
 * What an event costs, and the memory that the pipeline takes, as the input grows tenfold and tenfold again: both are to
 * stay where they are.
 *
 *   node bench/pipeline-scale.ts [--events 10000,100000,1000000] [--inputs DIR]
 *
 * Each size has a database and a process of its own. Input is made in parts and lies on disk: 350 MB a million events.
 * With --inputs it is made there and left, for further runs.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GENERATED_REGIONS, generate, writeGenerated } from '../pipeline/generate.ts';
import { loadIntel } from '../pipeline/jobs/intel-files.ts';
import { loadRules } from '../pipeline/jobs/rule-set.ts';
import { type PipelineCounts, runPipeline } from '../pipeline/pipeline.ts';
import { Sink } from '../pipeline/sinks/sink.ts';
import { createDatabase, openPool } from '../pipeline/store/database.ts';
import { type EmbeddedPostgres, startPostgres } from '../pipeline/store/embedded.ts';
import { prepareSchema } from '../pipeline/store/schema.ts';
import { openStream } from '../pipeline/streams/open.ts';
import { serverSeconds } from './server-seconds.ts';

/** What is told by a process that has run it all. */
interface Told {
  /** Seconds. */
  wall: number;
  cpu: number;
  /** MB, at the most. */
  memory: number;
  counts: PipelineCounts;
  /** Results that insights hold. */
  held: number;
  /** Of the log's tables. */
  bytes: number;
}

const PART = 100_000;

async function runOn(url: string, input: string): Promise<Told> {
  const pool = await openPool({ url, name: 'bench', max: 8 });
  const connection = await pool.acquire();
  await prepareSchema(connection);
  const { stream, close } = await openStream({ pool, partitions: 4 });
  const bundled = new URL('../pipeline/rules', import.meta.url).pathname;
  const [rules, intel] = [await loadRules(bundled), await loadIntel(join(bundled, 'intel/example.txt'))];
  const sinks = GENERATED_REGIONS.all.map((region) => new Sink({ region, url }));
  const [began, before] = [performance.now(), process.cpuUsage()];
  const counts = await runPipeline({ pool, stream, input, rules, intel, regions: GENERATED_REGIONS, sinks });
  const { user, system } = process.cpuUsage(before);
  const wall = (performance.now() - began) / 1_000;
  const number = async (sql: string) => Number((await connection.query<{ n: unknown }>(sql))[0]!.n);
  const held = await number('select sum(results) as n from insights');
  const bytes = await number(
    `select sum(pg_total_relation_size(oid)) as n from pg_class where relname like 'stream_%' and relkind = 'r'`,
  );
  connection.release();
  for (const sink of sinks) await sink.close();
  await close();
  await pool.close();
  const memory = process.resourceUsage().maxRSS / 1_024;
  return { wall, cpu: (user + system) / 1e6, memory, counts, held, bytes };
}

/** Makes the input unless it is there. Gives the number of results that are to be found in it. */
async function inputOf(events: number, folder: string): Promise<number> {
  const told = join(folder, 'expected');
  const before = await readFile(told, 'utf8').catch(() => null);
  if (before !== null) return Number(before);
  let expected = 0;
  for (let first = 0; first < events; first += PART) {
    const part = generate({ seed: 1 + first, events: Math.min(PART, events - first), first });
    await writeGenerated(part, join(folder, 'in', String(first)));
    expected += Object.values(part.expected.results).reduce((sum, n) => sum + n, 0);
  }
  await writeFile(told, String(expected));
  return expected;
}

async function measure(events: number, server: EmbeddedPostgres, inputs: string): Promise<string> {
  const folder = join(inputs, String(events));
  const database = await createDatabase(server.url, `scale_${events}`);
  try {
    const expected = await inputOf(events, folder);
    const before = serverSeconds(server);
    const child = fork(import.meta.filename, ['--on', database.url, join(folder, 'in')]);
    const [told] = (await once(child, 'message')) as [Told];
    await once(child, 'exit');
    if (told.held !== expected) throw new Error(`Insights hold ${told.held} results, and ${expected} were expected.`);
    const each = (seconds: number) => ((1e6 * seconds) / events).toFixed(1).padStart(9);
    return [
      events.toLocaleString('en').padStart(12),
      Math.round(events / told.wall)
        .toLocaleString('en')
        .padStart(9),
      each(told.cpu) + each(serverSeconds(server) - before),
      Math.round(told.memory).toString().padStart(10),
      Math.round(told.bytes / events)
        .toString()
        .padStart(8),
      told.counts.correlate.insights.toLocaleString('en').padStart(10),
    ].join(' ');
  } finally {
    await database.drop();
  }
}

const { values, positionals } = parseArgs({
  options: {
    events: { type: 'string', default: '10000,100000,1000000' },
    inputs: { type: 'string' },
    on: { type: 'boolean' },
  },
  allowPositionals: true,
});
if (values.on) process.send!(await runOn(positionals[0]!, positionals[1]!));
else {
  const inputs = values.inputs ?? (await mkdtemp(join(tmpdir(), 'outlive-scale-')));
  const server = await startPostgres();
  try {
    console.log('      events  events/s   CPU µs    database µs   MB  B in log   insights');
    for (const events of values.events.split(',').map(Number)) console.log(await measure(events, server, inputs));
  } finally {
    await server.stop();
    if (values.inputs === undefined) await rm(inputs, { recursive: true });
  }
}
