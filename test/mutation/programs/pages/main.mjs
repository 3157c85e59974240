// An async generator holds a client between pages, its reader may stop early; no scopes.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import run from '../run.cjs';

const pool = new pg.Pool({ connectionString: process.env.PG_URL, max: 70 });

async function* pages(n) {
  const client = await pool.connect(); // acquires: pages
  try {
    for (let page = 0; page < 3; page++) {
      const { rows } = await client.query('select $1::int as n, generate_series(1, 5) as row', [n + page]);
      yield rows;
    }
  } finally {
    client.release(); // gives back: pages
  }
}

async function exportOrders(n) {
  let count = 0;
  for await (const rows of pages(n)) {
    count += rows.length;
    if (n % 4 === 1) break;
    if (n % 10 === 6) throw new Error('the reader went away');
  }
  return count;
}

async function vacuum(n) {
  const client = await pool.connect(); // acquires: vacuum
  client.once('notice', () => {});
  try {
    await client.query('select $1::int', [n]);
  } finally {
    client.removeAllListeners('notice');
    client.release(n % 9 === 0); // gives back: vacuum
  }
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await exportOrders(n).catch(() => {});
      await vacuum(n);
      await sleep(14);
    }
  },
  () => ({ borrowed: pool.totalCount - pool.idleCount, waiting: pool.waitingCount }),
);
