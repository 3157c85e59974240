// Clients of node-redis for a job: duplicates, subscribers, what a pool lends; jobs are scopes.

import { setTimeout as sleep } from 'node:timers/promises';
import { scope } from 'outlive';
import { createClient, createClientPool } from 'redis';
import run from '../run.cjs';

const url = process.env.REDIS_URL;
const shared = createClient({ url });
const pool = createClientPool({ url }, { minimum: 1, maximum: 60 });
let open = 0;
let lent = 0;

async function rename(n) {
  const client = shared.duplicate(); // acquires: rename
  open++;
  await client.connect();
  try {
    await client.watch(`name ${n}`);
    await client.multi().set(`name ${n}`, String(n)).exec();
    if (n % 7 === 6) throw new Error('no such name');
  } finally {
    await client.close(); // gives back: rename
    if (!client.isOpen) open--;
  }
}

async function until(n) {
  const subscriber = await createClient({ url }).connect(); // acquires: until
  open++;
  const heard = new Promise((resolve) => subscriber.subscribe(`done ${n}`, resolve));
  await sleep(2);
  await shared.publish(`done ${n}`, 'yes');
  await heard;
  subscriber.destroy(); // gives back: until
  if (!subscriber.isOpen) open--;
}

async function queued(n) {
  let done;
  const finished = new Promise((resolve) => (done = resolve));
  // acquires: queued
  const using = pool.execute(async (client) => {
    lent++;
    await client.get(`name ${n}`);
    await finished;
    lent--;
  });
  done(); // gives back: queued
  return Promise.race([using, sleep(5)]);
}

run(
  async () => {
    await Promise.all([shared.connect(), pool.connect()]);
    for (let n = 0; n < 50; n++) {
      await Promise.all([
        scope('rename', () => rename(n)).catch(() => {}),
        scope('until', () => until(n)),
        scope('queued', () => queued(n)),
      ]);
      await sleep(10);
    }
  },
  () => ({ clients: open, lent }),
);
