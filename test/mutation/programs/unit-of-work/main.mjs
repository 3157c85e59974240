// Units of work that hold a client between begin and commit or rollback, used by two modules; orders are scopes.
import { setTimeout as sleep } from 'node:timers/promises';
import { scope } from 'outlive';
import pg from 'pg';
import run from '../run.cjs';
import { refund } from './refunds.mjs';
import { UnitOfWork } from './unit.mjs';

const pool = new pg.Pool({ connectionString: process.env.PG_URL, max: 60 });

async function order(n) {
  const unit = await UnitOfWork.begin(pool); // acquires: order
  try {
    await unit.query('select $1::int', [n]);
    if (n % 5 === 3) throw new RangeError('out of stock');
    await unit.commit(); // gives back: order
  } catch (error) {
    await unit.rollback(); // gives back: order
    throw error;
  }
}

run(
  async () => {
    for (let n = 0; n < 55; n++) {
      await scope('order', () => order(n)).catch(() => {});
      await refund(pool, n);
      await sleep(14);
    }
  },
  () => ({ borrowed: pool.totalCount - pool.idleCount, waiting: pool.waitingCount }),
);
