/** How things are done with oracledb, on the database at ORACLE_CONNECT_STRING; ORACLE_DESK kills its sessions. */
import net from 'node:net';
import oracledb from 'oracledb';
import { anotherCopy } from './another-copy.mjs';

const { ORACLE_CONNECT_STRING: connectString, ORACLE_USER: user, ORACLE_PASSWORD: password } = process.env;
const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const poolName = (n) => `pool ${n}`;
export const finds = ['collected', 'proven'];
export const minimum = 2;

export async function createPool(n, { max, min = 0, waitMs, isSubclass, isCopy, ...options }) {
  const library = isCopy ? anotherCopy('oracledb') : oracledb;
  const pool = await library.createPool({
    ...{ user, password, connectString, poolAlias: poolName(n), poolMin: min, poolMax: max, poolIncrement: 1 },
    ...(waitMs && { queueTimeout: waitMs }),
    ...options,
  });
  if (isSubclass) {
    // the driver makes its pools itself: one is extended as tracers do it
    pool.calls = 0;
    pool.getConnection = function getConnection(...args) {
      this.calls++;
      return Object.getPrototypeOf(this).getConnection.apply(this, args);
    };
  }
  return pool;
}

const byCallback = (ask) => (pool, then) =>
  new Promise((resolve, reject) => {
    ask(pool, (error, connection) => {
      then?.();
      if (error) reject(error);
      else resolve(connection);
    });
  });
const isOfThisCopy = (pool) => pool instanceof oracledb.Pool;
export const acquires = {
  'getConnection()': async (pool, then) => {
    const connection = await pool.getConnection();
    then?.();
    return connection;
  },
  'getConnection({})': (pool) => pool.getConnection({}),
  'getConnection(callback)': byCallback((pool, done) => pool.getConnection(done)),
  'oracledb.getConnection(alias)': (pool) => oracledb.getConnection(pool.poolAlias),
  'oracledb.getConnection({ poolAlias }, callback)': byCallback((pool, done) =>
    oracledb.getConnection({ poolAlias: pool.poolAlias }, done),
  ),
};
export const takeForJob = (pool) => pool.getConnection();
export const releases = {
  'close()': (_, connection) => connection.close(),
  'release()': (_, connection) => connection.release(),
  'close({ drop })': (_, connection) => connection.close({ drop: true }),
  'close(callback)': (_, connection) =>
    new Promise((resolve, reject) => connection.close((error) => (error ? reject(error) : resolve()))),
  asyncDispose: (_, connection) => connection[Symbol.asyncDispose]?.() ?? connection.close(),
  'close() after one that is refused': async (_, connection) => {
    await connection.close({ drop: 'yes' }).catch(() => {});
    await connection.close();
  },
};
export const borrows = {};
export const use = (connection) => connection.execute('select 1 from dual');
export const giveBackForeign = () => new oracledb.Connection().close();
export const close = (pool) => pool.close();
/** By force; a pool whose logon hangs never closes. */
export const dispose = (pool) => Promise.race([pool.close(0), soon(100)]);
export const counts = ({ connectionsInUse: used, connectionsOpen, _pendingRequestQueue: queue }) => ({
  used,
  idle: connectionsOpen - used,
  pending: queue.size,
});
export const calls = (pool) => [pool.calls, isOfThisCopy(pool)];
export const waitsAtMost = (pool, ms) => pool.reconfigure({ queueTimeout: ms });

export const refusing = () => ({ connectString: '127.0.0.1:1/NOBODY' });
export const hanging = async () => {
  const server = net.createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { connectString: `127.0.0.1:${server.unref().address().port}/HANGING` };
};
export const validating = { poolPingInterval: 0 };
export const evicting = { poolTimeout: 1 };
export const queueing = { queueMax: 1 };
/** The database ends the session while it lies idle. */
async function breakConnection(pool) {
  const [{ nscon }] = pool._impl._freeConnectionList;
  await fetch(`${process.env.ORACLE_DESK}/kill/${encodeURIComponent(nscon.sAtts.connectionId)}`);
}

export { breakConnection as break };
