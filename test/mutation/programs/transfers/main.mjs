// Transactions, repeated when the database asks for it; every transfer is a scope.
import { setTimeout as sleep } from 'node:timers/promises';
import { scope } from 'outlive';
import pg from 'pg';
import run from '../run.cjs';

const pool = new pg.Pool({ connectionString: process.env.PG_URL, max: 40 });
pool.on('error', () => {});

async function transfer(n) {
  for (let attempt = 1; ; attempt++) {
    const client = await pool.connect(); // acquires: transfer
    try {
      await client.query('begin isolation level serializable');
      if (n % 4 === 0 && attempt === 1) throw Object.assign(new Error('try again'), { code: '40001' });
      if (n % 10 === 3) throw new RangeError('not enough money');
      await client.query('select $1::int', [n]);
      await client.query('commit');
      return attempt;
    } catch (error) {
      await client.query('rollback');
      if (error.code !== '40001' || attempt === 3) throw error;
    } finally {
      client.release(); // gives back: transfer
    }
    await sleep(2);
  }
}

async function audit(n) {
  const client = await pool.connect(); // acquires: audit
  const { rows } = await client.query('select $1::int % 5 as rest', [n]);
  if (rows[0].rest === 0) {
    client.release(); // gives back: audit
    return 'nothing to audit';
  }
  await client.query('select pg_sleep(0.004)');
  client.release(); // gives back: audit
  return 'audited';
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await scope('transfer', () => transfer(n)).catch(() => {});
      await scope('audit', () => audit(n));
      await sleep(8);
    }
  },
  () => ({ borrowed: pool.totalCount - pool.idleCount, waiting: pool.waitingCount }),
);
