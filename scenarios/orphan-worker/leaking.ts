import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** As it was in production: the job has told its result, so its thread is believed to end. */
export async function runInThread(job: URL, workerData: unknown): Promise<number> {
  const worker = new Worker(job, { workerData });
  const [{ lanes }] = (await once(worker, 'message')) as [{ lanes: number }];
  return lanes;
}
