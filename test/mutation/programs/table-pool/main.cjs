// A pool of sequelize-pool, by callbacks and promises; jobs are scopes.
const { setTimeout: sleep } = require('node:timers/promises');
const { Pool } = require('sequelize-pool');
const { scope } = require('outlive');
const run = require('../run.cjs');

let made = 0;
const pool = new Pool({
  name: 'tables',
  create: async () => ({ id: made++ }),
  destroy: async () => {},
  validate: () => true,
  ...{ max: 70, min: 0, idleTimeoutMillis: 60_000 },
});

async function reserve(n) {
  const table = await pool.acquire(); // acquires: reserve
  try {
    await sleep(2);
    if (n % 8 === 3) throw new Error('closed');
  } catch (error) {
    pool.release(table); // gives back: reserve
    throw error;
  }
  pool.release(table); // gives back: reserve
}

function move(n) {
  return pool
    .acquire() // acquires: move
    .then((table) => {
      if (n % 5 === 1) return pool.destroy(table); // gives back: move
      return sleep(1).then(() => pool.release(table)); // gives back: move
    });
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await Promise.all([scope('reserve', () => reserve(n)).catch(() => {}), scope('move', () => move(n))]);
      await sleep(12);
    }
  },
  () => ({ used: pool.using, waiting: pool.waiting }),
);
