// A pool of tarn, as knex has one, used by a data layer of the service's own; no scopes.
const { setTimeout: sleep } = require('node:timers/promises');
const { Pool } = require('tarn');
const run = require('../run.cjs');

let made = 0;
const pool = new Pool({
  create: async () => ({ id: made++, isBroken: false }),
  validate: (seat) => !seat.isBroken,
  destroy: () => {},
  ...{ min: 0, max: 80 },
});

async function withSeat(use) {
  const pending = pool.acquire(); // acquires: seat
  const seat = await pending.promise;
  try {
    return await use(seat);
  } finally {
    pool.release(seat); // gives back: seat
  }
}

async function book(n) {
  await withSeat(async (seat) => {
    await sleep(2);
    if (n % 9 === 4) throw new Error('taken');
    return seat.id;
  });
}

async function hold(n) {
  return withSeat((seat) => sleep(n % 3, seat.id));
}

async function inspect(n) {
  const seat = await pool.acquire().promise; // acquires: inspect
  if (n % 7 === 2) {
    seat.isBroken = true;
    pool.release(seat); // gives back: inspect
    return;
  }
  await sleep(1);
  pool.release(seat); // gives back: inspect
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await Promise.all([book(n).catch(() => {}), hold(n), inspect(n)]);
      await sleep(12);
    }
  },
  () => ({ used: pool.numUsed(), waiting: pool.numPendingAcquires() }),
);
