import mariadb from 'mariadb';
import callbacks from 'mariadb/callback';
import { answers, emitted, errorOf, ownOf, readAll } from './outcomes.mjs';

const { hostname: host, port } = new URL(process.env.MYSQL_URL);
const options = { host, port: Number(port), user: 'root', database: 'test' };

export async function open() {
  const pool = mariadb.createPool({ ...options, connectionLimit: 2 });
  await pool.query('create table if not exists mariadb_notes (id int, text varchar(20))');
  await pool.query('truncate mariadb_notes');
  return { pool };
}

export async function close() {}

const plainRows = (rows) => [...rows];

export const documented = {
  'pool.query gives rows, with meta': async ({ pool }) => {
    const rows = await pool.query('select 1 + 1 as two');
    return [plainRows(rows), rows.meta.map((column) => column.name())];
  },
  'pool.execute and placeholders': async ({ pool }) => plainRows(await pool.execute('select ? as a', ['x'])),
  'named placeholders': async ({ pool }) =>
    plainRows(await pool.query({ namedPlaceholders: true, sql: 'select :a as a' }, { a: 1 })),
  'pool.batch': async ({ pool }) => {
    const { affectedRows } = await pool.batch('insert into mariadb_notes values (?, ?)', [
      [1, 'x'],
      [2, 'y'],
    ]);
    return affectedRows;
  },
  'a wrong statement is an error': async ({ pool }) => {
    const { code, errno, sqlState, fatal } = await errorOf(() => pool.query('selekt'));
    return [code, errno, sqlState, fatal];
  },
  'names and arities': ({ pool }) => [pool.getConnection, pool.query, pool.execute, pool.batch, pool.end],
  'own properties of a pool and of a connection': async ({ pool }) => {
    const connection = await pool.getConnection();
    const names = [ownOf(pool), ownOf(connection), connection.constructor.name];
    await connection.release();
    return names;
  },
  counts: async ({ pool }) => {
    const connection = await pool.getConnection();
    const counts = [pool.activeConnections(), pool.taskQueueSize()];
    await connection.release();
    return [...counts, pool.activeConnections()];
  },
  'events: acquire, connection, release, enqueue': async () => {
    const pool = mariadb.createPool({ ...options, connectionLimit: 1 });
    const seen = emitted(pool, 'acquire', 'enqueue');
    const first = await pool.getConnection();
    const second = pool.getConnection();
    await first.release();
    await (await second).release();
    await pool.end();
    return seen;
  },
  acquireTimeout: async () => {
    const pool = mariadb.createPool({ ...options, connectionLimit: 1, acquireTimeout: 300 });
    const first = await pool.getConnection();
    const { code, errno, name } = await errorOf(() => pool.getConnection());
    await first.release();
    await pool.end();
    return [code, errno, name];
  },
  transactions: async ({ pool }) => {
    const connection = await pool.getConnection();
    const seen = [];
    await connection.query('delete from mariadb_notes');
    for (const end of ['rollback', 'commit']) {
      await connection.beginTransaction();
      await connection.query("insert into mariadb_notes values (1, 'x')");
      await connection[end]();
      seen.push(plainRows(await connection.query('select count(*) as n from mariadb_notes')));
    }
    await connection.release();
    return seen;
  },
  queryStream: async ({ pool }) => {
    const connection = await pool.getConnection();
    const rows = await readAll(connection.queryStream('select 1 as n union select 2'));
    await connection.release();
    return rows;
  },
  'a stream that is closed early': async ({ pool }) => {
    const connection = await pool.getConnection();
    const stream = connection.queryStream('select seq from seq_1_to_1000');
    const rows = [];
    for await (const row of stream) if (rows.push(row) === 2) break;
    stream.close();
    const left = plainRows(await connection.query('select 1 as a'));
    await connection.release();
    return [rows, left];
  },
  'prepare and execute': async ({ pool }) => {
    const connection = await pool.getConnection();
    const prepared = await connection.prepare('select ? as n');
    const rows = plainRows(await prepared.execute([7]));
    prepared.close();
    await connection.release();
    return rows;
  },
  destroy: async ({ pool }) => {
    const connection = await pool.getConnection();
    connection.destroy();
    return connection.isValid();
  },
  'changeUser, ping, isValid, reset': async ({ pool }) => {
    const connection = await pool.getConnection();
    const done = [await connection.ping(), connection.isValid(), await connection.changeUser({ database: 'test' })];
    await connection.release();
    return done;
  },
  'importFile of a missing file': async ({ pool }) => {
    const { code, errno } = await errorOf(() => pool.importFile({ file: '/nonexistent.sql', database: 'test' }));
    return [code, errno];
  },
  'connections without a pool': async () => {
    const connection = await mariadb.createConnection(options);
    const rows = plainRows(await connection.query('select 1 as a'));
    return [rows, await connection.end(), connection.isValid()];
  },
  'by callbacks': async () => {
    const pool = callbacks.createPool({ ...options, connectionLimit: 1 });
    const [error, connection] = await answers((told) => pool.getConnection(told));
    const [failed, rows] = await answers((told) => connection.query('select 1 as a', told));
    await answers((told) => connection.release(told));
    await answers((told) => pool.end(told));
    return [error, failed, plainRows(rows), pool.getConnection];
  },
  clusters: async () => {
    const cluster = mariadb.createPoolCluster();
    cluster.add('one', options);
    const connection = await cluster.getConnection('one');
    await connection.release();
    const { code } = await errorOf(() => cluster.getConnection('none'));
    await cluster.end();
    return code;
  },
  'an ended pool lends nothing': async ({ pool }) => {
    await pool.end();
    const { code, errno } = await errorOf(() => pool.getConnection());
    return [code, errno, pool.closed];
  },
};
