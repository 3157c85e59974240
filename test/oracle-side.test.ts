import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchDatabase } from '../database/index.ts';
import { Rates } from '../database/rates.ts';
import { type OracleStandIn, startOracleStandIn } from '../oracle-standin/index.ts';
import { openSession } from '../pipeline/store/database.ts';
import type { OwnSession } from '../pipeline/store/store.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { CLI, fixture, lineOf, NODE, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';
import { connects, watchedWhile } from './support/watched-database.ts';

// Oracle's own side of a run. It has only ever been tried on the stand-in.

let database: FreshDatabase;
let standIn: OracleStandIn;
const open: OwnSession[] = [];
beforeAll(async () => {
  database = await freshDatabase();
  standIn = await startOracleStandIn({ database: database.url, verifierRounds: 1, sessions: 4 });
});
afterAll(async () => {
  for (const session of open) await session.end().catch(() => {});
  await standIn?.stop();
  await database?.drop();
});

const urlOf = ({ port, user, password }: OracleStandIn) => `oracle://${user}:${password}@127.0.0.1:${port}/STANDIN`;

async function connected(): Promise<{ session: OwnSession; sid: number }> {
  const session = await openSession(urlOf(standIn), 10_000);
  open.push(session);
  const [own] = await session.query<{ sid: string }>(`select sys_context('USERENV', 'SID') as sid from dual`);
  return { session, sid: Number(own?.sid) };
}

async function disconnected(): Promise<void> {
  for (const session of open.splice(0)) await session.end().catch(() => {});
  await expect.poll(() => standIn.sessions()).toEqual([]);
}

test('sessions are told by state, with their sockets, the age of their transaction, and who blocks whom', async () => {
  const [holder, waiter, idle] = [await connected(), await connected(), await connected()];
  await holder.session.createTables(['create table stock (left_over varchar2(20))']);
  await holder.session.execute(`insert into stock values ('a secret')`);
  let waiting: Promise<unknown> = Promise.resolve();
  const recording = await watchedWhile(urlOf(standIn), async () => {
    await holder.session.begin();
    await holder.session.execute(`update stock set left_over = left_over where left_over = 'a secret'`);
    await waiter.session.begin();
    waiting = waiter.session.execute('delete from stock');
    await until('the delete to wait, and the transaction to be a second old by the server’s clock', async () => {
      const blocked = await idle.session.query('select sid from v$session where blocking_session is not null');
      const [held] = await idle.session.query<{ now: Date; start_date: Date }>(
        `select sysdate as now, t.start_date from v$transaction t, v$session s where s.taddr = t.addr and s.sid = ${holder.sid}`,
      );
      return blocked.length === 1 && held && Number(held.now) - Number(held.start_date) >= 1000;
    });
  });
  await holder.session.rollback();
  await waiting;
  await waiter.session.rollback();

  expect(recording.database).toMatchObject({ kind: 'oracle', name: 'STANDIN' });
  expect(recording.server).toMatchObject({ version: expect.stringMatching(/^Oracle \d+\./), maxSessions: 4 });
  const { sessions, omitted } = recording.sessions.at(-1)!;
  const seen = ({ sid }: { sid: number }) => sessions.find(({ id }) => id.startsWith(`${sid},`));
  const known = ({ sid }: { sid: number }) => standIn.sessions().find((session) => session.sid === sid);
  expect(omitted).toBe(0);
  // the sampler does not see itself
  expect(sessions).toHaveLength(3);
  expect(seen(holder)).toMatchObject({
    id: `${holder.sid},${known(holder)!.serial}`,
    address: '127.0.0.1',
    port: known(holder)!.clientPort,
    state: 'idle in transaction',
    transactionMs: expect.any(Number),
    blockedBy: [],
  });
  expect(seen(holder)!.transactionMs).toBeGreaterThanOrEqual(1000);
  expect(seen(waiter)).toMatchObject({
    state: 'active',
    wait: expect.stringMatching(/^Application: enq: /),
    blockedBy: [seen(holder)!.id],
    statement: 'delete from stock',
  });
  expect(seen(idle)).toMatchObject({ state: 'idle', transactionMs: null, wait: null });
  expect(recording.looks.at(-1)).toMatchObject({
    sessions: { active: 1, idle: 1, 'idle in transaction': 1, other: 0 },
    waits: { Application: 1 },
    memoryBytes: process.platform === 'linux' ? expect.any(Number) : null,
  });
  await disconnected();
});

test('outlive run --database-url names the line that holds a session, by the socket they share', async () => {
  using folder = temporaryFolder();
  const program = fixture('reserve-oracledb.mjs');
  const args = [
    'run',
    '--json',
    '--out',
    folder.path,
    '--database-url',
    urlOf(standIn),
    '--',
    NODE,
    program,
    folder.path,
  ];
  const { user, password, connectString } = standIn;
  const env = { ORACLE_USER: user, ORACLE_PASSWORD: password, ORACLE_CONNECT_STRING: connectString };
  const { code, stdout, stderr } = await start(NODE, [CLI, ...args], { env });
  expect(code, stderr).toBe(0);
  const [server] = JSON.parse(stdout).database.servers;
  const [, line] = lineOf(program, '// held').split(program);
  expect(server.notable).toContainEqual(
    expect.stringMatching(
      new RegExp(
        `^Session \\d+,\\d+, idle in transaction for \\d+ s, held by reserve reserve-oracledb\\.mjs${line} \\(pool orders, process \\d+\\)\\.$`,
      ),
    ),
  );
});

test('a connection that is lost is a gap, after which the sampler is back', async () => {
  const recording = await watchedWhile(urlOf(standIn), async (written) => {
    standIn.drop('end');
    await until('the sampler to connect again', () => connects(written()) === 2);
  });
  expect(recording.gaps).toEqual([
    { from: expect.any(Number), to: expect.any(Number), why: expect.stringContaining('NJS-500'), isRefused: false },
  ]);
  expect(recording.looks.at(-1)!.at).toBeGreaterThan(recording.gaps[0]!.to!);
});

test('a server that has no session left for the sampler is a gap of that name', async () => {
  const recording = await watchedWhile(urlOf(standIn), async (written) => {
    for (let i = 0; i < 3; i++) await connected();
    const own = standIn.sessions().find(({ program }) => program === 'outlive');
    standIn.kill(own!.sid, { disconnect: true });
    await connected();
    await until('the sampler to be refused', () => written().includes('"isRefused":true'));
    await disconnected();
    await until('the sampler to connect again', () => connects(written()) === 2);
  });
  expect(recording.gaps).toMatchObject([{ isRefused: true, to: expect.any(Number) }]);
});

test('rates become totals: each interval counts once, and the shorter one where there are two', () => {
  const rates = new Rates();
  const rate = (value: number, seconds: number, end: number) => ({
    ...{ metric_name: 'User Commits Per Sec', value, intsize_csec: seconds * 100, end_time: new Date(end * 1000) },
  });
  expect(rates.total('User Commits Per Sec')).toBeNull();
  for (const look of [[rate(2, 15, 100)], [rate(2, 15, 100)], [rate(9, 60, 115), rate(4, 15, 115)]]) rates.add(look);
  expect(rates.total('User Commits Per Sec')).toBe(2 * 15 + 4 * 15);
});

test.each([
  [
    'oracle://orders:hunter2@127.0.0.1:1/shop',
    /^The database at 127\.0\.0\.1:1 cannot be watched: NJS-503: .*ECONNREFUSED/,
  ],
  ['oracle://orders:hunter2@127.0.0.1:1', /must be of the form|not of the form/],
])('%s is refused in a sentence, without its password', async (url, sentence) => {
  using folder = temporaryFolder();
  const error = await watchDatabase(url, folder.path).catch((thrown: Error) => thrown);
  expect((error as Error).message).toMatch(sentence);
  expect((error as Error).message).not.toMatch(/hunter2|\n/);
});
