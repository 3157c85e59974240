import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GENERATED_REGIONS, generate, randomFrom, writeGenerated } from '../pipeline/generate.ts';
import { PHASES } from '../pipeline/jobs/job.ts';
import { JOBS, type JobName, runPipeline } from '../pipeline/pipeline.ts';
import { Sink, sinkTable } from '../pipeline/sinks/sink.ts';
import { type FreshStore, freshStore, STORE, STORES } from './setup/stores.ts';
import { bundledIntel, bundledRules, openWorkload, type Workload, withoutDetection } from './support/workload.ts';
import './support/compile-once.ts';

interface Storm {
  events: number;
  /** Of each job. */
  kills: number;
  /** Of each job: small enough that there are more batches than kills. */
  batch: Record<JobName, number>;
}

const WHOLE: Storm = { events: 6_000, kills: 14, batch: { ingest: 130, rules: 130, deliver: 30, correlate: 9 } };
/** Each phase once: that the other database, too, loses nothing. */
const GLIMPSE: Storm = { events: 1_500, kills: 1, batch: { ingest: 150, rules: 100, deliver: 8, correlate: 4 } };

const program = join(import.meta.dirname, 'fixtures/pipeline-job.ts');

async function undisturbed({ url }: FreshStore, folder: string): Promise<void> {
  const workload = await openWorkload(url);
  const sinks = GENERATED_REGIONS.all.map((region) => new Sink({ region, url }));
  const [rules, intel] = [await bundledRules(), await bundledIntel()];
  await runPipeline({ ...workload, input: folder, rules, intel, regions: GENERATED_REGIONS, sinks, keepRecords: true });
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
async function outcome({ url, dialect }: FreshStore) {
  const workload = await openWorkload(url);
  try {
    return {
      records: await topic(workload, 'records'),
      deadLetters: await topic(workload, 'dead-letters'),
      results: await topic(workload, 'results'),
      insights: await workload.query('select * from insights order by id'),
      delivered: await Promise.all(
        GENERATED_REGIONS.all.map(async (region) =>
          withoutDetection(await workload.query(`select body from ${sinkTable(region)[dialect]} order by id`)),
        ),
      ),
    };
  } finally {
    await workload.pool.close();
  }
}

async function topic(workload: Workload, name: string): Promise<string[]> {
  // the time of detection is another in each run
  const timeless = (key: string, value: unknown) => (key === 'detected' ? null : value);
  return (await workload.published(name)).map((value) => JSON.stringify(value, timeless)).sort();
}

describe.each(STORES)('on %s', (dialect) => {
  const storm = dialect === STORE ? WHOLE : GLIMPSE;
  const input = generate({ seed: 20260105, events: storm.events });
  let folder: string;
  let databases: FreshStore[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'outlive-crash-'));
    await writeGenerated(input, folder);
    databases = [await freshStore(dialect), await freshStore(dialect)];
  });
  afterAll(async () => {
    for (const database of databases) await database.drop();
    await rm(folder, { recursive: true });
  });

  test('kills at any moment change nothing in what the pipeline finds', { timeout: 600_000 }, async () => {
    const [calm, stormy] = databases as [FreshStore, FreshStore];
    await undisturbed(calm, folder);

    const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
    const random = randomFrom(seed);
    console.log(`Repeat these kills with CRASH_SEED=${seed}.`);
    let kills = 0;
    for (const job of JOBS) {
      const moments: string[] = [];
      for (let n = 0; n < storm.kills; n++) {
        const phase = PHASES[kills++ % PHASES.length]!;
        const occurrence = 1 + Math.floor(random() * 3);
        moments.push(`${phase} ${occurrence}`);
        const end = await runJob(stormy.url, folder, job, storm.batch[job], phase, occurrence);
        expect(end, `${job} at ${phase} ${occurrence}`).toBe('SIGKILL');
      }
      console.log(`${job} was killed at: ${moments.join(', ')}`);
      expect(await runJob(stormy.url, folder, job, storm.batch[job])).toBe(0);
    }
    expect(kills).toBe(JOBS.length * storm.kills);

    const [expected, found] = [await outcome(calm), await outcome(stormy)];
    expect(expected.records.length + expected.deadLetters.length).toBeGreaterThanOrEqual(storm.events);
    for (const part of ['records', 'deadLetters', 'results', 'insights', 'delivered'] as const) {
      expect(expected[part].length, part).toBeGreaterThan(0);
      expect(found[part], part).toEqual(expected[part]);
    }
  });

  test('an undisturbed run finds what the generator put in', async () => {
    const { records, deadLetters, results, insights } = await outcome(databases[0]!);
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
});
