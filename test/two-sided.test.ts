import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { CLI, fixture, lineOf, NODE, readReport, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

test('outlive run --database-url names the line and the process that hold each session of the server', async () => {
  using folder = temporaryFolder();
  const out = path.join(folder.path, 'run');
  const program = fixture('two-sided.mjs');
  const { code, stderr } = await start(
    process.execPath,
    [CLI, 'run', '--out', out, '--fail-on', 'never', '--', NODE, program],
    { env: { PG_URL: database.url, OUTLIVE_DATABASE_URL: database.url } },
  );
  expect(code, stderr).toBe(0);

  const report = readReport(out);
  const [server] = report.database!.servers;
  expect(server).toMatchObject({ kind: 'postgresql', maxSessions: 200, gaps: [] });
  expect(server!.peak.idleInTransaction).toBeGreaterThanOrEqual(2);
  const [parent, child] = report.processes.map(({ pid }) => pid);
  const holders = server!.sessions.map(({ state, holding }) => ({
    state,
    pid: holding?.pid,
    place: `${holding?.site?.file}:${holding?.site?.line}`,
  }));
  const state = 'idle in transaction';
  expect(holders).toHaveLength(2);
  expect(holders).toContainEqual({ state, pid: parent, place: lineOf(program, '// held by the parent') });
  expect(holders).toContainEqual({ state, pid: child, place: lineOf(program, '// held by the child') });

  expect(stderr).toMatch(/database +test_\w+, PostgreSQL/);
  expect(readFileSync(path.join(out, 'report.html'), 'utf8')).toContain('The database’s side');
  // the password is nowhere, neither as written nor inherited
  const { password } = new URL(database.url);
  for (const name of readdirSync(out)) expect(readFileSync(path.join(out, name), 'utf8')).not.toContain(password);
});

test('a database that cannot be reached stops the run before anything is started', async () => {
  using folder = temporaryFolder();
  const out = path.join(folder.path, 'run');
  const url = 'postgres://me:hunter2@127.0.0.1:1/shop';
  const { code, stdout, stderr } = await start(process.execPath, [
    ...[CLI, 'run', '--out', out, '--database-url', url, '--', NODE, '-e', "console.log('started')"],
  ]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^outlive: The database at 127\.0\.0\.1:1 cannot be watched: .*\n$/);
  expect(stderr).not.toContain('hunter2');
});
