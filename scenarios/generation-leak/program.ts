/**
 * A job manager, and a client that submits the same bounded job again and again.
 * Usage: program.js leaking|fixed RUNS PLACE SEED.
 */
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { apiOf } from '../../pipeline/cluster/api.ts';
import { Cluster } from '../../pipeline/cluster/cluster.ts';
import { JobManager } from '../../pipeline/cluster/job-manager.ts';
import type { JobRecord } from '../../pipeline/cluster/job-table.ts';
import { DEFAULT_CONNECTIONS } from '../../pipeline/connections/settings.ts';
import { openPool } from '../../pipeline/store/database.ts';
import { scope } from '../../probe/index.ts';
import type { ProgramError } from '../check.ts';
import { reportRun, reportWork } from '../program.ts';
import { FIXED_RUNS, feedOf, type Place, SMALL_HEAP, WORKER_MB } from './runs.ts';

const MODULES = { leaking: new URL('./leaking.cjs', import.meta.url), fixed: new URL('./fixed.cjs', import.meta.url) };
const [variant, runsText, place, seed] = process.argv.slice(2) as [string, string, Place, string];
process.env.INCIDENT_FEED = String(feedOf(Number(seed)));
const module = fileURLToPath(MODULES[variant === 'leaking' ? 'leaking' : 'fixed']);
const runs = Number(runsText);
const url = process.env.DATABASE_URL as string;
const TENANTS = ['acme', 'globex', 'initech', 'umbrella'];

const pool = await openPool({ url, name: 'job-manager', max: 4 });
const connection = await pool.acquire();
await connection.execute('create table tenants (name text primary key, owner text)');
// one has no owner
for (const [n, name] of TENANTS.entries())
  await connection.execute('insert into tenants (name, owner) values ($1, $2)', [name, n === 2 ? null : `team ${n}`]);
connection.release();

const connections = { ...DEFAULT_CONNECTIONS, url, model: 'per-job', library: 'driver' } as const;
const cluster = await Cluster.start({
  ...{ taskManagers: 1, slots: 1, connections, memoryMb: WORKER_MB },
  isolation: place === 'task-manager' ? 'context' : place === 'worker' ? 'worker' : 'none',
  execArgv: place === 'task-manager' ? SMALL_HEAP : [],
});
const manager = await JobManager.open({
  ...{ pool, cluster, modules: dirname(module), around: scope },
  planning: place === 'job-manager' ? 'context' : 'worker',
  planLimitMs: 60_000,
  pipeline: { partitions: 1, rules: '', intel: '', tenants: undefined, sinks: [] },
});
const api = apiOf({ manager, cluster, token: null });
const address = await api.listen({ port: 0, host: '127.0.0.1' });

const errors: ProgramError[] = [];
const work = { runs: 0, lanes: 0 };
let run = 1;
for (; run <= FIXED_RUNS && errors.length === 0; run++) {
  const lanes = await (place === 'worker' ? runAgain() : runJob());
  if (run > runs) continue;
  work.runs++;
  work.lanes += lanes;
  await reportRun(run, runs, `${work.runs} jobs planned and run`);
}
// who lived is looked at once more, after all its runs: what it did last is told then
if (errors.length === 0) await reportRun(FIXED_RUNS, FIXED_RUNS, `${FIXED_RUNS} jobs planned and run`);
await reportWork(work, errors, { planned: run - 1 - errors.length });
// what leaked would keep the program, as it kept the job manager
process.exit(0);

/** The lanes that were run: none when the submission was refused. */
async function runJob(): Promise<number> {
  const lookUp = place === 'job-manager' ? 'planning' : 'lane';
  const body = JSON.stringify({ module, options: { url, tenants: TENANTS, lookUp } });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${address}/jobs`, { method: 'POST', headers, body });
  const { jobid, error, message } = (await answer.json()) as { jobid: string; error?: string; message?: string };
  if (error !== undefined) {
    if (answer.status !== 503) throw new Error(message);
    errors.push({ code: error, time: Date.now(), run });
    return 0;
  }
  for (;;) {
    const { state, result, error: failure } = (await (await fetch(`${address}/jobs/${jobid}`)).json()) as JobRecord;
    if (state === 'FAILED' && /out of memory/i.test(failure ?? '')) {
      errors.push({ code: 'out-of-memory', time: Date.now(), run });
      return 0;
    }
    if (state === 'FAILED') throw new Error(`the job failed: ${failure}`);
    if (state === 'FINISHED') return (result as { lanes: number }).lanes;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** One job that is run again and again, in the thread that is its own. */
async function runAgain(): Promise<number> {
  const options = { owners: null, needs: { url, tenants: TENANTS } };
  const lost: string[] = [];
  const onFailure = (why: string) => lost.push(why);
  const job = { name: 'leak', module: pathToFileURL(module), parallelism: 1, options, onFailure };
  const [{ lanes }] = (await cluster.run(job)) as [{ lanes: number }];
  const [why] = lost;
  if (why === undefined) return lanes;
  const [code] = /ERR_WORKER_OUT_OF_MEMORY/.exec(why) ?? [];
  if (code === undefined) throw new Error(`the lane failed: ${why}`);
  errors.push({ code, time: Date.now(), run });
  return 0;
}
