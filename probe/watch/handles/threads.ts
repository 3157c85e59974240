/**
 * Worker threads, as Node's channel tells of them. One that ends by itself, by an error or by `process.exit` shows so by
 * its `threadId`.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import { Worker } from 'node:worker_threads';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { guarded } from '../../process/lapses.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'threads' satisfies AdapterName;

export function watchThreads(desk: Desk): void {
  const threads = new Entered<Worker>(desk, {
    ...{ adapter: PART, nature: 'thread', library: 'Worker' },
    hasEnded: ({ threadId }) => threadId === -1,
  });
  const made = (message: unknown): void => {
    guarded(PART, () => threads.opened((message as { worker: Worker }).worker, made));
  };
  diagnosticsChannel.subscribe('worker_threads', made);
  threads.endedBy(Worker.prototype, 'terminate');
  // a pool's threads are asked again and again; one that was made for a job is not
  around<Worker>(PART, Worker.prototype, 'postMessage', { before: (worker) => threads.used(worker) });
}
