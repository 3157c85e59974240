/** How things are done with mysql2, on the MariaDB at MYSQL_URL. */
import { once } from 'node:events';
import mysql2 from 'mysql2';
import { anotherCopy } from './another-copy.mjs';
import { hangingServer, mysqlUrl } from './mysql-server.mjs';

export const poolName = (n) => `mysql2 #${n}`;
export const finds = ['unreachable', 'proven'];
/** It has none. */
export const minimum = 1;

export function createPool(_, { max, waitMs, isSubclass, isCopy, min, ...options }) {
  const { createPool: create } = isCopy ? anotherCopy('mysql2') : mysql2;
  const pool = create({
    ...mysqlUrl(),
    connectionLimit: max,
    ...(waitMs && { connectTimeout: waitMs }),
    ...options,
  });
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

const byCallback = (pool, then) =>
  new Promise((resolve, reject) => {
    pool.getConnection((error, connection) => {
      then?.();
      if (error) reject(error);
      else resolve(connection);
    });
  });
export const acquires = {
  'getConnection(callback)': byCallback,
  'promise().getConnection()': async (pool, then) => {
    const connection = await pool.promise().getConnection();
    then?.();
    return connection;
  },
};
/** Of the promises: what they hand out is made anew for each borrow. */
export const takeForJob = (pool) => pool.promise().getConnection();
export const releases = {
  'release()': async (_, connection) => connection.release(),
  'releaseConnection()': async (pool, connection) => pool.releaseConnection(connection.connection ?? connection),
  'destroy()': async (_, connection) => connection.destroy(),
};
export const borrows = {
  'query()': (pool) => new Promise((resolve) => pool.query('select 1', resolve)),
  'execute()': (pool) => new Promise((resolve) => pool.execute('select ?', [1], resolve)),
  'promise().query()': (pool) => pool.promise().query('select 1'),
  'promise().execute()': (pool) => pool.promise().execute('select ?', [1]),
  'query() that fails': (pool) => pool.promise().query('select nothing from nowhere'),
  'query().stream()': async (pool) => {
    await once(pool.query('select 1').stream().resume(), 'end');
    for (let n = 0; n < 100 && counts(pool).used > 0; n++) await new Promise((resolve) => setTimeout(resolve, 5));
  },
};
export const use = (connection) =>
  'connection' in connection
    ? connection.query('select 1')
    : new Promise((resolve, reject) => connection.query('select 1', (error) => (error ? reject(error) : resolve())));
export const giveBackForeign = (pool) => pool.promise().releaseConnection({});
export const close = (pool) => pool.promise().end();
export const dispose = close;
/** One that was closed still lists what it has ended. */
export const counts = ({ _closed, _allConnections: all, _freeConnections: free, _connectionQueue: waiting }) =>
  _closed
    ? { used: 0, idle: 0, pending: waiting.length }
    : { used: all.length - free.length, idle: free.length, pending: waiting.length };
export const calls = (pool) => pool.calls;
/** It lets whoever asks wait for ever. */
export const waitsAtMost = null;
export const refusing = () => ({ port: 1 });
export const hanging = async () => ({ port: await hangingServer() });
export const validating = {};
/** It looks once a second. */
export const evicting = { maxIdle: 0, idleTimeout: 20 };
export const queueing = { queueLimit: 1 };

/** The server ends the session while it lies idle. */
async function breakConnection(pool, { threadId, connection }) {
  const other = mysql2.createConnection(mysqlUrl());
  await other.promise().query(`kill ${threadId ?? connection.threadId}`);
  await other.promise().end();
  for (let n = 0; n < 100 && counts(pool).idle > 0; n++) await new Promise((resolve) => setTimeout(resolve, 10));
}

export { breakConnection as break };
