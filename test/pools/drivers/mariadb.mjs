/** How things are done with mariadb, on the MariaDB at MYSQL_URL. */

import { anotherCopy } from './another-copy.mjs';
import { hangingServer, mysqlUrl } from './mysql-server.mjs';
import { load } from './seen.mjs';

const mariadb = await load('mariadb');

export const poolName = (n) => `mariadb #${n}`;
export const finds = ['collected', 'proven'];
export const minimum = 2;

export function createPool(_, { max, min = 0, waitMs, isSubclass, isCopy, ...options }) {
  const { createPool: create } = isCopy ? anotherCopy('mariadb') : mariadb;
  const pool = create({
    ...mysqlUrl(),
    ...{ connectionLimit: max, minimumIdle: min, acquireTimeout: 20_000, connectTimeout: 10_000, idleTimeout: 0 },
    ...(waitMs && { acquireTimeout: waitMs, initializationTimeout: waitMs, connectTimeout: waitMs }),
    ...options,
  });
  pool.on('error', () => {});
  if (isSubclass) {
    // its classes are made inside: one is extended as tracers do it
    pool.calls = 0;
    pool.getConnection = function getConnection(...args) {
      this.calls++;
      return Object.getPrototypeOf(this).getConnection.apply(this, args);
    };
  }
  return pool;
}

export const acquires = {
  'getConnection()': async (pool, then) => {
    const connection = await pool.getConnection();
    then?.();
    return connection;
  },
};
export const takeForJob = (pool) => pool.getConnection();
export const releases = {
  'release()': (_, connection) => connection.release(),
  'end()': (_, connection) => connection.end(),
  'close()': (_, connection) => connection.close(),
  'destroy()': async (_, connection) => connection.destroy(),
};
export const borrows = {
  'query()': (pool) => pool.query('select 1'),
  'execute()': (pool) => pool.execute('select ?', [1]),
  'batch()': (pool) => pool.batch('do ?', [[1], [2]]),
  'query() that fails': (pool) => pool.query('select nothing from nowhere'),
};
export const use = (connection) => connection.query('select 1');
export const giveBackForeign = async () => {};
export const close = (pool) => pool.end();
export const dispose = close;
export const counts = (pool) => ({
  used: pool.activeConnections(),
  idle: pool.idleConnections(),
  pending: pool.taskQueueSize(),
});
export const calls = (pool) => pool.calls;
/** It asks for its settings once. */
export const waitsAtMost = () => {};
export const waiting = { acquireTimeout: 2500 };
export const refusing = () => ({ port: 1 });
export const hanging = async () => ({ port: await hangingServer() });
export const validating = { minDelayValidation: 0 };
/** It looks twice a second. */
export const evicting = { idleTimeout: 0.02 };
export const queueing = null;

/** The server ends the session while it lies idle. */
async function breakConnection(pool, { threadId }) {
  const other = await mariadb.createConnection(mysqlUrl());
  await other.query(`kill ${threadId}`);
  await other.end();
  for (let n = 0; n < 100 && counts(pool).idle > 0; n++) await new Promise((resolve) => setTimeout(resolve, 10));
}

export { breakConnection as break };
