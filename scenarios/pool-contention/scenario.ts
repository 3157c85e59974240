/** One pool for all jobs: the job that holds its connections makes the others wait. */
import type { Measured } from '../../reports/comparison/comparison.ts';
import { HEAVY, withHeavy } from '../overload/jobs.ts';
import type { OverloadPlan, Region } from '../overload/plan.ts';
import { sizeHolding } from '../overload/rules.ts';
import { overloadScenario } from '../overload/scenario.ts';
import { each, ms } from '../overload/words.ts';

const common = { taskManagers: 1, slots: 30, duration: 12_000 };
const EVEN: Region = { ...common, name: 'region without a heavy job', jobs: withHeavy(0) };
const UNEVEN: Region = { ...common, name: 'region with a heavy job', jobs: withHeavy(400) };

/** The heavy job must make the light ones wait at least so many times longer, also where they wait for the machine. */
const TIMES = 3;

export const poolContention: OverloadPlan = {
  name: 'pool-contention',
  title: 'one job keeps the connections of the shared pool, and the others wait for them',
  story: `All jobs of a task manager share one pool. One of them asks another service while it keeps its connection, for
0.4 s each time. Its own latency looks as it should; the jobs that need a connection for milliseconds wait for seconds.
Both variants get the same arrivals; in the first that job gives its connection back at once.`,
  conclusion: 'the light jobs wait for the heavy one, and the report says so',
  server: { maxSessions: 100, logonSeconds: 60 },
  pools: { acquireTimeout: 60_000, logonTimeout: 10_000, idleTimeout: 10_000 },
  variants: [
    { name: 'brief', region: EVEN, model: 'shared', max: 10 },
    { name: 'holding', region: UNEVEN, model: 'shared', max: 10 },
  ],
  sizing: [sizeHolding],
  claims: [
    {
      words: `the light jobs wait at least ${TIMES} times as long when one job holds its connections`,
      holds: ({ brief, holding }) => lightWait(holding!) >= TIMES * lightWait(brief!),
      figures: ({ brief, holding }) => `p99 ${each([brief!, holding!], (variant) => ms(lightWait(variant)))}`,
    },
    {
      words: `each light job's waiting is charged to ${HEAVY} most of all`,
      holds: ({ holding }) =>
        light(holding!).every(({ waitedFor }) => waitedFor[0]?.job === HEAVY && waitedFor[0].share > 0.5),
      figures: ({ holding }) =>
        light(holding!)
          .map(
            ({ job, waitedFor }) =>
              `${job} ${Math.round(100 * (waitedFor.find((to) => to.job === HEAVY)?.share ?? 0))} %`,
          )
          .join(', '),
    },
    {
      words: 'no error gives it away',
      holds: (run) => Object.values(run).every(({ errorCount }) => errorCount === 0),
    },
  ],
};

export function light({ waits }: Measured): Measured['waits'] {
  return waits.filter((wait) => wait.class === 'light');
}

export function lightWait(variant: Measured): number {
  return Math.max(...light(variant).map(({ wait }) => wait.p99));
}

export const poolContentionScenario = overloadScenario(poolContention);
