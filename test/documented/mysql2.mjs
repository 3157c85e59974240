import mysql from 'mysql2';
import promised from 'mysql2/promise';
import { answers, emitted, errorOf, ownOf, readAll, thisOf } from './outcomes.mjs';

const url = process.env.MYSQL_URL;

export async function open() {
  const pool = mysql.createPool({ uri: url, connectionLimit: 2 });
  const promises = promised.createPool({ uri: url, connectionLimit: 2, namedPlaceholders: true });
  await promises.query('create table if not exists mysql2_notes (id int auto_increment primary key, text varchar(20))');
  await promises.query('truncate mysql2_notes');
  return { pool, promises };
}

export async function close({ promises }) {
  await promises.end();
}

const lent = (pool) => new Promise((resolve) => pool.getConnection((_, connection) => resolve(connection)));

export const documented = {
  'pool.query calls back with rows and fields': async ({ pool }) => {
    const [error, rows, fields] = await answers((told) => pool.query('select 1 + 1 as two', told));
    return [error, rows, fields.map(({ name }) => name)];
  },
  'pool.query gives a command': ({ pool }) =>
    answers((told) => pool.query('select 1', told).once('end', () => told('end'))),
  'pool.execute takes values': async ({ pool }) =>
    (await answers((told) => pool.execute('select ? as a, ? as b', [1, 'x'], told))).slice(0, 2),
  'a wrong statement is an error with a code': async ({ pool }) => {
    const [error] = await answers((told) => pool.query('selekt', told));
    return [error.code, error.errno, error.sqlState, error.sql];
  },
  'getConnection lends a PoolConnection': async ({ pool }) => {
    const connection = await lent(pool);
    const names = [connection.constructor.name, typeof connection.release, typeof connection.promise];
    connection.release();
    return names;
  },
  'own properties of a connection': async ({ pool }) => {
    const connection = await lent(pool);
    connection.release();
    return ownOf(connection);
  },
  'names and arities': ({ pool, promises }) =>
    [pool, promises].map(({ getConnection, query, execute, end }) => [getConnection, query, execute, end]),
  'methods are those of the prototype': ({ pool }) => [
    Object.hasOwn(pool, 'getConnection'),
    Object.hasOwn(pool, 'query'),
    Object.hasOwn(Object.getPrototypeOf(pool), 'getConnection'),
  ],
  'what is the this of a callback': async ({ pool }) =>
    (await thisOf((told) => pool.query('select 1', told)))?.constructor.name,
  'events: acquire, connection, release, enqueue': async () => {
    const pool = mysql.createPool({ uri: url, connectionLimit: 1 });
    const seen = emitted(pool, 'acquire', 'connection', 'release', 'enqueue');
    const first = await lent(pool);
    const second = lent(pool);
    first.release();
    (await second).release();
    await new Promise((resolve) => pool.end(resolve));
    return seen;
  },
  'the same connection is lent again': async ({ pool }) => {
    const first = await lent(pool);
    first.release();
    const second = await lent(pool);
    second.release();
    return first === second;
  },
  'a connection may be released twice': async ({ pool }) => {
    const connection = await lent(pool);
    return [
      connection.release(),
      await errorOf(() => {
        connection.release();
        throw new Error('quietly');
      }),
    ];
  },
  'pool.releaseConnection releases': async ({ pool }) => pool.releaseConnection(await lent(pool)),
  'queueLimit is kept': async () => {
    const pool = mysql.createPool({ uri: url, connectionLimit: 1, queueLimit: 1 });
    const first = await lent(pool);
    const second = lent(pool);
    const [error] = await answers((told) => pool.getConnection(told));
    first.release();
    (await second).release();
    pool.end();
    return error;
  },
  'waitForConnections: false': async () => {
    const pool = mysql.createPool({ uri: url, connectionLimit: 1, waitForConnections: false });
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
  'streams of rows': async ({ pool }) => {
    const connection = await lent(pool);
    const rows = await readAll(connection.query('select 1 as n union select 2').stream());
    connection.release();
    return rows;
  },
  'prepare, execute, close': async ({ pool }) => {
    const connection = await lent(pool);
    const [, statement] = await answers((told) => connection.prepare('select ? as n', told));
    const [, rows] = await answers((told) => statement.execute([7], told));
    statement.close();
    connection.release();
    return rows;
  },
  'a transaction is rolled back': async ({ promises }) => {
    const connection = await promises.getConnection();
    await connection.beginTransaction();
    const [{ affectedRows }] = await connection.query("insert into mysql2_notes (text) values ('no')");
    await connection.rollback();
    const [rows] = await connection.query('select count(*) as n from mysql2_notes');
    connection.release();
    return [affectedRows, rows];
  },
  'a transaction is committed': async ({ promises }) => {
    const connection = await promises.getConnection();
    await connection.beginTransaction();
    await connection.execute('insert into mysql2_notes (text) values (?)', ['yes']);
    await connection.commit();
    connection.release();
    return (await promises.query('select text from mysql2_notes'))[0];
  },
  'named placeholders': async ({ promises }) => (await promises.query('select :a as a, :b as b', { a: 1, b: 'x' }))[0],
  'rows as arrays': async ({ promises }) => (await promises.query({ sql: 'select 1, 2', rowsAsArray: true }))[0],
  typeCast: async ({ promises }) =>
    (await promises.query({ sql: "select '1' as a", typeCast: (field) => `${field.name}=${field.string()}` }))[0],
  'a time-out of a query': async ({ promises }) => {
    const connection = await promises.getConnection();
    const error = await errorOf(() => connection.query({ sql: 'select sleep(5)', timeout: 50 }));
    connection.destroy();
    return error;
  },
  'several statements': async () => {
    const connection = await promised.createConnection({ uri: url, multipleStatements: true });
    const [results] = await connection.query('select 1 as a; select 2 as b');
    await connection.end();
    return results;
  },
  'changeUser and ping': async ({ promises }) => {
    const connection = await promises.getConnection();
    const done = [await connection.changeUser({ database: 'test' }), await connection.ping()];
    connection.release();
    return done;
  },
  'promise() of a pool and of a connection': async ({ pool }) => {
    const connection = await pool.promise().getConnection();
    const [rows] = await connection.query('select 1 as a');
    connection.release();
    return [rows, connection.connection.constructor.name];
  },
  'await using gives back': async () => {
    const pool = promised.createPool({ uri: url, connectionLimit: 1 });
    for (let n = 0; n < 3; n++) {
      const connection = await pool.getConnection();
      await connection[Symbol.asyncDispose]();
    }
    return pool.end();
  },
  'clusters: a pattern, a pool of the cluster, and none': async () => {
    const cluster = mysql.createPoolCluster();
    cluster.add('A', url);
    cluster.add('B', url);
    const seen = [];
    for (const from of [cluster, cluster.of('A'), cluster.of('B*', 'RANDOM')]) {
      const [error, connection] = await answers((told) => from.getConnection(told));
      connection.release();
      seen.push(error);
    }
    const [none] = await answers((told) => cluster.getConnection('C', told));
    await answers((told) => cluster.end(told));
    return [...seen, none];
  },
  'an ended pool lends nothing': async ({ pool }) => {
    await answers((told) => pool.end(told));
    const [error] = await answers((told) => pool.getConnection(told));
    return error;
  },
};
