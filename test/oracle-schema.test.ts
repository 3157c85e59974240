import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTables } from '../pipeline/jobs/tables.ts';
import { openPool } from '../pipeline/store/database.ts';
import { prepareSchema } from '../pipeline/store/schema.ts';
import type { Connection } from '../pipeline/store/store.ts';
import { oracleSchema } from '../scenarios/oracle-schema.ts';
import { type FreshStore, freshStore } from './setup/stores.ts';

// A soak on an Oracle of the user's works in the schema of the user that is given.

let store: FreshStore;
beforeAll(async () => {
  store = await freshStore('oracle');
});
afterAll(() => store?.drop());

/** Makes the pipeline's tables too. */
async function withTables<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const pool = await openPool({ url: store.url, name: 'test', max: 2 });
  const connection = await pool.acquire();
  try {
    await prepareSchema(connection);
    await createTables(pool);
    return await work(connection);
  } finally {
    connection.release();
    await pool.close();
  }
}

async function tables(): Promise<string[]> {
  const pool = await openPool({ url: store.url, name: 'test', max: 1 });
  const connection = await pool.acquire();
  const rows = await connection.query<{ name: string }>('select lower(table_name) as name from user_tables');
  connection.release();
  await pool.close();
  return rows.map(({ name }) => name).sort();
}

test('it leaves nothing behind, and takes over what a killed one left', async () => {
  const killed = await oracleSchema(store.url, () => {});
  await killed.create('leaking');
  await withTables((connection) => connection.execute(`insert into assets values ('t', 'r', 'x', 'eu', null)`));

  const server = await oracleSchema(store.url, () => {});
  const database = await server.create('leaking');
  await withTables(async (connection) => expect(await connection.query('select * from assets')).toEqual([]));
  await database.drop();
  await server.stop();
  expect(await tables()).toEqual([]);
});

test('it refuses a schema that somebody works with, and changes nothing there', async () => {
  await withTables((connection) => connection.execute(`insert into assets values ('t', 'r', 'x', 'eu', null)`));
  const before = await tables();
  const server = await oracleSchema(store.url, () => {});
  await expect(server.create('leaking')).rejects.toThrow(
    /^The schema of the Oracle user holds the table \w+, which a soak would empty: give a user of its own\.$/,
  );
  await server.stop();
  expect(await tables()).toEqual(before);
  await withTables(async (connection) => expect(await connection.query('select * from assets')).toHaveLength(1));
});
