/** Makes a scenario of an overload's plan. */
import { POOL_LIBRARIES } from '../../pipeline/connections/settings.ts';
import { FAULTS } from '../faults/names.ts';
import type { Scenario } from '../scenario.ts';
import type { OverloadPlan } from './plan.ts';

const DATABASES = ['postgres', 'oracle'];

export function overloadScenario(plan: OverloadPlan): Scenario {
  const { name, title, story, conclusion } = plan;
  return {
    name,
    title,
    story,
    conclusion,
    runs: 1,
    options: {
      seed: { help: 'another arrival of the same load', fallback: '1' },
      slots: { help: 'slots of each job in a task manager, for all regions', fallback: 'as declared' },
      database: {
        help: 'a private PostgreSQL (or DATABASE_URL), or the Oracle stand-in',
        fallback: 'postgres',
        allowed: DATABASES,
      },
      pool: { help: 'whose pool', fallback: 'driver', allowed: POOL_LIBRARIES },
      fault: {
        help: 'injected from second 2 to second 5; then only lost work is judged',
        fallback: 'none',
        allowed: FAULTS,
      },
    },
    // loaded only now: who runs another scenario needs no database driver
    soak: async (context) => (await import('./soak.ts')).soakOverload(plan, context),
  };
}
