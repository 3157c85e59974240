// Every attempt takes a connection of its own; acquires that time out are tried again; no scopes.
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from 'generic-pool';
import run from '../run.cjs';

const pool = createPool(
  { create: async () => ({ calls: 0 }), destroy: async () => {} },
  { max: 10, acquireTimeoutMillis: 60 },
);

async function attempt(n, round) {
  const connection = await pool.acquire(); // acquires: attempt
  let isHealthy = true;
  try {
    connection.calls++;
    await sleep(6);
    if (n % 5 === 2 && round < 2) {
      isHealthy = false;
      throw new Error('service unavailable');
    }
    return 'done';
  } finally {
    if (isHealthy) {
      await pool.release(connection); // gives back: attempt
    } else {
      await pool.destroy(connection); // gives back: attempt
    }
  }
}

async function withRetries(n) {
  for (let round = 0; round < 3; round++) {
    try {
      return await attempt(n, round);
    } catch {
      await sleep(4 * 2 ** round);
    }
  }
  return 'given up';
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await withRetries(n);
      await sleep(10);
    }
  },
  () => ({ borrowed: pool.borrowed }),
);
