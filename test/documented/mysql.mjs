import mysql from 'mysql';
import { ENDED, lent, rowsOf, url } from './mysql-pools.mjs';
import { answers, emitted, ownOf, readAll } from './outcomes.mjs';

export async function open() {
  const pool = mysql.createPool(`${url}?connectionLimit=2`);
  await answers((told) => pool.query('create table if not exists mysql_notes (id int, text varchar(20))', told));
  await answers((told) => pool.query('truncate mysql_notes', told));
  return { pool };
}

export async function close() {}

export const documented = {
  ...rowsOf(mysql),
  'names and arities': ({ pool }) => [pool.getConnection, pool.query, pool.end, pool.releaseConnection],
  'own properties of a pool and a connection': async ({ pool }) => {
    const connection = await lent(pool);
    connection.release();
    return [ownOf(pool), ownOf(connection)];
  },
  'streams of rows, as events and as a stream': async ({ pool }) => {
    const connection = await lent(pool);
    const seen = emitted(connection.query('select 1 as n union select 2'), 'fields', 'result', 'end');
    const rows = await readAll(connection.query('select 1 as n union select 2').stream());
    connection.release();
    return [seen, rows];
  },
  transactions: async ({ pool }) => {
    const connection = await lent(pool);
    const seen = [];
    for (const end of ['rollback', 'commit']) {
      await answers((told) => connection.beginTransaction(told));
      await answers((told) => connection.query("insert into mysql_notes values (1, 'x')", told));
      await answers((told) => connection[end](told));
      seen.push((await answers((told) => connection.query('select count(*) as n from mysql_notes', told)))[1]);
    }
    connection.release();
    return seen;
  },
  'a time-out of a query destroys its connection': async ({ pool }) => {
    const connection = await lent(pool);
    const [error] = await answers((told) => connection.query({ sql: 'select sleep(5)', timeout: 50 }, told));
    connection.destroy();
    return [error.code, error.fatal, error.timeout];
  },
  'connections without a pool': async () => {
    const connection = mysql.createConnection(url);
    const [refused] = await answers((told) => connection.connect(told));
    const [, rows] = await answers((told) => connection.query('select 1 as a', (error, found) => told(error, found)));
    const ended = await answers((told) => connection.end((error) => told(error)));
    return [refused, rows, ended, connection.state];
  },
  ...ENDED,
};
