/** How things are done with postgres.js, on the PostgreSQL at PG_URL. What its pools have, only their borrowers know. */
import net from 'node:net';
import pg from 'pg';
import { anotherCopy } from './another-copy.mjs';
import { load } from './seen.mjs';

const postgres = await load('postgres');

export const poolName = (n) => `pool ${n}`;
export const finds = ['collected', 'proven'];
/** It has none. */
export const minimum = 0;

/** It connects once more. */
export const servesWhenClosed = true;

const numbers = new WeakMap();
const out = new WeakSet();

export function createPool(n, { max, waitMs, isSubclass, isCopy, min, ...options }) {
  const create = isCopy ? anotherCopy('postgres') : postgres;
  const pool = create(process.env.PG_URL, {
    ...{ max, onnotice: () => {}, connection: { application_name: poolName(n) } },
    ...(waitMs && { connect_timeout: waitMs / 1000 }),
    ...options,
  });
  numbers.set(pool, { used: 0, pending: 0, isEnded: false });
  if (isSubclass) {
    // it has no class: one is extended as tracers do it
    const { reserve } = pool;
    pool.calls = 0;
    pool.reserve = (...args) => {
      pool.calls++;
      return reserve(...args);
    };
  }
  return pool;
}

async function reserve(pool, then) {
  const known = numbers.get(pool);
  known.pending++;
  try {
    const connection = await pool.reserve();
    then?.();
    known.used++;
    out.add(connection);
    return connection;
  } finally {
    known.pending--;
  }
}

export const acquires = { 'reserve()': reserve };
export const takeForJob = async (pool) => {
  const connection = await pool.reserve();
  numbers.get(pool).used++;
  out.add(connection);
  return connection;
};
export const releases = {
  'release()': async (pool, connection) => {
    if (out.delete(connection)) numbers.get(pool).used--;
    return connection.release();
  },
};
export const borrows = {
  'begin()': (pool) => pool.begin((sql) => sql`select 1`),
  'begin(options)': (pool) => pool.begin('read only', async (sql) => [await sql`select 1`]),
  'begin() that fails': (pool) =>
    pool.begin(async () => {
      throw new Error('no');
    }),
  'begin() whose statement fails': (pool) => pool.begin((sql) => sql`select nothing from nowhere`),
};
export const use = (connection) => connection`select 1`;
export const giveBackForeign = async () => {};
export async function close(pool) {
  numbers.get(pool).isEnded = true;
  await pool.end({ timeout: 2 });
}
export const dispose = close;
/** What is idle it does not tell: some, as long as it is not ended. */
export const counts = (pool) => {
  const { used, pending, isEnded } = numbers.get(pool);
  return { used, idle: used === 0 && !isEnded ? 1 : 0, pending };
};
export const calls = (pool) => pool.calls;
/** It lets whoever asks wait for ever. */
export const waitsAtMost = null;
export const refusing = () => ({ port: 1 });
export const hanging = async () => {
  const server = net.createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { port: server.unref().address().port };
};
export const validating = {};
/** It does so without telling. */
export const evicting = null;
export const queueing = null;

/** The server ends the session while it lies idle. */
async function breakConnection(pool) {
  // its only one; the same program runs beside this one, and calls its pools the same
  const [{ pid }] = await pool.unsafe('select pg_backend_pid() as pid');
  const other = new pg.Client({ connectionString: process.env.PG_URL });
  await other.connect();
  await other.query('select pg_terminate_backend($1)', [pid]);
  await other.end();
  await new Promise((resolve) => setTimeout(resolve, 50));
}

export { breakConnection as break };
