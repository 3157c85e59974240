import knex from 'knex';
import { emitted, errorOf, ownOf, readAll } from './outcomes.mjs';

const config = { client: 'mysql2', connection: process.env.MYSQL_URL, pool: { min: 0, max: 2 } };

export async function open() {
  const db = knex(config);
  await db.schema.dropTableIfExists('knex_notes');
  await db.schema.createTable('knex_notes', (table) => {
    table.increments();
    table.string('text');
  });
  return { db };
}

export async function close() {}

export const documented = {
  raw: async ({ db }) => (await db.raw('select ? as a', [1]))[0],
  'insert, select, update, delete': async ({ db }) => [
    await db('knex_notes').insert([{ text: 'a' }, { text: 'b' }]),
    await db('knex_notes').select('text').orderBy('id'),
    await db('knex_notes').where({ text: 'a' }).update({ text: 'c' }),
    await db('knex_notes').where({ text: 'b' }).del(),
    await db('knex_notes').first('text'),
  ],
  'what is sent, as text': ({ db }) => [db('knex_notes').where({ id: 1 }).toString(), db.raw('??', ['a']).toSQL().sql],
  'names and arities': ({ db }) => [
    db,
    db.transaction,
    db.raw,
    db.destroy,
    db.client.acquireConnection,
    db.client.runner,
  ],
  'own properties of an instance and its client': ({ db }) => [ownOf(db), ownOf(db.client)],
  'an error names its statement': async ({ db }) => {
    const { code, errno, sql } = await errorOf(() => db('no_such').select());
    return [code, errno, sql];
  },
  'a query is thenable and catchable': ({ db }) =>
    db('no_such')
      .select()
      .then(
        () => 'then',
        () => 'rejected',
      )
      .finally(() => 'finally'),
  callbacks: async ({ db }) =>
    new Promise((resolve) => {
      db('knex_notes')
        .count({ n: '*' })
        .asCallback((error, rows) => resolve([error, rows]));
    }),
  'events of a query': async ({ db }) => {
    const query = db('knex_notes').select('text');
    const seen = emitted(query, 'start', 'query', 'query-response', 'query-error');
    await query;
    return seen;
  },
  'a transaction of a function is committed': async ({ db }) => {
    const given = await db.transaction(async (trx) => {
      await trx('knex_notes').insert({ text: 'kept' });
      return 'given';
    });
    return [given, await db('knex_notes').select('text')];
  },
  'a transaction of a function is rolled back': async ({ db }) => {
    const error = await errorOf(() =>
      db.transaction(async (trx) => {
        await trx('knex_notes').del();
        throw new RangeError('no');
      }),
    );
    return [error, (await db('knex_notes')).length];
  },
  'a transaction by hand': async ({ db }) => {
    const trx = await db.transaction();
    const before = [trx.isCompleted(), trx.isTransaction];
    await trx('knex_notes').insert({ text: 'by hand' });
    await trx.commit();
    return [...before, trx.isCompleted(), await errorOf(() => trx('knex_notes').select())];
  },
  'a transaction that is rolled back by hand': async ({ db }) => {
    const trx = await db.transaction();
    await trx('knex_notes').del();
    await trx.rollback();
    const failed = await trx.executionPromise.catch((error) => error);
    return [failed ?? 'quietly', (await db('knex_notes')).length];
  },
  'a transaction within one': async ({ db }) =>
    db.transaction(async (outer) => {
      const failed = await outer
        .transaction(async (inner) => {
          await inner('knex_notes').del();
          throw new RangeError('back');
        })
        .catch((error) => error.message);
      return [failed, (await outer('knex_notes')).length];
    }),
  'a transaction provider': async ({ db }) => {
    const provide = db.transactionProvider();
    const [one, two] = [await provide(), await provide()];
    await one.rollback();
    return one === two;
  },
  savepoint: ({ db }) =>
    db.transaction((trx) => trx.savepoint((inner) => inner.raw('select 1 as a'))).then(([rows]) => rows),
  transacting: async ({ db }) => {
    const trx = await db.transaction();
    const rows = await db('knex_notes').count({ n: '*' }).transacting(trx);
    await trx.commit();
    return rows;
  },
  'a stream is read to its end': async ({ db }) => (await readAll(db('knex_notes').select('text').stream())).length,
  'a stream for a function': async ({ db }) => {
    let read = 0;
    await db('knex_notes').stream((rows) => rows.on('data', () => read++));
    return read;
  },
  'a stream that is left early': async ({ db }) => {
    const rows = db.raw('select seq from seq_1_to_5000').stream();
    for await (const row of rows) if (row) break;
    return (await db.raw('select 1 as a'))[0];
  },
  'a time-out of the pool': async () => {
    const db = knex({ ...config, pool: { min: 0, max: 1 }, acquireConnectionTimeout: 1500 });
    const trx = await db.transaction();
    const error = await errorOf(() => db.raw('select 1'));
    await trx.rollback();
    await db.destroy();
    return error;
  },
  'a time-out of a query': async ({ db }) => {
    const error = await errorOf(() => db.raw('select sleep(2)').timeout(200));
    return [error.name, error.timeout, error.message];
  },
  'a connection of its own': async ({ db }) => {
    const connection = await db.client.acquireConnection();
    const rows = await db.raw('select 1 as a').connection(connection);
    await db.client.releaseConnection(connection);
    return rows[0];
  },
  'withUserParams and destroy': async ({ db }) => {
    const { userParams } = db.withUserParams({ a: 1 });
    await db.destroy();
    return [userParams, await errorOf(() => db.raw('select 1'))];
  },
};
