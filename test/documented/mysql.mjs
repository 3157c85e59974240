import mysql from 'mysql';
import { answers, emitted, ownOf, readAll, thisOf } from './outcomes.mjs';

const url = process.env.MYSQL_URL;
const lent = (pool) => new Promise((resolve) => pool.getConnection((_, connection) => resolve(connection)));

export async function open() {
  const pool = mysql.createPool(`${url}?connectionLimit=2`);
  await answers((told) => pool.query('create table if not exists mysql_notes (id int, text varchar(20))', told));
  await answers((told) => pool.query('truncate mysql_notes', told));
  return { pool };
}

export async function close() {}

export const documented = {
  'pool.query calls back with rows and fields': async ({ pool }) => {
    const [error, rows, fields] = await answers((told) => pool.query('select 1 + 1 as two', told));
    return [error, rows, fields.map(({ name }) => name)];
  },
  'values are escaped': ({ pool }) =>
    answers((told) =>
      pool.query('select ? as a, ?? from (select 1 as `b`) t', ["o'x", 'b'], (e, rows) => told(e, rows)),
    ),
  'a wrong statement is an error with a code': async ({ pool }) => {
    const [error] = await answers((told) => pool.query('selekt', told));
    return [error.code, error.errno, error.fatal, error.sql];
  },
  'names and arities': ({ pool }) => [pool.getConnection, pool.query, pool.end, pool.releaseConnection],
  'own properties of a pool and a connection': async ({ pool }) => {
    const connection = await lent(pool);
    connection.release();
    return [ownOf(pool), ownOf(connection)];
  },
  'what is the this of a callback': async ({ pool }) =>
    (await thisOf((told) => pool.query('select 1', told)))?.constructor.name,
  'events: acquire, connection, release, enqueue': async () => {
    const pool = mysql.createPool(`${url}?connectionLimit=1`);
    const seen = emitted(pool, 'acquire', 'connection', 'release', 'enqueue');
    const first = await lent(pool);
    const second = lent(pool);
    first.release();
    (await second).release();
    await answers((told) => pool.end(told));
    return seen;
  },
  'the same connection is lent again': async ({ pool }) => {
    const first = await lent(pool);
    first.release();
    const second = await lent(pool);
    second.release();
    return first === second;
  },
  'a connection that is released twice is an error': async ({ pool }) => {
    const connection = await lent(pool);
    connection.release();
    try {
      connection.release();
      return 'quietly';
    } catch (error) {
      return error;
    }
  },
  'queueLimit is kept': async () => {
    const pool = mysql.createPool(`${url}?connectionLimit=1&queueLimit=1`);
    const first = await lent(pool);
    const second = lent(pool);
    const [error] = await answers((told) => pool.getConnection(told));
    first.release();
    (await second).release();
    pool.end();
    return error;
  },
  'acquireTimeout and waitForConnections: false': async () => {
    const pool = mysql.createPool(`${url}?connectionLimit=1&waitForConnections=false`);
    const first = await lent(pool);
    const [error] = await answers((told) => pool.getConnection(told));
    first.release();
    pool.end();
    return error;
  },
  'a destroyed connection is replaced': async ({ pool }) => {
    const first = await lent(pool);
    first.destroy();
    const second = await lent(pool);
    second.release();
    return first === second;
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
  'clusters: patterns, events and no pool': async () => {
    const cluster = mysql.createPoolCluster({ defaultSelector: 'ORDER' });
    cluster.add('A', url);
    cluster.add('B', url);
    const seen = [];
    for (const from of [cluster, cluster.of('A'), cluster.of('B*', 'RANDOM')]) {
      const [error, connection] = await answers((told) => from.getConnection(told));
      connection.release();
      seen.push(error);
    }
    const [none] = await answers((told) => cluster.getConnection('C', told));
    return [...seen, none, await answers((told) => cluster.end((error) => told(error)))];
  },
  'an ended pool lends nothing': async ({ pool }) => {
    const ended = await answers((told) => pool.end((error) => told(error)));
    const [error] = await answers((told) => pool.getConnection(told));
    return [ended, error];
  },
};
