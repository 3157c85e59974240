/** `outlive oracle-standin`, as a user starts it; docs/oracle.md has it at work. */
import { createServer } from 'node:net';
import oracledb from 'oracledb';
import { expect, test } from 'vitest';
import { startOracleStandIn } from '../../oracle-standin/index.ts';
import { freshDatabase } from '../setup/database.ts';
import { CLI, NODE, start } from '../support/probed.ts';

const standIn = (...args: string[]) => start(NODE, [CLI, 'oracle-standin', ...args]);

test('the help says what it is, and what it is not', async () => {
  const { code, stdout } = await standIn('--help');
  expect(code).toBe(0);
  expect(stdout).toContain('A test stand-in for an Oracle database, and NOT Oracle');
});

test('a signal ends it and its sessions; a password that is given is not shown', async () => {
  const database = await freshDatabase();
  let connected: Promise<oracledb.Connection> | undefined;
  const env = { ORACLE_PASSWORD: 'very secret' };
  const args = ['oracle-standin', '--port', '0', '--database', database.url, '--user', 'scott', '--sessions', '1'];
  const ended = await start(NODE, [CLI, ...args], {
    env,
    onStdout: (text, kill) => {
      const connectString = /ORACLE_CONNECT_STRING=(\S+)/.exec(text)?.[1];
      if (!connectString || connected) return;
      connected = oracledb.getConnection({ connectString, user: 'scott', password: 'very secret' });
      void connected.finally(() => kill('SIGINT'));
    },
  });
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('The stand-in has stopped.') });
  expect(ended.stdout + ended.stderr).not.toContain('secret');
  const connection = await connected;
  await expect(connection?.execute('select 1 from dual')).rejects.toThrow('NJS-500');
  await database.drop(); // refuses while a session is left
});

test.each([
  [['--port', 'many'], '--port must be a whole number from 0 to 65535, not "many".'],
  [['--release', '11'], '--release must be 19 or 23, not "11".'],
  [['--fault', 'connect:dance'], 'A fault does refuse, error, end, reset, hang, delay or garbage; not "dance".'],
  [['--service', 'x'], 'A service name has two or more letters, digits and _$#.-; not "x".'],
  [
    ['--database', 'postgres://127.0.0.1:1/none'],
    'Cannot use the database behind the stand-in: nothing listens there.',
  ],
  [['extra'], 'outlive oracle-standin takes options only, not "extra".'],
  [['--colour'], "outlive oracle-standin has no option '--colour'; it has --port"],
])('%j is wrong use', async (args, sentence) => {
  const { code, stderr } = await standIn(...args);
  expect(stderr).toContain(`outlive: ${sentence}`);
  expect(stderr).not.toContain('    at ');
  expect(code).toBe(2);
});

test('a port in use is said in a sentence', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  const database = await freshDatabase();
  await expect(startOracleStandIn({ port, database: database.url })).rejects.toThrow(
    `The stand-in cannot listen on 127.0.0.1:${port}: the port is in use.`,
  );
  await database.drop();
  other.close();
});
