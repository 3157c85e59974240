/**
 * Loads the same job again and again, each time in a native context of its own that stays. Usage: program.js
 * per-job|once RUNS, with DATABASE_URL.
 */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type JobModule, loadInContext } from '../../pipeline/cluster/planning/module-context.ts';
import { reportRun, reportWork } from '../program.ts';

const JOB = fileURLToPath(new URL('./job.cjs', import.meta.url));
const EMPTY = fileURLToPath(new URL('./empty.cjs', import.meta.url));
const CONTROLS = 10;
const LIMIT_MS = 10_000;
const [variant, runsText] = process.argv.slice(2);
const runs = Number(runsText);
const options = { url: process.env.DATABASE_URL };

/** The driver with all that it is made of; once, it is loaded by this thread. */
const driver = readdirSync(dirname(dirname(dirname(createRequire(JOB).resolve('pg'))))).filter((name) =>
  /^(pg|postgres)/.test(name),
);
const ownPackages = variant === 'per-job' ? driver : [];
createRequire(JOB)('pg');
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const control: JobModule[] = [];
const beforeControl = heapUsed();
for (let n = 0; n < CONTROLS; n++) control.push(loadInContext(EMPTY, { limitMs: LIMIT_MS }));
const controlBytes = (heapUsed() - beforeControl) / control.length;

// what is loaded with the first is nobody's
const first = load();
await first.plan?.(options);

const kept: JobModule[] = [];
const work = { runs: 0, lanes: 0 };
const before = heapUsed();
/** Microseconds of the processor: how long it takes besides depends on what else the machine does. */
const times: number[] = [];
for (let run = 1; run <= runs; run++) {
  const began = process.cpuUsage();
  const module = load();
  work.lanes += (await module.plan?.(options))?.parallelism ?? 0;
  const { user, system } = process.cpuUsage(began);
  times.push(user + system);
  kept.push(module);
  work.runs++;
  await reportRun(run, runs, `${work.runs} jobs planned`);
}
const bytes = (heapUsed() - before) / kept.length;
await reportWork(work, [], {
  bytes,
  controlBytes,
  microseconds: times.toSorted((a, b) => a - b)[times.length >> 1] as number,
  contexts: getHeapStatistics().number_of_native_contexts,
});
process.exit(0);

function load(): JobModule {
  return loadInContext(JOB, { limitMs: LIMIT_MS, ownPackages });
}

function heapUsed(): number {
  collect();
  return getHeapStatistics().used_heap_size;
}
