// Connections that postgres.js reserves, and clients of pg without a pool; jobs are scopes.
import { setTimeout as sleep } from 'node:timers/promises';
import { scope } from 'outlive';
import pg from 'pg';
import postgres from 'postgres';
import run from '../run.cjs';

const sql = postgres(process.env.PG_URL, { max: 70 });
const out = { reserved: 0, clients: 0, own: 0 };

async function rent(n) {
  const reserved = await sql.reserve(); // acquires: rent
  const { release: giveBack } = reserved;
  out.reserved++;
  reserved.release = () => {
    out.reserved--;
    giveBack();
  };
  try {
    await reserved`select ${n}::int`;
    if (n % 6 === 2) throw new Error('rented');
  } finally {
    reserved.release(); // gives back: rent
  }
}

async function listed(n) {
  const client = new pg.Client(process.env.PG_URL);
  await client.connect(); // acquires: listed
  out.clients++;
  client.once('end', () => out.clients--);
  try {
    await client.query('select $1::int', [n]);
    if (n % 4 === 1) throw new Error('not listed');
  } finally {
    await client.end(); // gives back: listed
  }
}

async function own(n) {
  const db = postgres(process.env.PG_URL, { max: 1, onclose: () => out.own-- }); // acquires: own
  out.own++;
  await db`select ${n}::int`;
  await db.end(); // gives back: own
}

run(
  async () => {
    for (let n = 0; n < 25; n++) {
      await Promise.all([
        scope('rent', () => rent(n)).catch(() => {}),
        scope('listed', () => listed(n)).catch(() => {}),
        scope('own', () => own(n)),
      ]);
      await sleep(12);
    }
  },
  () => out,
);
