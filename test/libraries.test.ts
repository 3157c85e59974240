/** Libraries that are not as they were: what is not watched is said, and what can be is. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADAPTERS, type Package } from '../probe/adapters.ts';
import { isOutside } from '../probe/watch/libraries.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { CLI, fixture, lineOf, NODE, placeOf, probed, ROOT, readReport, start, watched } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const packages = ADAPTERS.flatMap((row): readonly Package[] => ('packages' in row.of ? row.of.packages : [])).filter(
  ({ name }) => existsSync(path.join(ROOT, 'node_modules', name)),
);

test.each(packages)('$name is known from the first of its versions on, and below the last', ({ name, from, below }) => {
  expect(isOutside(from, { from, below })).toBe(false);
  expect(isOutside(below, { from, below })).toBe(true);
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'node_modules', name, 'package.json'), 'utf8'));
  expect(isOutside(version, { from, below })).toBe(false);
});

test.each(packages)('$name is in the table of what is watched', ({ name }) => {
  const page = readFileSync(path.join(ROOT, 'docs/watch.md'), 'utf8');
  const [, table = ''] = page.split('## What it watches');
  expect(table.split('##')[0]).toMatch(new RegExp(`^\\|[^|]*(?<![\\w@/])${name}(?![\\w/])[^|]*\\|`, 'm'));
});

test.each([
  ['8.4.0', false],
  ['8.3.9', true],
  ['8.10.0', false],
  ['9.0.0', true],
  ['10.0.0', true],
  ['7.99.99', true],
  // a prerelease counts as its release
  ['8.4.0-rc.1', false],
  ['8.23.1+build.5', false],
  ['9.0.0-beta.1', true],
  // what is no version is not known
  ['?', true],
  ['', true],
  ['8', true],
  ['8.x', true],
  ['8.4.x', true],
  ['v8.4.0', true],
  ['8.4.0.1', true],
  ['workspace:*', true],
  ['8.4.0 || 9.0.0', true],
])('of what is known from 8.4.0 up to below 9.0.0, %j is outside: %s', (version, isIt) => {
  expect(isOutside(version, { from: '8.4.0', below: '9.0.0' })).toBe(isIt);
});

interface Changed {
  /** A method of the package that goes by another name from now on. */
  renamed?: [before: string, after: string];
  version?: string;
}

/** Puts a copy of an installed package beside a program in `folder`, changed as a release might be. */
function install(folder: string, name: string, { renamed, version }: Changed = {}): void {
  const copy = path.join(folder, 'node_modules', name);
  cpSync(path.join(ROOT, 'node_modules', name), copy, { recursive: true });
  for (const file of readdirSync(copy, { recursive: true, encoding: 'utf8' })) {
    if (renamed === undefined || !file.endsWith('.js')) continue;
    const text = readFileSync(path.join(copy, file), 'utf8');
    writeFileSync(path.join(copy, file), text.replaceAll(...renamed));
  }
  if (version === undefined) return;
  const manifest = path.join(copy, 'package.json');
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), version }));
}

/** pg itself beside a changed pg-pool; what else it needs is where it was. */
function installPg(folder: string): void {
  install(folder, 'pg');
  for (const name of ['pg-connection-string', 'pg-protocol', 'pg-types', 'pgpass', 'pg-cloudflare']) {
    symlinkSync(path.join(ROOT, 'node_modules', name), path.join(folder, 'node_modules', name));
  }
}

/** A program of the fixtures, beside the packages that it is given. */
function programIn(folder: string, name: string): string {
  const modules = path.join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  symlinkSync(ROOT, path.join(modules, 'outlive'));
  const program = path.join(folder, name);
  cpSync(fixture(name), program);
  return program;
}

async function run(program: string, ...args: string[]) {
  using out = temporaryFolder();
  const env = { PG_URL: database.url };
  const ended = await start(NODE, [CLI, 'run', '--out', out.path, '--', NODE, program, ...args], { env });
  return { ...ended, report: readReport(out.path) };
}

test('of a generic-pool without a method that is needed nothing is seen, and the report says so', async () => {
  using folder = temporaryFolder();
  const program = programIn(folder.path, 'generic-pool.mjs');
  install(folder.path, 'generic-pool', { renamed: ['_dispatchPooledResourceToNextWaitingClient', '_dispatch'] });
  const { code, stdout, report } = await run(program, 'leak');
  expect(stdout).toBe('borrowed 4\n');
  expect(report.findings).toEqual([]);
  expect(report.verdict).toBe('inconclusive');
  expect(report.unseen).toEqual([
    {
      what: 'generic-pool 3.9.0',
      why: 'It has no Pool.prototype._dispatchPooledResourceToNextWaitingClient, by which it is watched: nothing of it was seen.',
    },
  ]);
  expect(report.processes[0]).toMatchObject({ adapters: [], faults: 0 });
  expect(code).toBe(0);
});

test('… and so it is of a pg-pool, whose pg goes on being watched', async () => {
  using folder = temporaryFolder();
  const program = programIn(folder.path, 'pg.mjs');
  install(folder.path, 'pg-pool', { renamed: ['_acquireClient', '_handOver'] });
  installPg(folder.path);
  const { code, stderr, report } = await run(program, 'leak');
  expect(report.findings, stderr).toEqual([]);
  expect(report.verdict).toBe('inconclusive');
  expect(report.unseen).toEqual([
    {
      what: 'pg-pool 3.14.0',
      why: 'It has no prototype._acquireClient, by which it is watched: nothing of it was seen.',
    },
  ]);
  expect(report.processes[0]).toMatchObject({ adapters: ['pg 8.23.1'], faults: 0 });
  expect(code).toBe(0);
});

test('where something else of it is not as it was, the adapter gives up when it meets that, and the report says so', async () => {
  using folder = temporaryFolder();
  const program = programIn(folder.path, 'pg.mjs');
  install(folder.path, 'pg-pool', { renamed: ['_pendingQueue', '_waiters'] });
  installPg(folder.path);
  const { code, report } = await run(program, 'leak');
  expect(report).toMatchObject({ verdict: 'inconclusive', findings: [] });
  expect(report.unseen).toEqual([
    {
      what: 'pg',
      why: 'The probe failed at it, and left it alone from then on: of what came later nothing was seen.',
    },
  ]);
  expect(report.processes[0]?.faults).toBe(1);
  expect(code).toBe(0);
});

test('a version that nobody knew of is watched where it has all that is needed, and doubted', async () => {
  using folder = temporaryFolder();
  const program = programIn(folder.path, 'generic-pool.mjs');
  install(folder.path, 'generic-pool', { version: '4.0.0-next.1' });
  const { code, report } = await run(program, 'leak');
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// borrowed here')]);
  expect(report).toMatchObject({ verdict: 'leak', findings: [{ count: 4, acquired: 40 }] });
  expect(report.unseen).toEqual([
    {
      what: 'generic-pool 4.0.0-next.1',
      why: 'What is watched of generic-pool is known for versions from 3.0.0 up to below 4.0.0: of this one, it may be less.',
    },
  ]);
  expect(report.processes[0]?.adapters).toEqual(['generic-pool 4.0.0-next.1']);
  expect(code).toBe(1);
});

test('… and then a run without a finding is not called clean', async () => {
  using folder = temporaryFolder();
  const program = programIn(folder.path, 'generic-pool.mjs');
  install(folder.path, 'generic-pool', { version: '2.9.9' });
  const { code, report } = await run(program, 'clean');
  expect(report).toMatchObject({ verdict: 'inconclusive', findings: [], unseen: [{ what: 'generic-pool 2.9.9' }] });
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 45, released: 45 });
  expect(code).toBe(0);
});

test('a package that is linked from a folder of another name is watched', async () => {
  using folder = temporaryFolder();
  const modules = path.join(folder.path, 'node_modules');
  install(folder.path, 'generic-pool');
  renameSync(path.join(modules, 'generic-pool'), path.join(modules, 'pool-3'));
  symlinkSync('pool-3', path.join(modules, 'generic-pool'));
  const program = path.join(folder.path, 'linked.cjs');
  writeFileSync(
    program,
    `const pool = require('generic-pool').createPool({ create: async () => ({}), destroy: async () => {} });
     pool.acquire().then((lease) => pool.release(lease)).then(() => pool.drain());`,
  );
  const { report } = await run(program);
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 1, released: 1 });
});

const program = fixture('generic-pool.mjs');

test('OUTLIVE_OFF leaves an adapter out', async () => {
  const { report } = await probed(program, ['leak'], { env: { OUTLIVE_OFF: 'generic-pool, timers' } });
  expect(report.findings).toEqual([]);
  expect(report.watched).toEqual([]);
  expect(report.processes[0]).toMatchObject({ adapters: [], unsupported: [], faults: 0 });
});

test('a name in OUTLIVE_OFF that is none stops outlive run; where it is only preloaded, the others are off', async () => {
  const env = { OUTLIVE_OFF: 'timers,memcached' };
  const names = [...ADAPTERS.map(({ name }) => name), 'children'].join(', ');
  const sentence = `OUTLIVE_OFF may name ${names}, not "memcached".`;
  const refused = await start(NODE, [CLI, 'run', '--', NODE, program, 'leak'], { env });
  expect(refused).toMatchObject({ code: 2, stdout: '', stderr: `outlive: ${sentence}\n` });

  const { code, report } = await probed(program, ['leak'], { env });
  expect(code).toBe(0);
  expect(report.processes[0]?.unsupported).toContain(sentence);
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// borrowed here')]);
  expect(report.watched.map(({ library }) => library)).toEqual(['generic-pool']);
});
