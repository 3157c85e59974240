// Sessions of MariaDB that a job changes and puts right before it gives the connection back; no scopes.
// held by nature: lock, zone, table, by its session, which its pool keeps and lends again
const { setTimeout: sleep } = require('node:timers/promises');
const mysql = require('mysql2/promise');
const run = require('../run.cjs');

const pool = mysql.createPool({ uri: process.env.MYSQL_URL, connectionLimit: 4 });
const JOBS = 20;
const name = (n) => `job ${process.pid} ${n}`;

async function withConnection(use) {
  const connection = await pool.getConnection(); // acquires: connection
  try {
    return await use(connection);
  } finally {
    connection.release(); // gives back: connection
  }
}

function exclusive(n) {
  return withConnection(async (connection) => {
    await connection.query('select get_lock(?, 1)', [name(n)]); // acquires: lock
    try {
      await connection.query('select ?', [n]);
      if (n % 6 === 4) throw new Error('failed');
    } finally {
      await connection.query('select release_lock(?)', [name(n)]); // gives back: lock
    }
  });
}

function strict(n) {
  return withConnection(async (connection) => {
    await connection.query("set session time_zone = '+05:00'"); // acquires: zone
    await connection.query('select ?', [n]);
    await connection.query('set session time_zone = default'); // gives back: zone
  });
}

function staged(n) {
  return withConnection(async (connection) => {
    const table = `staged_${n}`;
    await connection.query(`create temporary table ${table} (n int)`); // acquires: table
    await connection.query(`insert into ${table} values (?)`, [n]);
    await connection.query(`drop temporary table ${table}`); // gives back: table
  });
}

async function left() {
  const connections = await Promise.all([1, 2, 3, 4].map(() => pool.getConnection())); // acquires: all
  const out = { locks: 0, zones: 0, tables: 0 };
  for (const connection of connections) {
    const [[{ zone }]] = await connection.query('select @@session.time_zone as zone');
    out.zones += Number(zone === '+05:00');
    const [[{ locks }]] = await connection.query('select release_all_locks() as locks');
    out.locks += locks;
    for (let n = 0; n < JOBS; n++) {
      const isThere = connection.query(`select 1 from staged_${n}`).then(() => 1);
      out.tables += await isThere.catch(() => 0);
    }
    connection.release(); // gives back: all
  }
  return out;
}

const used = ({ _allConnections, _freeConnections }) => _allConnections.length - _freeConnections.length;

let counts;
run(
  async () => {
    for (let n = 0; n < JOBS; n++) {
      await Promise.all([exclusive(n).catch(() => {}), strict(n), staged(n)]);
      await sleep(8);
    }
    counts = await left();
  },
  () => ({ ...counts, borrowed: used(pool.pool) }),
);
