/**
 * Worker threads, of a subclass too. One that ends by itself, by an error or by `process.exit` shows so by its
 * `threadId`.
 */
import workers, { Worker } from 'node:worker_threads';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { onMade } from '../../process/on-made.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';
import { heldAgainMs, holds, posted, toldNotToHold, toldToHold } from './held-again.ts';

const PART = 'threads' satisfies AdapterName;

export function watchThreads(desk: Desk): void {
  const threads = new Entered<Worker>(desk, {
    ...{ adapter: PART, nature: 'thread', library: 'Worker' },
    hasEnded: ({ threadId }) => threadId === -1,
    ...{ holds, heldAgainMs },
  });
  onMade<Worker>(PART, workers, 'Worker', (worker, wrapper) => threads.opened(worker, wrapper));
  threads.endedBy(Worker.prototype, 'terminate');
  // a pool's threads are asked again and again; one that was made for a job is not
  around<Worker>(PART, Worker.prototype, 'postMessage', {
    before: (worker) => {
      threads.used(worker);
      posted(worker);
    },
  });
  around<Worker>(PART, Worker.prototype, 'unref', { after: (worker) => toldNotToHold(worker) });
  around<Worker>(PART, Worker.prototype, 'ref', { after: (worker) => toldToHold(worker) });
}
