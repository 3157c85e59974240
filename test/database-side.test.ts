import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchDatabase } from '../database/index.ts';
import { type DatabaseRecording, readDatabase } from '../probe/recording/database.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// The database's own side of a run: who is connected, in which state, who waits for whom, and what it costs the server.

let database: FreshDatabase;
const clients: pg.Client[] = [];
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await database.drop();
});

async function connected(url = database.url, application = 'orders'): Promise<pg.Client & { processID: number }> {
  const client = new pg.Client({ connectionString: url, application_name: application });
  client.on('error', () => {});
  await client.connect();
  clients.push(client);
  return client as pg.Client & { processID: number };
}

/** Watches while `work` runs, and reads the recording back. */
async function watchedWhile(work: () => Promise<unknown>, url = database.url): Promise<DatabaseRecording> {
  using folder = temporaryFolder();
  const sampler = await watchDatabase(url, folder.path);
  await work().finally(() => sampler.stop());
  const recording = readDatabase(sampler.file);
  if (typeof recording === 'string') throw new Error(recording);
  expect(recording.problems).toEqual([]);
  // the password of the URL, and values in statements, stay out
  expect(readFileSync(sampler.file, 'utf8')).not.toMatch(new RegExp(`${new URL(url).password}|a secret`));
  return recording;
}

/** Until so many sessions are as `condition` says. */
async function until(condition: string, count = 1): Promise<void> {
  const [asker] = clients as [pg.Client];
  const sql = `select 1 from pg_stat_activity where ${condition}`;
  while ((await asker.query(sql)).rows.length !== count) await sleep(20);
}

test('sessions are told by state, with the age of their transaction, and who blocks whom', async () => {
  await connected();
  const holder = await connected();
  const waiter = await connected();
  await holder.query("create table stock (left_over text); insert into stock values ('a secret')");
  const recording = await watchedWhile(async () => {
    await holder.query('begin');
    await sleep(20);
    await holder.query("update stock set left_over = left_over where left_over = 'a secret'");
    await waiter.query('begin');
    const waiting = waiter.query('delete from stock');
    await until(`pid = ${waiter.processID} and wait_event_type = 'Lock'`);
    await sleep(1100);
    return () => waiting;
  });
  await holder.query('rollback');

  expect(recording.server).toMatchObject({ version: expect.stringMatching(/^PostgreSQL \d+/), maxSessions: 200 });
  const { sessions, omitted } = recording.sessions.at(-1)!;
  const sessionOf = ({ processID }: { processID: number }) => sessions.find(({ id }) => id === String(processID));
  expect(omitted).toBe(0);
  expect(sessionOf(holder)).toMatchObject({
    state: 'idle in transaction',
    application: 'orders',
    address: '127.0.0.1',
    port: (holder as unknown as { connection: { stream: { localPort: number } } }).connection.stream.localPort,
    statement: 'update stock set left_over = left_over where left_over = ?',
    blockedBy: [],
  });
  expect(sessionOf(holder)!.stateMs).toBeGreaterThan(1000);
  expect(sessionOf(holder)!.transactionMs).toBeGreaterThan(sessionOf(holder)!.stateMs);
  expect(sessionOf(waiter)).toMatchObject({
    state: 'active',
    wait: expect.stringMatching(/^Lock: /),
    blockedBy: [String(holder.processID)],
  });
  // the sampler does not see itself; other samplers of this server it does
  const here = new URL(database.url).pathname.slice(1);
  expect(sessions.filter((each) => each.application === 'outlive' && each.database === here)).toEqual([]);
  expect(recording.looks.at(-1)).toMatchObject({ waits: { Lock: expect.any(Number) } });
  expect(recording.looks.at(-1)!.sessions['idle in transaction']).toBeGreaterThanOrEqual(1);
});

test.runIf(process.platform === 'linux')('the CPU time and memory of a server on this machine are seen', async () => {
  const client = await connected();
  const recording = await watchedWhile(async () => {
    // also of a session that is gone when the sampler looks again
    const gone = await connected();
    await gone.query('select count(*) from generate_series(1, 2000000)');
    await gone.end();
    await client.query('select count(*) from generate_series(1, 10)');
  });
  const [first, last] = [recording.looks[0]!, recording.looks.at(-1)!];
  expect(last.cpuMs! - first.cpuMs!).toBeGreaterThan(100);
  expect(last.memoryBytes).toBeGreaterThan(1024 * 1024);
  expect(recording.server!.missing).toEqual([]);
});

test('a connection that is lost is a gap, after which the sampler is back', async () => {
  const killer = await connected();
  const recording = await watchedWhile(async () => {
    await killer.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'outlive' and datname = current_database()`,
    );
    await sleep(3200);
  });
  expect(recording.gaps).toEqual([
    { from: expect.any(Number), to: expect.any(Number), why: expect.stringContaining('terminat'), isRefused: false },
  ]);
  expect(recording.looks.at(-1)!.at).toBeGreaterThan(recording.gaps[0]!.to!);
});

test('a server that has no session left for the sampler is a gap of that name', async () => {
  const admin = await connected();
  const role = `watcher_${new URL(database.url).pathname.slice(1)}`;
  await admin.query(`create role ${role} login password 'guarded' connection limit 1`);
  try {
    const own = new URL(database.url);
    own.username = role;
    own.password = 'guarded';
    const recording = await watchedWhile(async () => {
      await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`);
      await until(`usename = '${role}'`, 0);
      await (await connected(own.href)).query('select pg_sleep(2.5)');
      await clients.pop()!.end();
      await sleep(1100);
    }, own.href);
    expect(recording.gaps).toMatchObject([{ isRefused: true, to: expect.any(Number) }]);
    // what this user may not see is said
    expect(recording.server!.missing.join()).toContain('grant pg_monitor');
  } finally {
    await admin.query(`drop role ${role}`);
  }
});

test.each([
  ['postgres://orders:hunter2@127.0.0.1:1/shop', /^The database at 127\.0\.0\.1:1 cannot be watched: .*ECONNREFUSED/],
  ['mysql://orders:hunter2@127.0.0.1/shop', /must be of the form .* postgres or postgresql/],
  ['postgres://orders:hunter2@127.0.0.1:x/shop', /must be of the form/],
])('%s is refused in a sentence, without its password', async (url, sentence) => {
  using folder = temporaryFolder();
  const error = await watchDatabase(url, folder.path).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ name: 'UserError', message: expect.stringMatching(sentence) });
  expect(String((error as Error).message)).not.toContain('hunter2');
});
