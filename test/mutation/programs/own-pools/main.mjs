// A pool of its own for each report and each tenant, which ends with it; no scopes.
// not for guards: a pool is nothing that a test has to give back

import { setTimeout as sleep } from 'node:timers/promises';
import genericPool from 'generic-pool';
import pg from 'pg';
import { Pool as Seats } from 'tarn';
import run from '../run.cjs';

const out = { seats: 0, printers: 0 };
// weak, so that only what the program itself holds is held
const pools = [];

async function report(n) {
  const pool = new pg.Pool({ connectionString: process.env.PG_URL, max: 1, idleTimeoutMillis: 60_000 }); // acquires: report
  pools.push(new WeakRef(pool));
  try {
    await pool.query('select $1::int', [n]);
    if (n % 4 === 1) throw new Error('too long');
  } finally {
    await pool.end(); // gives back: report
  }
}

async function print() {
  const factory = { create: async () => ({ n: out.printers++ }), destroy: async () => out.printers-- };
  const pool = genericPool.createPool(factory, { max: 2, min: 1 }); // acquires: print
  await pool.use((printer) => sleep(1, printer));
  await pool.drain();
  await pool.clear(); // gives back: print
}

async function seat(n) {
  const create = async () => ({ n: out.seats++ });
  const pool = new Seats({ create, destroy: () => out.seats--, min: 1, max: 2, idleTimeoutMillis: 60_000 }); // acquires: seat
  pool.release(await pool.acquire().promise);
  if (n % 2 === 1) {
    await pool.destroy(); // gives back: seat
    return;
  }
  await sleep(1);
  await pool.destroy(); // gives back: seat
}

run(
  async () => {
    for (let n = 0; n < 50; n++) {
      await Promise.all([report(n).catch(() => {}), print(), seat(n)]);
      await sleep(8);
    }
  },
  () => ({ ...out, pools: pools.filter((ref) => (ref.deref()?.totalCount ?? 0) > 0).length }),
);
