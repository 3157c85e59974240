import mysql from 'mysql2';
import promised from 'mysql2/promise';
import { ENDED, lent, rowsOf, url } from './mysql-pools.mjs';
import { answers, errorOf, ownOf, readAll } from './outcomes.mjs';

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

export const documented = {
  ...rowsOf(mysql),
  'pool.query gives a command': ({ pool }) =>
    answers((told) => pool.query('select 1', told).once('end', () => told('end'))),
  'pool.execute takes values': async ({ pool }) =>
    (await answers((told) => pool.execute('select ? as a, ? as b', [1, 'x'], told))).slice(0, 2),
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
  'pool.releaseConnection releases': async ({ pool }) => pool.releaseConnection(await lent(pool)),
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
  ...ENDED,
};
