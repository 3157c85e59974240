/** The scenarios that come with outlive: one line each. */
import { connectionLeak } from './connection-leak/scenario.ts';
import { connectionStormScenario } from './connection-storm/scenario.ts';
import { driverPerJob } from './driver-per-job/scenario.ts';
import { generationLeak } from './generation-leak/scenario.ts';
import { hybridScenario } from './hybrid/scenario.ts';
import { orphanWorker } from './orphan-worker/scenario.ts';
import { poolContentionScenario } from './pool-contention/scenario.ts';
import { poolModelsScenario } from './pool-models/scenario.ts';
import type { Scenario } from './scenario.ts';

export const SCENARIOS: readonly Scenario[] = [
  connectionLeak,
  generationLeak,
  orphanWorker,
  driverPerJob,
  poolContentionScenario,
  connectionStormScenario,
  hybridScenario,
  poolModelsScenario,
];
