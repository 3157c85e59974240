// Promise chains instead of await; no scopes.
const { Pool } = require('pg');
const run = require('../run.cjs');

const pool = new Pool({ connectionString: process.env.PG_URL, max: 12 });

function total(n) {
  // acquires: total
  return pool.connect().then((client) =>
    client.query('select $1::int / $2::int as share', [n, n % 6]).then(
      (result) => {
        client.release(); // gives back: total
        return result.rows[0].share;
      },
      (error) => {
        client.release(error); // gives back: total
        throw error;
      },
    ),
  );
}

function list(n) {
  let leased;
  return pool
    .connect() // acquires: list
    .then((client) => {
      leased = client;
      if (n % 7 === 0) return [];
      return client.query('select generate_series(1, 20)').then(({ rows }) => rows);
    })
    .finally(() => leased?.release()); // gives back: list
}

function next(n) {
  if (n === 60) return;
  return total(n)
    .catch(() => 0)
    .then(() => list(n))
    .then(() => new Promise((resolve) => setTimeout(resolve, 15)))
    .then(() => next(n + 1));
}

run(
  async () => next(0),
  () => ({ borrowed: pool.totalCount - pool.idleCount, waiting: pool.waitingCount }),
);
