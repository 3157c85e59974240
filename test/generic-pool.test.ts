import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../probe/recording/reader.ts';
import { FOLLOWS_FLOWS, fixture, lineOf, placeOf, probed, ROOT, watched } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const program = fixture('generic-pool.mjs');

test('a connection that is not released when a job throws is found at the line that borrowed it', async () => {
  const { report } = await probed(program, ['leak']);
  expect(report.verdict).toBe('leak');
  expect(report.findings).toHaveLength(1);
  const [finding] = report.findings;
  expect(placeOf(finding!)).toBe(lineOf(program, '// borrowed here'));
  expect(finding).toMatchObject({
    kind: 'connection',
    library: 'generic-pool',
    detector: 'unreachable',
    certainty: 'proven',
    count: 4,
    acquired: 40,
    released: 36,
    site: { function: 'order' },
    // every leaking run threw it, and no other run did
    scopes: [{ name: 'order', ended: 40, leaked: 4, failedWith: 'TypeError' }],
  });
});

test('release, destroy and use all give a connection back, and the fixed program is clean after the same work', async () => {
  const { report, stdout } = await probed(program, ['clean']);
  expect(report.findings).toEqual([]);
  expect(report.verdict).toBe('clean');
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 45, released: 45 });
  expect(report.processes[0]?.adapters).toContain('generic-pool 3.9.0');
  expect(stdout).toBe('borrowed 0\n');
});

test('a pool is printed as it is without the probe', async () => {
  const { stdout } = await probed(fixture('generic-pool-printed.mjs'), []);
  expect(stdout).toContain('PooledResource {');
  expect(stdout).not.toContain('outlive');
});

test('connections that another flow gives back after the job are no leak', async () => {
  const { report } = await probed(program, ['hand-over']);
  expect(report.findings).toEqual([]);
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 30, released: 30 });
});

test('an acquire that timed out in the queue borrowed nothing', async () => {
  const { report, stdout } = await probed(program, ['time-out']);
  expect(stdout).toContain('TimeoutError');
  expect(report.findings).toEqual([]);
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 65, released: 65 });
});

test('several copies of the library in one tree are each watched', async () => {
  using folder = temporaryFolder();
  for (const place of ['node_modules', 'node_modules/inner/node_modules']) {
    mkdirSync(path.join(folder.path, place), { recursive: true });
    cpSync(path.join(ROOT, 'node_modules/generic-pool'), path.join(folder.path, place, 'generic-pool'), {
      recursive: true,
    });
  }
  writeFileSync(path.join(folder.path, 'node_modules/inner/index.js'), "module.exports = require('generic-pool');");
  const main = path.join(folder.path, 'main.cjs');
  writeFileSync(
    main,
    `for (const name of ['generic-pool', 'inner']) {
  const pool = require(name).createPool({ create: async () => ({}), destroy: async () => {} });
  pool.use(async () => {});
}`,
  );
  const { report } = await probed(main);
  expect(report.processes[0]?.adapters).toEqual(['generic-pool 3.9.0', 'generic-pool 3.9.0']);
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 2, released: 2 });
});

test('beyond the stacks that may be taken all are counted, and who holds an exhausted pool is told', async () => {
  const counted = fixture('counted.mjs');
  const { report } = await probed(counted, [], { env: { OUTLIVE_GRACE_MS: '500' } });
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 8008, released: 8000 });
  expect(report.findings).toMatchObject([{ count: 8, exhausted: { cause: 'leak', used: 8, limit: 8, waiting: 5 } }]);
  // that nobody is left who could give them back is known by their flows only
  expect(report.findings[0]?.certainty).toBe(FOLLOWS_FLOWS ? 'likely' : 'suspect');
  expect(placeOf(report.findings[0]!)).toBe(lineOf(counted, 'while (pool.available'));
});

test('what a factory acquires for itself is not taken for what was asked for', async () => {
  const within = fixture('lost-within.cjs');
  const { report } = await probed(within, [], { env: { OUTLIVE_GRACE_MS: '500' } });
  const found = report.findings.map((finding) => [placeOf(finding), finding.count]).sort();
  expect(found).toEqual([
    [lineOf(within, '// inner'), 1],
    [lineOf(within, '// outer'), 1],
  ]);
});

test.each([
  ['had waited', 'waited-times.mjs', 5],
  ['were held', 'held-times.mjs', 6],
])('how long leases %s is told of all, though few are measured', async (_, name, column) => {
  using folder = temporaryFolder();
  const env = { OUTLIVE_STACKS: '0' };
  const { stdout } = await probed(fixture(name), [], { out: folder.path, env });
  const [recording] = readRun(folder.path).recordings;
  const told = recording?.samples.at(-1)?.pools[0]?.[column];
  expect(told).toBeGreaterThan(Number(stdout) * 0.8);
  expect(told).toBeLessThan(Number(stdout) * 1.2);
});

test('whoever waits is not taken for others, which are only counted and wait as well', async () => {
  const env = { OUTLIVE_STACKS: '0', OUTLIVE_GRACE_MS: '500' };
  const { report } = await probed(fixture('counted-priorities.mjs'), [], { env });
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 105, released: 104 });
  expect(report.findings).toMatchObject([{ count: 1, scopes: [{ name: 'order', ended: 1, leaked: 1 }] }]);
});

test('an acquire that waits is known whatever its asker gets, and whatever was asked for meanwhile', async () => {
  for (const env of [{}, { NODE_OPTIONS: `--require ${fixture('instrumented.cjs')}` }]) {
    const { report } = await probed(fixture('asked-within.cjs'), [], { env });
    expect(watched(report, 'generic-pool')).toEqual({ acquired: 4, released: 2 });
  }
});

test('a lease that nobody has looked at when it was lent is counted, and told where it stays', async () => {
  const { report } = await probed(fixture('unseen.mjs'), [], { env: { OUTLIVE_STACKS: '0', OUTLIVE_GRACE_MS: '500' } });
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 2402, released: 2400 });
  expect(report.findings).toMatchObject([{ library: 'generic-pool', count: 2 }]);
});
