import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** The cure: the thread ends with its job, whatever the job left. */
export async function runInThread(job: URL, workerData: unknown): Promise<number> {
  const worker = new Worker(job, { workerData });
  try {
    const [{ lanes }] = (await once(worker, 'message')) as [{ lanes: number }];
    return lanes;
  } finally {
    await worker.terminate();
  }
}
