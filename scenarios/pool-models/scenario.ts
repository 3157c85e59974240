/** All three models at the same offered work: the numbers to choose by. */
import { LARGE, STORM_POOLS, STORM_SERVER } from '../connection-storm/scenario.ts';
import { HEAVY_REGION, isolationClaims } from '../hybrid/scenario.ts';
import type { OverloadPlan } from '../overload/plan.ts';
import { sizeHolding, sizeStorm } from '../overload/rules.ts';
import { overloadScenario } from '../overload/scenario.ts';
import { costsMore, count, cpu, each, memory } from '../overload/words.ts';

export const poolModels: OverloadPlan = {
  name: 'pool-models',
  title: 'the three pool models compared at the same offered work',
  story: `Four task managers start five even jobs of thirty slots each, once with each model: one pool for all jobs of a
task manager, one for each slot, one for each job. Then one task manager has one heavy job among five, with a shared pool
and with one pool a job of as many connections in all.`,
  conclusion: 'a pool a slot costs most, and one pool a job keeps the light jobs from waiting for the heavy one',
  server: STORM_SERVER,
  pools: STORM_POOLS,
  variants: [
    { name: 'per-slot', region: LARGE, model: 'per-slot', max: 2, compared: 'storm' },
    { name: 'shared', region: LARGE, model: 'shared', max: 10, compared: 'storm' },
    { name: 'per-job', region: LARGE, model: 'per-job', max: 2, compared: 'storm' },
    { name: 'heavy-shared', region: HEAVY_REGION, model: 'shared', max: 50, compared: 'heavy' },
    { name: 'heavy-per-job', region: HEAVY_REGION, model: 'per-job', max: 10, compared: 'heavy' },
  ],
  sizing: [sizeStorm(LARGE.name, 2), sizeHolding],
  claims: [
    {
      words: 'a transaction costs the database more CPU with a pool a slot than with a pool a job',
      compared: 'storm',
      holds: (run) => costsMore(run['per-slot']!, run['per-job']!, 'cpuPerTransaction'),
      figures: (run) => each([run['per-slot']!, run['per-job']!], cpu),
      ofServer: true,
    },
    {
      words: 'it costs the database more memory as well',
      compared: 'storm',
      holds: (run) => costsMore(run['per-slot']!, run['per-job']!, 'memoryPerTransactionBytes'),
      figures: (run) => each([run['per-slot']!, run['per-job']!], memory),
      ofServer: true,
    },
    {
      words: 'and more of its attempts fail',
      compared: 'storm',
      holds: (run) => run['per-slot']!.errorCount > run['per-job']!.errorCount,
      figures: (run) => each([run['per-slot']!, run['per-job']!], ({ errorCount }) => count(errorCount)),
    },
    ...isolationClaims('heavy-shared', 'heavy-per-job').map((claim) => ({ ...claim, compared: 'heavy' })),
  ],
};

export const poolModelsScenario = overloadScenario(poolModels);
