/** The cure: one pool for each job in each task manager, and what it costs. */
import { HEAVY, withHeavy } from '../overload/jobs.ts';
import type { ClaimPlan, OverloadPlan, Region } from '../overload/plan.ts';
import { sizeHolding } from '../overload/rules.ts';
import { overloadScenario } from '../overload/scenario.ts';
import { each, ms } from '../overload/words.ts';
import { light } from '../pool-contention/scenario.ts';

export const HEAVY_REGION: Region = {
  name: 'region with a heavy job',
  taskManagers: 1,
  slots: 30,
  jobs: withHeavy(400),
  duration: 12_000,
};

export const CALM_SERVER = { maxSessions: 100, logonSeconds: 60 };
export const PATIENT_POOLS = { acquireTimeout: 60_000, logonTimeout: 10_000, idleTimeout: 10_000 };

/** Names of variants: the shared pool, and one pool a job with as many connections in all. */
export function isolationClaims(shared: string, perJob: string): ClaimPlan[] {
  return [
    {
      words: 'with one pool a job the light jobs are quicker than with a shared pool of as many connections',
      holds: (run) => run[perJob]!.latency.light!.p95 < run[shared]!.latency.light!.p95,
      figures: (run) =>
        `p95 and p99 ${each([run[shared]!, run[perJob]!], ({ latency }) => `${ms(latency.light!.p95)} and ${ms(latency.light!.p99)}`)}`,
    },
    {
      words: 'what it costs: the heavy job is slower, as it no longer takes what the others need',
      holds: (run) => run[perJob]!.latency.heavy!.p50 > run[shared]!.latency.heavy!.p50,
      figures: (run) => `p50 ${each([run[shared]!, run[perJob]!], ({ latency }) => ms(latency.heavy!.p50))}`,
    },
  ];
}

export const hybrid: OverloadPlan = {
  name: 'hybrid',
  title: 'one pool for each job in each task manager: the light jobs no longer wait, the heavy one does',
  story: `The cure for both incidents. A factory, one in each task manager, gives every job exactly one pool, whichever of
its slots ask. The same work is offered to the shared pool as it was, to a shared pool with as many connections as the
hybrid has in all, and to the hybrid. The light jobs are no longer held up; the heavy one has to do with its own ten
connections and gets slower: that is the price.`,
  conclusion: 'the light jobs no longer wait for the heavy one, and what that costs is stated',
  server: CALM_SERVER,
  pools: PATIENT_POOLS,
  variants: [
    { name: 'shared-10', region: HEAVY_REGION, model: 'shared', max: 10 },
    { name: 'shared-50', region: HEAVY_REGION, model: 'shared', max: 50 },
    { name: 'per-job-10', region: HEAVY_REGION, model: 'per-job', max: 10 },
  ],
  sizing: [sizeHolding],
  claims: [
    ...isolationClaims('shared-50', 'per-job-10'),
    {
      words: 'against the shared pool as it was, the light jobs are quicker at p50 and p95',
      holds: ({ 'shared-10': before, 'per-job-10': after }) =>
        after!.latency.light!.p50 < before!.latency.light!.p50 &&
        after!.latency.light!.p95 < before!.latency.light!.p95,
      figures: ({ 'shared-10': before, 'per-job-10': after }) =>
        each([before!, after!], ({ latency }) => `${ms(latency.light!.p50)} and ${ms(latency.light!.p95)}`),
    },
    {
      words: `no light job waits for ${HEAVY}`,
      holds: ({ 'per-job-10': after }) =>
        light(after!).every(({ waitedFor }) => waitedFor.every(({ job }) => job !== HEAVY)),
    },
    {
      words: 'there is no error',
      holds: (run) => Object.values(run).every(({ errorCount }) => errorCount === 0),
    },
  ],
};

export const hybridScenario = overloadScenario(hybrid);
