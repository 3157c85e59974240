import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { together, transact } from '../pipeline/jobs/job.ts';
import { openDatabase, openPool } from '../pipeline/store/database.ts';
import { endSessions } from '../pipeline/store/end-sessions.ts';
import { isDatabaseFailure } from '../pipeline/store/failure.ts';
import { oracleAddress } from '../pipeline/store/oracle-address.ts';
import { prepareSchema } from '../pipeline/store/schema.ts';
import type { ConnectionPool, Statement } from '../pipeline/store/store.ts';
import { table } from '../pipeline/store/tables.ts';
import { insertNew, upsert } from '../pipeline/store/upsert.ts';
import { freshDatabase } from './setup/database.ts';
import { type FreshStore, freshStore, STORES } from './setup/stores.ts';

const OWN_ID: Statement = {
  postgres: 'select pg_backend_pid() as id',
  // the next session may get the same SID
  oracle: `select sid || ',' || serial# as id from v$session where sid = to_number(sys_context('USERENV', 'SID'))`,
};
const OWN_NAME: Statement = {
  postgres: `select current_setting('application_name') as name`,
  oracle: `select program as name from v$session where sid = to_number(sys_context('USERENV', 'SID'))`,
};
const ONE: Statement = { postgres: 'select 1 as one', oracle: 'select 1 as one from dual' };
const STOCK = table(
  ({ name, text, integer, time }) =>
    `create table stock (item ${name} primary key, "size" ${text}, left_over ${integer}, counted ${time})`,
);
const COLUMNS = { '"size"': 'text', left_over: 'integer', counted: 'timestamptz' };

describe.each(STORES)('on %s', (dialect) => {
  let store: FreshStore;
  const pools: ConnectionPool[] = [];

  beforeAll(async () => {
    store = await freshStore(dialect);
  });
  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.close();
  });
  afterAll(() => store?.drop());

  async function newPool(name: string, max: number, acquireTimeout?: number): Promise<ConnectionPool> {
    const pool = await openPool({ url: store.url, name, max, ...(acquireTimeout ? { acquireTimeout } : {}) });
    pools.push(pool);
    return pool;
  }

  describe('a pool', () => {
    test('gives up a statement that gets no answer, and its session with it', async () => {
      const pool = await openPool({ url: store.url, name: 'patient', max: 2, answerTimeout: 500 });
      pools.push(pool);
      const [holder, waiting] = [await pool.acquire(), await pool.acquire()];
      await holder.createTables([table(({ integer }) => `create table held (n ${integer})`)]);
      await holder.execute('insert into held values (1)');
      await holder.begin();
      await holder.execute('update held set n = 2');
      await waiting.begin();
      const failure = await waiting.execute('update held set n = 3').catch((error: Error) => error);
      expect(isDatabaseFailure(failure)).toBe(true);
      waiting.release();
      await holder.commit();
      holder.release();
      const connection = await pool.acquire();
      expect(await connection.query('select n from held')).toEqual([{ n: 2 }]);
      connection.release();
    });

    test('ends the sessions of a lost client, with the locks that they hold, and no others', async () => {
      const [lost, other, mine] = [
        await newPool('tm1-a/job', 1),
        await newPool('tm2-a/job', 1),
        await newPool('jm', 2),
      ];
      const [holder, bystander] = [await lost.acquire(), await other.acquire()];
      await holder.createTables([table(({ integer }) => `create table fenced (n ${integer})`)]);
      await holder.execute('insert into fenced values (1)');
      await holder.begin();
      await holder.execute('update fenced set n = 2');
      const [own] = await bystander.query(OWN_ID);
      await endSessions(mine, 'tm1-a');
      const next = await mine.acquire();
      // the lock is gone, and what was not committed never will be
      await next.execute('update fenced set n = n + 10');
      await expect(holder.commit()).rejects.toThrow();
      expect(await next.query('select n from fenced')).toEqual([{ n: 11 }]);
      expect(await bystander.query(OWN_ID)).toEqual([own]);
      holder.release(new Error('it is lost'));
      bystander.release();
      next.release();
    });

    test('names its sessions after itself and reuses them', async () => {
      const pool = await newPool('orders', 1);
      const sessions = [];
      for (let i = 0; i < 2; i++) {
        const connection = await pool.acquire();
        sessions.push([await connection.query(OWN_NAME), await connection.query(OWN_ID)]);
        connection.release();
      }
      expect(sessions[0]?.[0]).toEqual([{ name: 'orders' }]);
      expect(sessions[1]).toEqual(sessions[0]);
    });

    test('closes a session that is released with an error', async () => {
      const pool = await newPool('orders', 1);
      const ids = [];
      for (let i = 0; i < 2; i++) {
        const connection = await pool.acquire();
        ids.push((await connection.query<{ id: unknown }>(OWN_ID))[0]?.id);
        connection.release(new Error('broken'));
      }
      expect(ids[1]).not.toBe(ids[0]);
    });

    test('refuses to wait longer than its timeout for a session that nobody gives back', async () => {
      const pool = await newPool('small', 1, 2_000);
      const kept = await pool.acquire();
      await expect(pool.acquire()).rejects.toThrow('timeout');
      kept.release();
    });

    test('survives the loss of its sessions, idle and on loan', async () => {
      const pool = await newPool('struck', 2);
      const [idle, lent] = await Promise.all([pool.acquire(), pool.acquire()]);
      idle.release();
      await store.endSessions('struck');
      await expect(lent.query(ONE)).rejects.toThrow();
      lent.release();
      const fresh = await pool.acquire();
      expect(await fresh.query(ONE)).toEqual([{ one: 1 }]);
      fresh.release();
    });

    test('rolls back all that was sent together, also what one of them had still to send', async () => {
      const pool = await newPool('together', 1);
      const connection = await pool.acquire();
      await connection.createTables([STOCK]);
      connection.release();
      const refused = new Error('another was faster');
      let isOver = false;
      const failing = transact({ pool }, async (transaction) => {
        const insert = async () => {
          for (let asked = 0; asked < 2; asked++) await transaction.query(ONE);
          await transaction.execute(`insert into stock (item) values ('late')`);
          isOver = true;
        };
        await together([insert(), transaction.query(ONE).then(() => Promise.reject(refused))]);
      });
      await expect(failing).rejects.toBe(refused);
      expect(isOver).toBe(true);
      const next = await pool.acquire();
      expect(await next.query(`select item from stock where item = 'late'`)).toEqual([]);
      next.release();
    });

    test('rolls back what was begun on a session that fails', async () => {
      const pool = await newPool('torn', 1);
      const connection = await pool.acquire();
      await connection.createTables([STOCK]);
      await connection.begin();
      await connection.execute(`insert into stock (item) values ($1)`, ['torn']);
      await connection.rollback();
      connection.release();
      const next = await pool.acquire();
      expect(await next.query(`select item from stock where item = 'torn'`)).toEqual([]);
      next.release();
    });
  });

  describe('a statement', () => {
    const time = new Date('2026-01-05T08:10:00.250Z');
    const rows = [
      ['bolt', 'M4', 5, time],
      ['nut', null, 7, null],
    ];

    async function stock(): Promise<ConnectionPool> {
      const pool = await newPool('stock', 2);
      const connection = await pool.acquire();
      await connection.createTables([STOCK]);
      await connection.execute('delete from stock');
      connection.release();
      return pool;
    }
    const all = 'select item, "size", left_over, counted from stock order by item';

    test('for many rows takes them one by one, in one trip, and outside of a transaction commits', async () => {
      const pool = await stock();
      const [writer, reader] = await Promise.all([pool.acquire(), pool.acquire()]);
      expect(await writer.executeMany(insertNew('stock', { item: 'text' }, COLUMNS), rows)).toBe(2);
      expect(await reader.query(all)).toEqual([
        { item: 'bolt', size: 'M4', left_over: 5, counted: time },
        { item: 'nut', size: null, left_over: 7, counted: null },
      ]);
      expect(await writer.executeMany(insertNew('stock', { item: 'text' }, COLUMNS), [])).toBe(0);
      for (const connection of [writer, reader]) connection.release();
    });

    test('that inserts what is new leaves the rest as it is, and says how many there were', async () => {
      const connection = await (await stock()).acquire();
      await connection.executeMany(insertNew('stock', { item: 'text' }, COLUMNS), rows.slice(1));
      const again = [rows[0]!, ['nut', 'M8', 1, null]];
      expect(await connection.executeMany(insertNew('stock', { item: 'text' }, COLUMNS), again)).toBe(1);
      expect((await connection.query(all)).map(({ left_over }) => left_over)).toEqual([5, 7]);
      connection.release();
    });

    test('that inserts or updates gives what is there its new values', async () => {
      const connection = await (await stock()).acquire();
      const put = upsert('stock', { item: 'text' }, COLUMNS);
      await connection.executeMany(put, rows);
      await connection.executeMany(put, [['nut', 'M8', 0, time]]);
      expect((await connection.query(all))[1]).toEqual({ item: 'nut', size: 'M8', left_over: 0, counted: time });
      connection.release();
    });

    test('of two that insert the same at once, the second waits, and inserts when the first is rolled back', async () => {
      const pool = await stock();
      const [first, second] = await Promise.all([pool.acquire(), pool.acquire()]);
      const put = upsert('stock', { item: 'text' }, COLUMNS);
      await first.begin();
      await first.executeMany(put, [['bolt', 'M4', 1, null]]);
      const waiting = second.executeMany(put, [['bolt', 'M5', 2, null]]);
      await expect.poll(() => store.lockWaits()).toBe(1);
      await first.rollback();
      await waiting;
      expect(await first.query(all)).toEqual([{ item: 'bolt', size: 'M5', left_over: 2, counted: null }]);
      for (const connection of [first, second]) connection.release();
    });

    test('says how many rows it changed', async () => {
      const connection = await (await stock()).acquire();
      await connection.executeMany(insertNew('stock', { item: 'text' }, COLUMNS), rows);
      expect(await connection.execute('update stock set left_over = $2 where left_over > $1', [5, 1])).toBe(1);
      expect(await connection.execute('delete from stock where item = $1 or item = $1', ['screw'])).toBe(0);
      connection.release();
    });
  });

  test('tables can be made by several processes at once, and again', async () => {
    const pool = await newPool('schema', 5);
    const connections = await Promise.all(Array.from({ length: 5 }, () => pool.acquire()));
    await Promise.all(connections.map(prepareSchema));
    await prepareSchema(connections[0]!);
    expect(await connections[0]!.query('select topic from stream_batches')).toEqual([]);
    for (const connection of connections) connection.release();
  });

  test('opening takes the database that is named, and leaves it alone when stopped', async () => {
    const opened = await openDatabase({ url: store.url });
    expect(opened.url).toBe(store.url);
    await opened.stop();
    await (await openDatabase({ url: store.url })).stop();
  });
});

describe('opening a database', () => {
  test('names host and port when nobody answers there, never the password', async () => {
    const port = await unusedPort();
    const failure = openDatabase({ url: `postgres://me:sesame@127.0.0.1:${port}/orders` });
    await expect(failure).rejects.toThrow(
      `PostgreSQL at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED 127.0.0.1:${port}.`,
    );
    await expect(failure).rejects.not.toThrow('sesame');
  });

  test('says so when the database is unknown there', async () => {
    const database = await freshDatabase();
    try {
      const url = new URL(database.url);
      url.pathname = 'missing';
      await expect(openDatabase({ url: url.href })).rejects.toThrow('database "missing" does not exist');
    } finally {
      await database.drop();
    }
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

describe('opening an Oracle', () => {
  test('says what the driver says, in one sentence and without the password', async () => {
    const port = await unusedPort();
    const failure = openDatabase({ url: `oracle://me:sesame@127.0.0.1:${port}/orders` });
    await expect(failure).rejects.toThrow(
      new RegExp(
        `^Oracle at 127\\.0\\.0\\.1:${port}/orders cannot be used: NJS-503: connection to host 127\\.0\\.0\\.1 port ${port} could not be established\\. [^\\n]*ECONNREFUSED[^\\n]*\\.$`,
      ),
    );
    await expect(failure).rejects.not.toThrow('sesame');
  });

  test('takes from the environment what the URL leaves out', () => {
    const env = { ORACLE_CONNECT_STRING: 'db_high', ORACLE_USER: 'me', ORACLE_PASSWORD: 'open' };
    expect(oracleAddress('oracle', env)).toEqual({ connectString: 'db_high', user: 'me', password: 'open' });
    expect(oracleAddress('oracle://you@host:1521/FREEPDB1', env)).toEqual({
      ...{ connectString: 'host:1521/FREEPDB1', user: 'you', password: 'open' },
    });
    expect(oracleAddress('oracle://a%40b:p%2Fw@host/FREEPDB1', {})).toEqual({
      ...{ connectString: 'host/FREEPDB1', user: 'a@b', password: 'p/w' },
    });
  });

  test.each([
    ['oracle', {}, 'ORACLE_CONNECT_STRING, ORACLE_USER and ORACLE_PASSWORD are not set.'],
    ['oracle://me@host/orders', {}, 'ORACLE_PASSWORD is not set.'],
    ['oracle:host/orders', {}, 'The database URL is not of the form oracle://USER:PASSWORD@HOST:PORT/SERVICE.'],
    ['oracle://me:sesame@host', {}, 'The database URL is not of the form oracle://USER:PASSWORD@HOST:PORT/SERVICE.'],
  ])('says what %s lacks', (url, env, sentence) => {
    expect(() => oracleAddress(url, env)).toThrow(sentence);
    expect(() => oracleAddress(url, env)).not.toThrow('sesame');
  });
});

function unusedPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
