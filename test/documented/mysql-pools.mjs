/** What the documentation of mysql's pools says, which mysql2 has kept. */
import { answers, emitted, thisOf } from './outcomes.mjs';

export const url = process.env.MYSQL_URL;
export const lent = (pool) => new Promise((resolve) => pool.getConnection((_, connection) => resolve(connection)));

/** Of `mysql`, which takes its options in the address. */
export function rowsOf(mysql) {
  const poolOf = (options) => mysql.createPool(`${url}?${new URLSearchParams({ connectionLimit: 1, ...options })}`);
  return {
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
      return [error.code, error.errno, error.fatal, error.sqlState, error.sql];
    },
    'what is the this of a callback': async ({ pool }) =>
      (await thisOf((told) => pool.query('select 1', told)))?.constructor.name,
    'events: acquire, connection, release, enqueue': async () => {
      const pool = poolOf();
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
    'a connection that is released twice': async ({ pool }) => {
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
      const pool = poolOf({ queueLimit: 1 });
      const first = await lent(pool);
      const second = lent(pool);
      const [error] = await answers((told) => pool.getConnection(told));
      first.release();
      (await second).release();
      pool.end();
      return error;
    },
    'waitForConnections: false': async () => {
      const pool = poolOf({ waitForConnections: false });
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
    'clusters: patterns, and no pool': async () => {
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
  };
}

/** The last of them: its pool is of no use afterwards. */
export const ENDED = {
  'an ended pool lends nothing': async ({ pool }) => {
    const ended = await answers((told) => pool.end((error) => told(error)));
    const [error] = await answers((told) => pool.getConnection(told));
    return [ended, error];
  },
};
