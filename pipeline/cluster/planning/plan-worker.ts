/** Plans one job, says the plan, and is ended by who started it. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadInContext } from './module-context.ts';
import { type PlanRequest, planOf, wordsOf } from './plan.ts';

const { file, options, limitMs, ownPackages } = workerData as PlanRequest;
try {
  const module = loadInContext(file, { limitMs, ...(ownPackages && { ownPackages }) });
  parentPort?.postMessage({ plan: planOf(await module.plan?.(options)) });
} catch (error) {
  parentPort?.postMessage({
    error: error instanceof Error && error.name === 'Refused' ? error.message : wordsOf(error),
  });
}
