import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchDatabase } from '../database/index.ts';
import type { LookLine } from '../probe/recording/database.ts';
import { preparedOnes } from '../reports/database/notable.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';
import { connects, watchedWhile } from './support/watched-database.ts';

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

/** How many sessions are as `condition` says. */
async function sessionsWhere(condition: string): Promise<number> {
  const [asker] = clients as [pg.Client];
  return (await asker.query(`select 1 from pg_stat_activity where ${condition}`)).rows.length;
}

/** How long a session is in its state and in its transaction, milliseconds by the server's clock. */
async function agesOf({ processID }: { processID: number }): Promise<{ state: number; transaction: number }> {
  const [asker] = clients as [pg.Client];
  const since = (column: string) => `(extract(epoch from clock_timestamp() - ${column}) * 1000)::float8`;
  const sql = `select ${since('state_change')} as state, ${since('xact_start')} as transaction from pg_stat_activity`;
  return (await asker.query(`${sql} where pid = ${processID}`)).rows[0];
}

test('sessions are told by state, with the age of their transaction, and who blocks whom', async () => {
  await connected();
  const holder = await connected();
  const waiter = await connected();
  await holder.query("create table stock (left_over text); insert into stock values ('a secret')");
  let waiting: Promise<unknown> = Promise.resolve();
  let before = { state: 0, transaction: 0 };
  const recording = await watchedWhile(database.url, async () => {
    await holder.query('begin');
    await holder.query('select pg_advisory_lock(1), pg_sleep(0.1)');
    await holder.query("update stock set left_over = left_over where left_over = 'a secret'");
    await waiter.query('begin');
    waiting = waiter.query('delete from stock');
    const isWaiting = `pid = ${waiter.processID} and wait_event_type = 'Lock'`;
    await until('the delete to wait', async () => (await sessionsWhere(isWaiting)) === 1);
    before = await agesOf(holder);
  });
  const after = await agesOf(holder);
  await holder.query('rollback');
  await waiting;
  await waiter.query('rollback');

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
    locks: 1,
  });
  const { stateMs, transactionMs } = sessionOf(holder)!;
  expect(stateMs).toBeGreaterThanOrEqual(Math.floor(before.state));
  expect(stateMs).toBeLessThanOrEqual(Math.ceil(after.state));
  expect(transactionMs).toBeGreaterThanOrEqual(Math.floor(before.transaction));
  expect(transactionMs).toBeLessThanOrEqual(Math.ceil(after.transaction));
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
  const recording = await watchedWhile(database.url, async () => {
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
  const recording = await watchedWhile(database.url, async (written) => {
    await killer.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'outlive' and datname = current_database()`,
    );
    await until('the sampler to connect again', () => connects(written()) === 2);
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
    const recording = await watchedWhile(own.href, async (written) => {
      await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`);
      await until('its session to end', async () => (await sessionsWhere(`usename = '${role}'`)) === 0);
      await connected(own.href);
      await until('the sampler to be refused', () => written().includes('"isRefused":true'));
      await clients.pop()!.end();
      await until('the sampler to connect again', () => connects(written()) === 2);
    });
    expect(recording.gaps).toMatchObject([{ isRefused: true, to: expect.any(Number) }]);
    // what this user may not see is said
    expect(recording.server!.missing.join()).toContain('grant pg_monitor');
  } finally {
    await admin.query(`drop role ${role}`);
  }
});

test('prepared transactions that stay are said, since no session has them', () => {
  const looks = [{ prepared: { count: 2, oldestMs: 90_000 } }] as LookLine[];
  expect(preparedOnes(looks)).toEqual([
    expect.stringMatching(/^2 prepared transactions of no session, the oldest for 1 min 30 s: .* ROLLBACK PREPARED\.$/),
  ]);
  expect(preparedOnes([])).toEqual([]);
});

test.each([
  ['postgres://orders:hunter2@127.0.0.1:1/shop', /^The database at 127\.0\.0\.1:1 cannot be watched: .*ECONNREFUSED/],
  ['mssql://orders:hunter2@127.0.0.1/shop', /must be of the form .* SCHEME being one of postgres,/],
  ['postgres://orders:hunter2@127.0.0.1:x/shop', /must be of the form/],
])('%s is refused in a sentence, without its password', async (url, sentence) => {
  using folder = temporaryFolder();
  const error = await watchDatabase(url, folder.path).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ name: 'UserError', message: expect.stringMatching(sentence) });
  expect(String((error as Error).message)).not.toContain('hunter2');
});
