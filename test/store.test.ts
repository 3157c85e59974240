import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../pipeline/store/database.ts';
import { PostgresPool } from '../pipeline/store/postgres.ts';
import { prepareSchema } from '../pipeline/store/schema.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';

let database: FreshDatabase;
const pools: PostgresPool[] = [];

beforeAll(async () => {
  database = await freshDatabase();
});
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});
afterAll(() => database?.drop());

function newPool(name: string, max: number, acquireTimeout?: number): PostgresPool {
  const pool = new PostgresPool({ url: database.url, name, max, ...(acquireTimeout ? { acquireTimeout } : {}) });
  pools.push(pool);
  return pool;
}

describe('a pool', () => {
  test('names its sessions after itself and reuses them', async () => {
    const pool = newPool('orders', 1);
    const sessions = [];
    for (let i = 0; i < 2; i++) {
      const connection = await pool.acquire();
      sessions.push(
        ...(await connection.query(`select pg_backend_pid() as pid, current_setting('application_name') as name`)),
      );
      connection.release();
    }
    expect(sessions[0]).toMatchObject({ name: 'orders' });
    expect(sessions[1]).toEqual(sessions[0]);
  });

  test('closes a session that is released with an error', async () => {
    const pool = newPool('orders', 1);
    const pids = [];
    for (let i = 0; i < 2; i++) {
      const connection = await pool.acquire();
      pids.push((await connection.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid);
      connection.release(new Error('broken'));
    }
    expect(pids[1]).not.toBe(pids[0]);
  });

  test('refuses to wait longer than its timeout for a session that nobody gives back', async () => {
    const pool = newPool('small', 1, 200);
    const kept = await pool.acquire();
    await expect(pool.acquire()).rejects.toThrow('timeout');
    kept.release();
  });

  test('survives the loss of its sessions, idle and on loan', async () => {
    const pool = newPool('struck', 2);
    const [idle, lent] = await Promise.all([pool.acquire(), pool.acquire()]);
    idle.release();
    const killer = await newPool('killer', 1).acquire();
    await killer.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'struck'`,
    );
    killer.release();
    await expect(lent.query('select 1')).rejects.toThrow();
    lent.release();
    const fresh = await pool.acquire();
    expect(await fresh.query('select 1 as one')).toEqual([{ one: 1 }]);
    fresh.release();
  });
});

test('the schema can be prepared by several processes at once, and again', async () => {
  const pool = newPool('schema', 5);
  const connections = await Promise.all(Array.from({ length: 5 }, () => pool.acquire()));
  await Promise.all(connections.map(prepareSchema));
  await prepareSchema(connections[0]!);
  expect(await connections[0]!.query(`select to_regclass('stream_entries') is not null as there`)).toEqual([
    { there: true },
  ]);
  for (const connection of connections) connection.release();
});

describe('opening a database', () => {
  test('takes the one that is named, and leaves it alone when stopped', async () => {
    const opened = await openDatabase({ url: database.url });
    expect(opened.url).toBe(database.url);
    await opened.stop();
    await (await openDatabase({ url: database.url })).stop();
  });

  test('names host and port when nobody answers there, never the password', async () => {
    const port = await unusedPort();
    const failure = openDatabase({ url: `postgres://me:sesame@127.0.0.1:${port}/orders` });
    await expect(failure).rejects.toThrow(
      `PostgreSQL at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED 127.0.0.1:${port}.`,
    );
    await expect(failure).rejects.not.toThrow('sesame');
  });

  test('says so when the database is unknown there', async () => {
    const url = new URL(database.url);
    url.pathname = 'missing';
    await expect(openDatabase({ url: url.href })).rejects.toThrow('database "missing" does not exist');
  });

  test.each(['mysql://me:sesame@host/db', 'postgres://me:ses ame@ho st:port/db', 'host=db'])(
    'explains the form of a URL to who gives %j',
    async (url) => {
      await expect(openDatabase({ url })).rejects.toThrow(
        'The database URL is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE or oracle://USER:PASSWORD@HOST:PORT/SERVICE.',
      );
    },
  );
});

function unusedPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
