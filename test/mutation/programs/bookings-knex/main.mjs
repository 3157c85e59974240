// Transactions and connections of knex on PostgreSQL; jobs are scopes.

import { setTimeout as sleep } from 'node:timers/promises';
import knex from 'knex';
import { scope } from 'outlive';
import run from '../run.cjs';

const db = knex({ client: 'pg', connection: process.env.PG_URL, pool: { min: 0, max: 70 } });

async function book(n) {
  const trx = await db.transaction(); // acquires: book
  try {
    await trx.raw('select ?::int', [n]);
    if (n % 5 === 3) throw new Error('no seat');
    await trx.commit(); // gives back: book
  } catch (error) {
    await trx.rollback(); // gives back: book
    throw error;
  }
}

async function cancel(n) {
  const trx = await db.transaction(); // acquires: cancel
  const { rows } = await trx.raw('select ?::int as n', [n]);
  if (rows[0].n % 3 === 1) {
    await trx.rollback(); // gives back: cancel
    return;
  }
  await trx.commit(); // gives back: cancel
}

async function listen(n) {
  const connection = await db.client.acquireConnection(); // acquires: listen
  await connection.query('select $1::int', [n]);
  await db.client.releaseConnection(connection); // gives back: listen
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await Promise.all([
        scope('book', () => book(n)).catch(() => {}),
        scope('cancel', () => cancel(n)),
        scope('listen', () => listen(n)),
      ]);
      await sleep(12);
    }
  },
  () => ({ used: db.client.pool.numUsed(), waiting: db.client.pool.numPendingAcquires() }),
);
