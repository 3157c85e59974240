// Queues, workers and listeners of BullMQ that a job makes for itself; jobs are scopes.

import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { scope } from 'outlive';
import run from '../run.cjs';

const { hostname: host, port } = new URL(process.env.REDIS_URL);
const connection = { host, port: Number(port) };
// weak, so that only what the program itself holds is held
const made = [];

async function send(n) {
  const queue = new Queue(`mails ${process.pid}`, { connection }); // acquires: queue
  made.push(new WeakRef(queue));
  try {
    await queue.add('mail', { n });
    if (n % 5 === 2) throw new Error('no address');
  } finally {
    await queue.close(); // gives back: queue
  }
}

async function deliver(n) {
  const worker = new Worker(`orders ${process.pid}`, async () => {}, { connection }); // acquires: worker
  made.push(new WeakRef(worker));
  await worker.waitUntilReady();
  await sleep(n % 3);
  await worker.close(true); // gives back: worker
}

async function report() {
  const events = new QueueEvents(`mails ${process.pid}`, { connection }); // acquires: events
  made.push(new WeakRef(events));
  await events.waitUntilReady();
  await events.close(); // gives back: events
}

run(
  async () => {
    for (let n = 0; n < 20; n++) {
      await Promise.all([
        scope('send', () => send(n)).catch(() => {}),
        scope('deliver', () => deliver(n)),
        scope('report', report),
      ]);
      await sleep(10);
    }
  },
  () => ({ open: made.filter((ref) => ref.deref() && ref.deref().closing === undefined).length }),
);
