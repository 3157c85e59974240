// Four workers take jobs from one queue; no scopes.
const { setTimeout: sleep } = require('node:timers/promises');
const { createPool } = require('generic-pool');
const run = require('../run.cjs');

const pool = createPool({ create: async () => ({ sent: 0 }), destroy: async () => {} }, { max: 8 });
const queue = Array.from({ length: 120 }, (_, id) => ({ id, isPaused: id % 10 === 4, isBroken: id % 10 === 7 }));

async function handle(job) {
  const connection = await pool.acquire(); // acquires: A
  if (job.isPaused) {
    await pool.release(connection); // gives back: A
    return;
  }
  try {
    await sleep(40);
    connection.sent++;
    if (job.isBroken) throw new Error(`job ${job.id} is broken`);
    await pool.release(connection); // gives back: A
  } catch (error) {
    await pool.destroy(connection); // gives back: A
    throw error;
  }
}

async function worker() {
  for (let job = queue.shift(); job; job = queue.shift()) {
    try {
      await handle(job);
    } catch {
      // the next job may be better
    }
  }
}

run(
  () => Promise.all([worker(), worker(), worker(), worker()]),
  () => ({ borrowed: pool.borrowed }),
);
