import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GENERATED_REGIONS, generate, randomFrom, writeGenerated } from '../pipeline/generate.ts';
import { PHASES } from '../pipeline/jobs/job.ts';
import { JOBS, runPipeline } from '../pipeline/pipeline.ts';
import { REGIONS } from '../pipeline/sinks/regions.ts';
import { Sink, sinkTable } from '../pipeline/sinks/sink.ts';
import { type FreshStore, freshStore, STORE } from './setup/stores.ts';
import { bundledIntel, bundledRules, openWorkload, type Workload } from './support/workload.ts';

/** Of each job: small enough that there are more batches than kills. */
const BATCH = { ingest: 450, rules: 450, deliver: 100, correlate: 30 };
const KILLS_PER_JOB = 14;
const program = join(import.meta.dirname, 'fixtures/pipeline-job.ts');

const input = generate({ seed: 20260105, events: 20_500 });
let folder: string;
let databases: FreshStore[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlive-crash-'));
  await writeGenerated(input, folder);
  databases = [await freshStore(), await freshStore()];
});
afterAll(async () => {
  for (const database of databases) await database.drop();
  await rm(folder, { recursive: true });
});

async function undisturbed(url: string): Promise<void> {
  const workload = await openWorkload(url);
  const sinks = REGIONS.map((region) => new Sink({ region, url }));
  const [rules, intel] = [await bundledRules(), await bundledIntel()];
  await runPipeline({ ...workload, input: folder, rules, intel, regions: GENERATED_REGIONS, sinks });
  for (const sink of sinks) await sink.close();
  await workload.pool.close();
}

/** The signal or exit code that it ended with. */
async function runJob(...args: (string | number)[]): Promise<string | number> {
  const child = spawn(process.execPath, [program, ...args.map(String)], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code, signal] = await once(child, 'exit');
  return signal ?? code;
}

/** All that a pipeline leaves behind, in an order of its own. */
async function outcome(url: string) {
  const workload = await openWorkload(url);
  try {
    return {
      records: await topic(workload, 'records'),
      deadLetters: await topic(workload, 'dead-letters'),
      results: await topic(workload, 'results'),
      insights: await workload.query('select * from insights order by id'),
      delivered: await Promise.all(
        REGIONS.map((region) => workload.query(`select body from ${sinkTable(region)[STORE]} order by id`)),
      ),
    };
  } finally {
    await workload.pool.close();
  }
}

async function topic(workload: Workload, name: string): Promise<string[]> {
  return (await workload.published(name)).map((value) => JSON.stringify(value)).sort();
}

test('more than 50 kills at any moment change nothing in what the pipeline finds', { timeout: 600_000 }, async () => {
  const [calm, stormy] = databases as [FreshStore, FreshStore];
  await undisturbed(calm.url);

  const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
  const random = randomFrom(seed);
  console.log(`Repeat these kills with CRASH_SEED=${seed}.`);
  let kills = 0;
  for (const job of JOBS) {
    const moments: string[] = [];
    for (let n = 0; n < KILLS_PER_JOB; n++) {
      const phase = PHASES[kills++ % PHASES.length]!;
      const occurrence = 1 + Math.floor(random() * 3);
      moments.push(`${phase} ${occurrence}`);
      const end = await runJob(stormy.url, folder, job, BATCH[job], phase, occurrence);
      expect(end, `${job} at ${phase} ${occurrence}`).toBe('SIGKILL');
    }
    console.log(`${job} was killed at: ${moments.join(', ')}`);
    expect(await runJob(stormy.url, folder, job, BATCH[job])).toBe(0);
  }
  expect(kills).toBeGreaterThanOrEqual(50);

  const [expected, found] = [await outcome(calm.url), await outcome(stormy.url)];
  expect(expected.records.length + expected.deadLetters.length).toBeGreaterThan(20_000);
  for (const part of ['records', 'deadLetters', 'results', 'insights', 'delivered'] as const) {
    expect(expected[part].length, part).toBeGreaterThan(0);
    expect(found[part], part).toEqual(expected[part]);
  }
});

test('an undisturbed run finds what the generator put in', async () => {
  const { records, deadLetters, results, insights } = await outcome(databases[0]!.url);
  const tally = (texts: string[], field: string) => {
    const counts: Record<string, number> = {};
    for (const text of new Set(texts)) counts[JSON.parse(text)[field]] = (counts[JSON.parse(text)[field]] ?? 0) + 1;
    return counts;
  };
  const { expected } = input;
  expect(records).toHaveLength(Object.values(expected.records).reduce((sum, n) => sum + n));
  expect(new Set(records).size).toBe(records.length - expected.duplicates);
  expect(tally(deadLetters, 'reason')).toEqual(expected.deadLetters);
  expect(tally(results, 'rule')).toEqual(expected.results);
  expect(insights).toHaveLength(expected.insights);
});
