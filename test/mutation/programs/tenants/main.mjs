// Sessions of PostgreSQL that a job changes and puts right before it gives the client back; jobs are scopes.
// held by nature: lock, tenant, table, channel, by its session, which its pool keeps and lends again
import { setTimeout as sleep } from 'node:timers/promises';
import { scope } from 'outlive';
import pg from 'pg';
import run from '../run.cjs';

const pool = new pg.Pool({ connectionString: process.env.PG_URL, max: 4 });
const schema = `tenant_${process.pid}`;

async function withClient(use) {
  const client = await pool.connect(); // acquires: client
  try {
    return await use(client);
  } finally {
    client.release(); // gives back: client
  }
}

function locked(n) {
  return withClient(async (client) => {
    await client.query('select pg_advisory_lock($1, $2)', [process.pid, n]); // acquires: lock
    try {
      await client.query('select $1::int', [n]);
      if (n % 6 === 1) throw new Error('too late');
    } finally {
      await client.query('select pg_advisory_unlock($1, $2)', [process.pid, n]); // gives back: lock
    }
  });
}

function asTenant(n) {
  return withClient(async (client) => {
    await client.query(`set search_path to ${schema}, public`); // acquires: tenant
    await client.query('select $1::int', [n]);
    await client.query('reset search_path'); // gives back: tenant
  });
}

function summed(n) {
  return withClient(async (client) => {
    const { rows } = await client.query("select to_regclass('pg_temp.sums') as there");
    if (rows[0].there === null) await client.query('create temp table sums (n int)'); // acquires: table
    await client.query('insert into sums values ($1)', [n]);
    await client.query('drop table sums'); // gives back: table
  });
}

function notified(n) {
  return withClient(async (client) => {
    await client.query('listen orders'); // acquires: channel
    await client.query(`notify orders, '${n}'`);
    await client.query('unlisten orders'); // gives back: channel
  });
}

/** What sessions have that are idle. */
async function left() {
  const clients = await Promise.all([1, 2, 3, 4].map(() => pool.connect())); // acquires: all
  const counts = { locks: 0, paths: 0, tables: 0, channels: 0 };
  for (const client of clients) {
    const { rows } = await client.query(`select
      (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
      (current_setting('search_path') like 'tenant%')::int as paths,
      (to_regclass('pg_temp.sums') is not null)::int as tables,
      (select count(*)::int from pg_listening_channels()) as channels`);
    for (const [name, count] of Object.entries(rows[0])) counts[name] += count;
    client.release(); // gives back: all
  }
  return counts;
}

let counts;
run(
  async () => {
    for (let n = 0; n < 30; n++) {
      await Promise.all([
        scope('locked', () => locked(n)).catch(() => {}),
        scope('as tenant', () => asTenant(n)),
        scope('summed', () => summed(n)),
      ]);
      await scope('notified', () => notified(n));
      await sleep(8);
    }
    counts = await left();
  },
  () => ({ ...counts, borrowed: pool.totalCount - pool.idleCount }),
);
