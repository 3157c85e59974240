// Pools of workers for one batch each, of piscina and of workerpool; no scopes.

import { setTimeout as sleep } from 'node:timers/promises';
import { Piscina } from 'piscina';
import workerpool from 'workerpool';
import run from '../run.cjs';

const filename = new URL('resize.mjs', import.meta.url).href;
const out = { resizers: 0, readers: 0 };
/** By its thread: the count keeps no pool alive. */
function count(name, thread) {
  out[name]++;
  thread.once('exit', () => out[name]--);
}

async function resize(n) {
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1 }); // acquires: resize
  count('resizers', pool.threads[0]);
  try {
    const size = await pool.run(n);
    if (n % 4 === 1) throw new Error(`${size} is too large`);
  } finally {
    await pool.destroy(); // gives back: resize
  }
}

async function read(n) {
  const pool = workerpool.pool({ maxWorkers: 1, workerType: 'thread' }); // acquires: read
  const answer = await pool.exec((one) => one + 1, [n]);
  count('readers', pool.workers[0].worker);
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
  () => out,
);
