// Pools of workers for one batch each, of piscina and of workerpool; no scopes.

import { setTimeout as sleep } from 'node:timers/promises';
import { Piscina } from 'piscina';
import workerpool from 'workerpool';
import run from '../run.cjs';

const filename = new URL('resize.mjs', import.meta.url).href;
const resizers = [];
const readers = [];

async function resize(n) {
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1 }); // acquires: resize
  resizers.push(pool);
  try {
    const size = await pool.run(n);
    if (n % 4 === 1) throw new Error(`${size} is too large`);
  } finally {
    await pool.destroy(); // gives back: resize
  }
}

async function read(n) {
  const pool = workerpool.pool({ maxWorkers: 1, workerType: 'thread' }); // acquires: read
  readers.push(pool);
  const answer = await pool.exec((one) => one + 1, [n]);
  if (answer % 3 === 2) {
    await pool.terminate(); // gives back: read
    return null;
  }
  await pool.terminate(); // gives back: read
  return answer;
}

run(
  async () => {
    for (let n = 0; n < 16; n++) {
      await Promise.all([resize(n).catch(() => {}), read(n)]);
      await sleep(12);
    }
  },
  () => ({
    resizers: resizers.filter(({ threads }) => threads.length > 0).length,
    readers: readers.filter((pool) => pool.stats().totalWorkers > 0).length,
  }),
);
