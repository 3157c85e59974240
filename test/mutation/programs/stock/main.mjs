// Connections of mysql2 by promises and of mysql by callbacks, with transactions, and ones without a pool; jobs are scopes.

import { setTimeout as sleep } from 'node:timers/promises';
import mysqlByCallbacks from 'mysql';
import mysql from 'mysql2/promise';
import { scope } from 'outlive';
import run from '../run.cjs';

const pool = mysql.createPool({ uri: process.env.MYSQL_URL, connectionLimit: 70 });
const { hostname: host, port, username: user } = new URL(process.env.MYSQL_URL);
const options = { host, port: Number(port), user, database: 'test' };
const older = mysqlByCallbacks.createPool({ ...options, connectionLimit: 70 });
let alone = 0;

async function reserve(n) {
  const connection = await pool.getConnection(); // acquires: reserve
  try {
    await connection.beginTransaction();
    await connection.query('select ?', [n]);
    if (n % 6 === 4) throw new Error('sold out');
    await connection.commit();
  } catch (error) {
    await connection.rollback();
    throw error;
  } finally {
    connection.release(); // gives back: reserve
  }
}

function count(n, done) {
  // acquires: count
  older.getConnection((error, connection) => {
    if (error) return done(error);
    connection.query('select ?', [n], (failed, rows) => {
      connection.release(); // gives back: count
      done(failed, rows);
    });
  });
}

async function audit(n) {
  const connection = await mysql.createConnection(process.env.MYSQL_URL); // acquires: audit
  alone++;
  try {
    await connection.query('select ?', [n]);
    if (n % 5 === 2) throw new Error('wrong');
  } finally {
    await connection.end(); // gives back: audit
    if (connection.connection._closing) alone--;
  }
}

const used = ({ _allConnections, _freeConnections, _connectionQueue }) =>
  _allConnections.length - _freeConnections.length + _connectionQueue.length;

run(
  async () => {
    for (let n = 0; n < 50; n++) {
      await Promise.all([
        scope('reserve', () => reserve(n)).catch(() => {}),
        scope('count', () => new Promise((resolve) => count(n, resolve))),
        scope('audit', () => audit(n)).catch(() => {}),
      ]);
      await sleep(10);
    }
  },
  () => ({
    reserve: used(pool.pool),
    count: used(older),
    audit: alone,
  }),
);
