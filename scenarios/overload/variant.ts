/** Runs one variant on a cluster under the probe, on a database of its own, and measures both sides. */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { watchDatabase } from '../../database/index.ts';
import { Cluster } from '../../pipeline/cluster/cluster.ts';
import type { ConnectionAccount } from '../../pipeline/connections/factory.ts';
import type { PoolLibrary } from '../../pipeline/connections/settings.ts';
import type { JobWaits } from '../../pipeline/connections/waits.ts';
import { openSession } from '../../pipeline/store/database.ts';
import { makeFolder } from '../../probe/recording/own.ts';
import { type JobWait, type Measured, quantilesOf } from '../../reports/comparison/comparison.ts';
import { mixIn } from '../faults/index.ts';
import type { FaultName } from '../faults/names.ts';
import { errorsOf, explain, misleading } from './causes.ts';
import { CLASSES, type JobLoad, offeredBy } from './load.ts';
import type { LaneResult, LoadTaskOptions } from './load-task.ts';
import { loadOf, needOf, type OverloadPlan, topologyOf, type VariantPlan } from './plan.ts';
import { type LoadServer, ServerMeter } from './server.ts';
import { createLoadTables, type Kept, keptBy } from './tables.ts';

const SUFFIX = import.meta.url.split('.').at(-1);
const LOAD_TASK = new URL(`./load-task.${SUFFIX}`, import.meta.url);
const REGISTER = fileURLToPath(new URL('../../probe/register.js', import.meta.url));

/** From when the tasks are given out until they begin together, milliseconds. */
const LEAD_MS = 1500;
/** What is not done so long after work has ceased to arrive is lost. */
const GIVE_UP_MS = 300_000;
/** Here a task manager may be late for want of a processor. */
const FROZEN_MS = 120_000;

export interface VariantOptions {
  plan: OverloadPlan;
  server: LoadServer;
  folder: string;
  seed: number;
  library: PoolLibrary;
  fault: FaultName;
  signal: AbortSignal;
  onProgress(done: number, of: number, note: string): void;
}

export async function runVariant(variant: VariantPlan, options: VariantOptions): Promise<Measured> {
  const { plan, server, folder, library, signal } = options;
  rmSync(folder, { recursive: true, force: true });
  makeFolder(folder);
  const { taskManagers, slots, jobs } = variant.region;
  const database = await server.create(`outlive_${variant.name.replaceAll('-', '_')}`);
  try {
    await withSession(database.url, (session) =>
      createLoadTables(
        session,
        jobs.map(({ name }) => name),
        taskManagers * slots,
      ),
    );
    let startAt = 0;
    const fault = await mixIn(options.fault, database.url, 'load_done', () => startAt);
    const sampler = await watchDatabase(database.url, folder);
    const starting = Cluster.start({
      taskManagers,
      slots: jobs.length * slots,
      connections: { ...plan.pools, model: variant.model, library, url: fault.url, max: variant.max },
      execArgv: ['--require', REGISTER],
      frozenMs: FROZEN_MS,
      // the load's own timers are many, and none of the incident's business
      env: { OUTLIVE_OUT: folder, OUTLIVE_OFF: 'timers', DATABASE_URL: '' },
    });
    try {
      const cluster = await starting;
      const stop = () => void cluster.stop();
      signal.addEventListener('abort', stop);
      try {
        // while the cluster was started nobody listened
        signal.throwIfAborted();
        const meter = await ServerMeter.start(database.url);
        startAt = Date.now() + LEAD_MS;
        const lanes = await offer(cluster, variant, startAt, options).finally(() => signal.throwIfAborted());
        const accounts = await cluster.account();
        const use = meter?.stop() ?? null;
        const kept = await withSession(database.url, keptBy);
        return measured(variant, options, { startAt, lanes, accounts, use, kept });
      } finally {
        signal.removeEventListener('abort', stop);
        await cluster.stop();
      }
    } finally {
      await sampler.stop();
      await fault.end();
    }
  } finally {
    await database.drop();
  }
}

/** All jobs at once. */
async function offer(
  cluster: Cluster,
  { region }: VariantPlan,
  startAt: number,
  { plan, seed, onProgress }: VariantOptions,
): Promise<Map<JobLoad, LaneResult[]>> {
  const load = loadOf(region, seed);
  const all = load.lanes * load.jobs.length;
  let ended = 0;
  onProgress(0, all, `${all} lanes begin`);
  const results = await Promise.all(
    load.jobs.map(async (job) => {
      const task = {
        load,
        job,
        startAt,
        giveUpAfter: region.duration + (plan.giveUpAfter ?? GIVE_UP_MS),
      } satisfies LoadTaskOptions;
      const lanes = await cluster.run({
        name: job.name,
        module: LOAD_TASK,
        parallelism: load.lanes,
        options: task,
        // what fails in a storm is tried again until it is done
        patience: task.giveUpAfter,
        onNote: () => onProgress(++ended, all, `${ended} of ${all} lanes done`),
      });
      return [job, lanes as LaneResult[]] as const;
    }),
  );
  return new Map(results);
}

interface Raw {
  startAt: number;
  lanes: Map<JobLoad, LaneResult[]>;
  accounts: ConnectionAccount[];
  use: { cpuMs: number; memoryPeakBytes: number } | null;
  kept: Kept;
}

function measured(variant: VariantPlan, { server, seed }: VariantOptions, raw: Raw): Measured {
  const { region, model, max } = variant;
  const { startAt, lanes, accounts, use, kept } = raw;
  const all = [...lanes.values()].flat();
  const offered = offeredBy(loadOf(region, seed)).transactions;
  const logons = accounts.map((account) => account.logons);
  const total = (pick: (counts: (typeof logons)[number]) => number) =>
    logons.reduce((sum, each) => sum + pick(each), 0);
  const errors = errorsOf(
    logons.flatMap(({ failures }) => failures),
    all.flatMap(({ failures }) => failures),
  );
  const seconds = (Math.max(startAt, ...all.map(({ endedAt }) => endedAt)) - startAt) / 1000;
  return {
    variant: variant.name,
    model,
    topology: topologyOf(region),
    poolMax: max,
    connections: {
      wanted: needOf(variant, region.slots).connections,
      asked: total(({ asked }) => asked),
      opened: total(({ opened }) => opened),
      underWayPeak: total(({ underWayPeak }) => underWayPeak),
      peak: total(({ openPeak }) => openPeak),
      limit: server.limits.maxSessions,
    },
    transactions: {
      offered,
      done: kept.done,
      lost: Math.max(0, offered - kept.done, kept.done - kept.counted),
      doubled: Math.max(0, kept.counted - kept.done),
    },
    seconds,
    latency: Object.fromEntries(
      CLASSES.flatMap((name) => {
        const own = [...lanes].filter(([job]) => job.class === name).flatMap(([, results]) => results);
        return own.length ? [[name, quantilesOf(own.flatMap(({ latencies }) => latencies))]] : [];
      }),
    ),
    waits: waitsOf(accounts, region.jobs),
    server: use && {
      cpuPerTransaction: use.cpuMs / Math.max(1, kept.done),
      memoryPeakBytes: use.memoryPeakBytes,
      memoryPerTransactionBytes: use.memoryPeakBytes / Math.max(1, kept.done),
    },
    errors: explain(errors, server.limits),
    errorCount: errors.reduce((sum, { count }) => sum + count, 0),
    misleading: misleading(errors),
  };
}

function waitsOf(accounts: readonly ConnectionAccount[], jobs: readonly JobLoad[]): JobWait[] {
  const all = accounts.flatMap(({ pools }) => pools.flatMap((pool) => pool.jobs));
  return jobs.map(({ name, class: jobClass }) => {
    const own = all.filter(({ job }) => job === name);
    return {
      job: name,
      class: jobClass,
      wait: quantilesOf(own.flatMap(({ waits }) => waits)),
      waitedFor: sharesOf(own),
    };
  });
}

function sharesOf(own: readonly JobWaits[]): JobWait['waitedFor'] {
  const sums = new Map<string, number>();
  for (const { waitedFor } of own) {
    for (const [job, ms] of Object.entries(waitedFor)) sums.set(job, (sums.get(job) ?? 0) + ms);
  }
  const total = [...sums.values()].reduce((sum, ms) => sum + ms, 0);
  return [...sums].map(([job, ms]) => ({ job, share: ms / total })).sort((a, b) => b.share - a.share);
}

async function withSession<T>(url: string, use: (session: Awaited<ReturnType<typeof openSession>>) => Promise<T>) {
  const session = await openSession(url, 10_000);
  try {
    return await use(session);
  } finally {
    await session.end();
  }
}
