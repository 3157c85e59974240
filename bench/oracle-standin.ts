/**
 * `npm run bench:oracle`: how much the Oracle stand-in holds and carries, stated against what the driver itself can do
 * with one CPU. Driver and stand-in are processes of their own. See docs/oracle.md.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { freemem } from 'node:os';
import { parseArgs } from 'node:util';
import oracledb from 'oracledb';
import { startOracleStandIn } from '../oracle-standin/index.ts';

const HELP = `npm run bench:oracle -- [--sessions N] [--seconds N] [--release 19|23]

Opens N sessions (default 1000) at once, and measures logons and statements per second, with the CPU time of the driver
and of the stand-in for each. One share is what was reached here of the rate at which the driver alone uses up a CPU; the
other is what would be with a CPU for each of the two (and others for PostgreSQL).
`;

/** Of a PostgreSQL backend that has run a query, with what its tables share. */
const BACKEND_BYTES = 4 * 2 ** 20;

interface Usage {
  cpuMicroseconds: number;
  rss: number;
}

const usage = (): Usage => {
  const { user, system } = process.cpuUsage();
  return { cpuMicroseconds: user + system, rss: process.memoryUsage.rss() };
};

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    release: { type: 'string', default: '19' },
    help: { type: 'boolean', default: false },
  },
});

if (process.send) await serve();
else if (values.help) process.stdout.write(HELP);
else await drive();

/** The stand-in's process: answers every message with its usage, and ends with its parent. */
async function serve(): Promise<void> {
  const standIn = await startOracleStandIn({
    sessions: Number(values.sessions) + 50,
    release: values.release === '23' ? 23 : 19,
  });
  const { connectString, user, password } = standIn;
  process.on('message', async (message) => {
    if (message === 'stop') {
      await standIn.stop();
      process.disconnect();
    } else process.send?.(usage());
  });
  process.once('disconnect', () => void standIn.stop());
  process.send?.({ connectString, user, password });
}

async function drive(): Promise<void> {
  const wanted = Number(values.sessions);
  const room = Math.floor((freemem() * 0.7) / BACKEND_BYTES);
  const sessions = Math.min(wanted, room);
  if (sessions < wanted) process.stdout.write(`Memory for ${sessions} sessions only, not for ${wanted}.\n`);
  const args = ['--sessions', String(sessions), '--release', values.release];
  const server = fork(import.meta.filename, args);
  const [at] = (await once(server, 'message')) as [oracledb.ConnectionAttributes];
  const serverUsage = async () => {
    server.send('usage');
    return ((await once(server, 'message')) as [Usage])[0];
  };

  /** Runs `work` by `lanes` at once for a while. */
  const measure = async (name: string, lanes: number, work: (lane: number) => Promise<unknown>) => {
    let done = 0;
    const [client, standIn] = [usage(), await serverUsage()];
    const begin = performance.now();
    const end = begin + Number(values.seconds) * 1000;
    const lane = async (i: number) => {
      for (; performance.now() < end; done++) await work(i);
    };
    await Promise.all(Array.from({ length: lanes }, (_, i) => lane(i)));
    const seconds = (performance.now() - begin) / 1000;
    const driver = (usage().cpuMicroseconds - client.cpuMicroseconds) / done;
    const other = ((await serverUsage()).cpuMicroseconds - standIn.cpuMicroseconds) / done;
    const rate = done / seconds;
    const percent = (share: number) => `${(Math.min(1, share) * 100).toFixed(0)} %`;
    const row = [
      rate.toFixed(0),
      driver.toFixed(0),
      other.toFixed(0),
      percent((rate * driver) / 1e6),
      percent(driver / other),
    ];
    process.stdout.write(`| ${name} | ${row.join(' | ')} |\n`);
  };

  const before = await serverUsage();
  const opening = performance.now();
  const held: oracledb.Connection[] = [];
  while (held.length < sessions) {
    const some = Math.min(50, sessions - held.length);
    held.push(...(await Promise.all(Array.from({ length: some }, () => oracledb.getConnection(at)))));
  }
  const opened = ((performance.now() - opening) / 1000).toFixed(1);
  const answers = await Promise.all(held.map((connection) => connection.execute<[number]>('select 1 from dual')));
  const right = answers.filter(({ rows }) => rows?.[0]?.[0] === 1).length;
  const seen = await held[0]!.execute<[number]>(`select count(*) from v$session`);
  const grown = (((await serverUsage()).rss - before.rss) / 2 ** 20).toFixed(0);
  process.stdout.write(
    `${seen.rows?.[0]?.[0]} sessions in v$session, opened in ${opened} s; ${right} of ${sessions} queries at once right; ` +
      `the stand-in grew by ${grown} MB.\n\n`,
  );
  process.stdout.write(
    "| operation | per second | driver, µs CPU | stand-in, µs CPU | of the driver's limit, here | with a CPU each |\n",
  );
  process.stdout.write('|---|---|---|---|---|---|\n');
  const one = held[0]!;
  await one.execute('create table bench (id number, name varchar2(20))');
  const spare = held.splice(1);
  await Promise.all(spare.splice(50).map((connection) => connection.close()));
  const insert = 'insert into bench values (:1, :2)';
  await measure('logon and logoff, 1 at a time', 1, async () => (await oracledb.getConnection(at)).close());
  await measure('logon and logoff, 16 at once', 16, async () => (await oracledb.getConnection(at)).close());
  await measure('SELECT 1 FROM DUAL, 1 connection', 1, () => one.execute('select 1 from dual'));
  await measure('SELECT 1 FROM DUAL, 50 connections', 50, (i) => (spare[i] ?? one).execute('select 1 from dual'));
  await measure('INSERT with 2 binds and commit, 1 connection', 1, () =>
    one.execute(insert, [1, 'x'], { autoCommit: true }),
  );
  await measure('ping, 1 connection', 1, () => one.ping());
  await Promise.all([one, ...spare].map((connection) => connection.close()));
  server.send('stop');
  await once(server, 'exit');
}
