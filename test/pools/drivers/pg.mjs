/** How things are done with pg and its pool, on the PostgreSQL at PG_URL. */
import net from 'node:net';
import pg from 'pg';
import { anotherCopy } from './another-copy.mjs';

export const poolName = (n) => `pool ${n}`;
export const finds = ['unreachable', 'proven'];
/** It fills no minimum, it only keeps one. */
export const minimum = 1;

export function createPool(n, { waitMs, isSubclass, isCopy, ...options }) {
  const { Pool } = isCopy ? anotherCopy('pg') : pg;
  class Counting extends Pool {
    calls = 0;
    connect(...args) {
      this.calls++;
      return super.connect(...args);
    }
  }
  const pool = new (isSubclass ? Counting : Pool)({
    connectionString: process.env.PG_URL,
    application_name: poolName(n),
    idleTimeoutMillis: 0,
    ...(waitMs && { connectionTimeoutMillis: waitMs }),
    ...options,
  });
  return pool.on('error', () => {});
}

const tell = (then) => (client) => {
  then?.();
  return client;
};
const byCallback = (pool, then) =>
  new Promise((resolve, reject) => {
    pool.connect((error, client, release) => {
      then?.();
      if (error) reject(error);
      else resolve(Object.assign(client, { release }));
    });
  });
export const acquires = {
  'connect()': (pool, then) => pool.connect().then(tell(then)),
  'connect(callback)': byCallback,
};
export const takeForJob = (pool) => pool.connect();
export const releases = {
  'release()': async (_, client) => client.release(),
  'release(true)': async (_, client) => client.release(true),
  'release(error)': async (_, client) => client.release(new Error('broken')),
};
export const borrows = {
  'query()': (pool) => pool.query('select 1'),
  'query(text, values)': (pool) => pool.query('select $1::int', [1]),
  'query(callback)': (pool) =>
    new Promise((resolve, reject) => pool.query('select 1', (error) => (error ? reject(error) : resolve()))),
  'query() that fails': (pool) => pool.query('select nothing from nowhere'),
  'query() with wrong values': (pool) => pool.query('select $1::int', ['x']),
};
export const use = (client) => client.query('select 1');
export const giveBackForeign = (pool) => new pg.Client().release?.() ?? pool.constructor.name;
export const close = (pool) => pool.end();
export const dispose = close;
export const counts = ({ totalCount, idleCount, waitingCount }) => ({
  used: totalCount - idleCount,
  idle: idleCount,
  pending: waitingCount,
});
export const calls = (pool) => pool.calls;

export function waitsAtMost(pool, ms) {
  pool.options.connectionTimeoutMillis = ms;
}
export const refusing = () => ({ connectionString: 'postgres://postgres@127.0.0.1:1/postgres' });
export const hanging = async () => {
  const server = net.createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { connectionString: `postgres://postgres@127.0.0.1:${server.unref().address().port}/postgres` };
};
export const validating = {};
export const evicting = { idleTimeoutMillis: 20 };
export const queueing = null;
/** The server ends the session while it lies idle. */
async function breakConnection(pool, client) {
  const other = new pg.Client({ connectionString: process.env.PG_URL });
  await other.connect();
  const removed = new Promise((resolve) => pool.once('remove', resolve));
  await other.query('select pg_terminate_backend($1)', [client.processID]);
  await removed;
  await other.end();
}

export { breakConnection as break };
