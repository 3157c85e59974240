import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import mysql, { type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedMariadb } from './setup/mariadb.ts';
import { HAS_MARIADB } from './support/mariadb.ts';
import { CLI, fixture, lineOf, NODE, readReport, start } from './support/probed.ts';
import { HAS_REDIS, type RedisServer, startRedis } from './support/redis.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';
import { watchedWhile } from './support/watched-database.ts';

// The database's own side of a run, where that is MySQL, MariaDB or Redis.

const program = fixture('held-elsewhere.mjs');

/** Of the one session that the program holds: its state, and the line that has it. */
async function heldBy(library: string, env: Record<string, string>, url: string) {
  using folder = temporaryFolder();
  const out = path.join(folder.path, 'run');
  const { code, stderr } = await start(
    process.execPath,
    [CLI, 'run', '--out', out, '--fail-on', 'never', '--', NODE, program, library],
    { env: { ...env, OUTLIVE_DATABASE_URL: url } },
  );
  expect(code, stderr).toBe(0);
  const [server] = readReport(out).database!.servers;
  return server!.sessions.flatMap(({ state, holding }) =>
    holding?.site ? [{ state, place: `${holding.site.file}:${holding.site.line}` }] : [],
  );
}

let url = '';
let admin: Connection;
if (HAS_MARIADB) {
  beforeAll(async () => {
    const root = await sharedMariadb();
    admin = await mysql.createConnection(root);
    await admin.query("create or replace user watcher@'%' identified by 'guarded'");
    await admin.query("grant all on *.* to watcher@'%'");
    await admin.query('create table if not exists stock (left_over int primary key) engine = innodb');
    const own = new URL(root);
    own.username = 'watcher';
    own.password = 'guarded';
    url = own.href;
  });
  afterAll(() => admin?.end());
}

describe.skipIf(!HAS_MARIADB)('MariaDB', () => {
  test('sessions are told by state, with the age of their transaction, and who blocks whom', async () => {
    const [holder, waiter] = await Promise.all([mysql.createConnection(url), mysql.createConnection(url)]);
    await admin.query('insert into stock values (7)');
    await holder.beginTransaction();
    await holder.query("update stock set left_over = 7 where left_over = 7 and 'a secret' is not null");
    let waiting: Promise<unknown> = Promise.resolve();
    const recording = await watchedWhile(url, async () => {
      waiting = waiter.query('delete from stock where left_over = 7');
      await until('the delete to wait', async () => {
        // InnoDB has news only for who did not ask within a tenth of a second
        await sleep(150);
        const [rows] = await admin.query("select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT'");
        return (rows as unknown[]).length > 0;
      });
    });
    await holder.rollback();
    await waiting;
    const sessionOf = ({ threadId }: Connection) =>
      recording.sessions.at(-1)!.sessions.find(({ id }) => id === String(threadId));
    expect(recording.server).toMatchObject({ version: expect.stringMatching(/^MariaDB \d+/), maxSessions: 500 });
    expect(sessionOf(holder)).toMatchObject({
      ...{ state: 'idle in transaction', address: '127.0.0.1', database: 'test', blockedBy: [] },
      port: (holder as unknown as { connection: { stream: { localPort: number } } }).connection.stream.localPort,
      transactionMs: expect.any(Number),
    });
    expect(sessionOf(waiter)).toMatchObject({
      ...{ state: 'active', wait: 'Lock: row', blockedBy: [String(holder.threadId)] },
      statement: 'delete from stock where left_over = ?',
    });
    expect(recording.looks.at(-1)).toMatchObject({ waits: { Lock: expect.any(Number) } });
    await Promise.all([holder.end(), waiter.end()]);
  });
});

let redisUrl = '';
let redis: Redis;
if (HAS_REDIS) {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.port, '127.0.0.1');
    await redis.config('SET', 'requirepass', 'guarded');
    redisUrl = `redis://:guarded@127.0.0.1:${server.port}/0`;
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });
}

describe.skipIf(!HAS_REDIS)('Redis', () => {
  test('clients are told by what they do, without what they say', async () => {
    const [subscriber, waiter] = [new Redis(redisUrl), new Redis(redisUrl, { connectionName: 'orders' })];
    await subscriber.subscribe('news');
    const waiting = waiter.blpop('a secret', 0).catch(() => {});
    const recording = await watchedWhile(redisUrl, () =>
      until('it to wait', async () => /name=orders .*cmd=blpop/.test(String(await redis.client('LIST')))),
    );
    expect(recording.server).toMatchObject({ version: expect.stringMatching(/^Redis \d+/), database: 'db0' });
    const { sessions } = recording.sessions.at(-1)!;
    const orders = sessions.find(({ application }) => application === 'orders');
    expect(orders).toMatchObject({ state: 'active', wait: 'Blocked: blpop', statement: 'blpop', address: '127.0.0.1' });
    expect(sessions.filter(({ state }) => state === 'other')).toHaveLength(1);
    expect(sessions.filter(({ application }) => application === 'outlive')).toEqual([]);
    expect(recording.looks.at(-1)).toMatchObject({ waits: { Blocked: 1 }, memoryBytes: expect.any(Number) });
    subscriber.disconnect();
    waiter.disconnect();
    await waiting;
  });

  test('a wrong password is refused in a sentence, without it', async () => {
    await expect(watchedWhile(redisUrl.replace('guarded', 'hunter2'), async () => {})).rejects.toThrow(
      /cannot be watched: (?!.*hunter2)/,
    );
  });
});

describe('the line that holds a session', () => {
  const at = (library: string) => lineOf(program, `// by ${library}`);

  test.skipIf(!HAS_MARIADB).concurrent.each(['mysql2', 'mariadb'])('of %s', async (library) => {
    const held = { state: 'idle in transaction', place: at(library) };
    expect(await heldBy(library, { MYSQL_URL: url }, url)).toEqual([held]);
  });

  test.skipIf(!HAS_REDIS).concurrent('of ioredis', async () => {
    const held = { state: 'active', place: at('ioredis') };
    expect(await heldBy('ioredis', { REDIS_URL: redisUrl }, redisUrl)).toEqual([held]);
  });
});
