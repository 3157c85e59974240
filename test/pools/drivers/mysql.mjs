/** How things are done with mysql, on the MariaDB at MYSQL_URL. */
import { once } from 'node:events';
import mysql from 'mysql';
import { anotherCopy } from './another-copy.mjs';
import { hangingServer, mysqlUrl } from './mysql-server.mjs';

export const poolName = (n) => `mysql #${n}`;
export const finds = ['unreachable', 'proven'];
/** It has none. */
export const minimum = 1;

export function createPool(_, { max, waitMs, isSubclass, isCopy, min, ...options }) {
  const { createPool: create } = isCopy ? anotherCopy('mysql') : mysql;
  const pool = create({
    ...mysqlUrl(),
    connectionLimit: max,
    ...(waitMs && { acquireTimeout: waitMs }),
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

const promised = (call) =>
  new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))));
export const acquires = {
  'getConnection(callback)': (pool, then) =>
    promised((done) =>
      pool.getConnection((error, connection) => {
        then?.();
        done(error, connection);
      }),
    ),
};
export const takeForJob = acquires['getConnection(callback)'];
export const releases = {
  'release()': async (_, connection) => connection.release(),
  'releaseConnection()': async (pool, connection) => pool.releaseConnection(connection),
  'destroy()': async (_, connection) => connection.destroy(),
};
export const borrows = {
  'query()': (pool) => promised((done) => pool.query('select 1', done)),
  'query() with values': (pool) => promised((done) => pool.query('select ?', [1], done)),
  'query() that fails': (pool) => promised((done) => pool.query('select nothing from nowhere', done)),
  'query().stream()': async (pool) => {
    await once(pool.query('select 1').stream().resume(), 'end');
    for (let n = 0; n < 100 && counts(pool).used > 0; n++) await new Promise((resolve) => setTimeout(resolve, 5));
  },
};
export const use = (connection) => promised((done) => connection.query('select 1', done));
export const giveBackForeign = (pool) => pool.releaseConnection({});
export const close = (pool) => promised((done) => pool.end(done));
export const dispose = close;
export const counts = ({ _allConnections: all, _freeConnections: free, _connectionQueue: waiting }) => ({
  used: all.length - free.length,
  idle: free.length,
  pending: waiting.length,
});
export const calls = (pool) => pool.calls;
/** It lets whoever asks wait for ever. */
export const waitsAtMost = null;
export const refusing = () => ({ port: 1 });
export const hanging = async () => ({ port: await hangingServer() });
export const validating = {};
/** It keeps all of them. */
export const evicting = null;
export const queueing = { queueLimit: 1 };

/** The server ends the session while it lies idle. */
async function breakConnection(pool, { threadId }) {
  const other = mysql.createConnection(mysqlUrl());
  await promised((done) => other.query(`kill ${threadId}`, done));
  await promised((done) => other.end(done));
  for (let n = 0; n < 100 && counts(pool).idle > 0; n++) await new Promise((resolve) => setTimeout(resolve, 10));
}

export { breakConnection as break };
