// Connections of mariadb, from its pool and without; jobs are scopes.

import { setTimeout as sleep } from 'node:timers/promises';
import mariadb from 'mariadb';
import { scope } from 'outlive';
import run from '../run.cjs';

const { hostname: host, port, username: user } = new URL(process.env.MYSQL_URL);
const options = { host, port: Number(port), user, database: 'test' };
const pool = mariadb.createPool({ ...options, connectionLimit: 60, acquireTimeout: 2000 });
let alone = 0;

async function write(n) {
  let connection;
  try {
    connection = await pool.getConnection(); // acquires: write
    await connection.query('select ?', [n]);
    if (n % 6 === 3) throw new Error('no amount');
  } finally {
    if (connection) await connection.release(); // gives back: write
  }
}

async function total(n) {
  const connection = await pool.getConnection(); // acquires: total
  await connection.beginTransaction();
  const [row] = await connection.query('select ? as n', [n]);
  if (row.n % 4 === 1) {
    await connection.rollback();
    await connection.end(); // gives back: total
    return 0;
  }
  await connection.commit();
  await connection.release(); // gives back: total
  return row.n;
}

async function copy(n) {
  const connection = await mariadb.createConnection(options); // acquires: copy
  alone++;
  await connection.query('select ?', [n]);
  await connection.end(); // gives back: copy
  if (!connection.isValid()) alone--;
}

run(
  async () => {
    for (let n = 0; n < 50; n++) {
      await Promise.all([
        scope('write', () => write(n)).catch(() => {}),
        scope('total', () => total(n)),
        scope('copy', () => copy(n)),
      ]);
      await sleep(10);
    }
  },
  () => ({
    lent: pool.activeConnections(),
    waiting: pool.taskQueueSize(),
    alone,
  }),
);
