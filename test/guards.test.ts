/** Guards of test runners: the test that leaks fails, and no other, with the line that took what it left open. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { guardOptions } from '../guards/guard.ts';
import { hangingMessage } from '../guards/message.ts';
import { openDatabase } from '../pipeline/store/database.ts';
import { CLI, lineOf, NODE, ROOT, start } from './support/probed.ts';
import { byJest, byMocha, byNodeTest, byVitest, expectedLines, GUARDED, type Results } from './support/runners.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const RUNNERS: [name: string, run: () => Promise<Results>][] = [
  ['node:test', () => byNodeTest('node-test.mjs')],
  ['vitest, in processes', () => byVitest('vitest.case.mjs', ['--pool=forks'])],
  ['vitest, in threads', () => byVitest('vitest.case.mjs', ['--pool=threads'])],
  ['vitest, in virtual machines', () => byVitest('vitest.case.mjs', ['--pool=vmThreads'])],
  ['vitest, not isolated, twice in one process', () => byVitest('case.mjs', ['--no-isolate', '--no-file-parallelism'])],
  ['mocha', () => byMocha('mocha.cjs')],
  ['jest', () => byJest('jest.case.cjs')],
];

describe.each(RUNNERS)('%s', (_, run) => {
  test('the tests that leak fail, each at its line, and no others', async () => {
    const results = await run();
    const failed = Object.entries(results).flatMap(([name, message]) => {
      const place = /outlives? the .*, taken at (\S+?:\d+):/.exec(message ?? '')?.[1];
      return message === null ? [] : [[name, place ?? message]];
    });
    // a suite is told to have failed when one of its tests has
    const own = failed.filter(([, why]) => !/subtests? failed/.test(why ?? ''));
    expect(Object.fromEntries(own)).toEqual(expectedLines());
    expect(Object.keys(results)).toContain('is innocent');
  });
});

test('jest: libraries that are ES modules are seen too', async () => {
  const database = await openDatabase({ fsync: false });
  try {
    const results = await byJest('jest.es-case.mjs', { PG_URL: database.url });
    const line = path.basename(lineOf(path.join(GUARDED, 'jest.es-case.mjs'), '// leaks a reserved connection'));
    expect(results['leaks a reserved connection']).toContain(`outlives the test, taken at ${line}:`);
    expect(results['is innocent']).toBeNull();
  } finally {
    await database.stop();
  }
});

test.each(['inline', 'beside'])('jest: the line that was written is told, with its map %s', async (where) => {
  const file = `jest.map-${where}.case.cjs`;
  const results = await byJest(file);
  const toldAt = (line: string) =>
    expect.stringContaining(`outlives the test, taken at ${path.basename(lineOf(path.join(GUARDED, file), line))}:`);
  expect(results).toEqual({
    'leaks a lease that a callback gives back': toldAt('// leaks a lease'),
    'leaks a timer': toldAt('// leaks a timer'),
  });
});

const MOCHA = path.join(ROOT, 'node_modules/mocha/bin/mocha.js');
const JEST = path.join(ROOT, 'tools/jest/node_modules/jest-cli/bin/jest.js');
const HANGS: [name: string, args: string[]][] = [
  ['node:test', ['--require', 'outlive/node-test', 'hangs.cjs']],
  ['node:test, all in one process', ['--require', 'outlive/node-test', '--test', '--test-isolation=none', 'hangs.cjs']],
  ['mocha', [MOCHA, '--require', path.join(ROOT, 'dist/guards/mocha.js'), 'hangs.cjs']],
  ['jest', [JEST, '--runInBand', '--config=jest.config.cjs', '--rootDir=.', '--testMatch=**/hangs.cjs']],
];
test.each(HANGS)(
  '%s: a run that does not end says what holds it, and can be made to end with a failure',
  async (_, args) => {
    const env = { OUTLIVE_TEST_SETTLE_MS: '50', OUTLIVE_TEST_HANG_MS: '200', OUTLIVE_TEST_END_HANGING: '1' };
    const { code, stdout, stderr } = await start(NODE, args, { cwd: GUARDED, env });
    const line = path.basename(lineOf(path.join(GUARDED, 'hangs.cjs'), '// holds the run'));
    const [, said = ''] = stderr.split('The tests are over, and the process does not end. What is open:\n');
    const [told, then] = said.split('\n');
    expect(told).toContain(`1 timer (setInterval), taken at ${line}:`);
    expect(then).toBe('It is ended now, with a failure.');
    expect(code).toBe(1);
    // the runner's own report comes first
    expect(stdout + stderr).toMatch(/pass 1|1 passing|1 passed/);
  },
);

test('what ends a run that hangs is said where nothing ends it', () => {
  expect(hangingMessage([], ['PipeWrap', 'PipeWrap'], false).split('\n').slice(1)).toEqual([
    '  nothing that outlive watches; Node waits for PipeWrap',
    'With OUTLIVE_TEST_END_HANGING=1 such a run ends, with a failure.',
    '',
  ]);
});

test('a run that watches is not held: it goes on', async () => {
  const env = { OUTLIVE_TEST_HANG_MS: '1', OUTLIVE_TEST_END_HANGING: '1' };
  const mocha = path.join(ROOT, 'node_modules/mocha/bin/mocha.js');
  const guard = ['--require', path.join(ROOT, 'dist/guards/mocha.js')];
  for (const [args, end] of [
    [[], 1],
    [['--watch'], 0],
    [['--config', 'watching.mocharc.json'], 0],
  ] as const) {
    const { code } = await start(NODE, [mocha, ...guard, ...args, 'watched.cjs'], { cwd: GUARDED, env });
    expect(code).toBe(end);
  }
});

test.each([
  ['node:test', ['--require', 'outlive/node-test', 'fails.test.mjs']],
  ['vitest', [path.join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run']],
  ['mocha', [MOCHA, '--require', path.join(ROOT, 'dist/guards/mocha.js'), 'fails.test.mjs']],
  ['jest', ['--experimental-vm-modules', JEST]],
])('%s: a test that fails by itself is shown without the frames of its guard', async (_, args) => {
  const { code, stdout, stderr } = await start(NODE, args, { cwd: path.join(GUARDED, 'fails') });
  const shown = stripVTControlCharacters(stdout + stderr);
  expect(code).not.toBe(0);
  expect(shown).toMatch(/fails\.test\.mjs:7:9/);
  expect(shown).not.toMatch(/dist[\\/](?:guards|probe)|AsyncLocalStorage/);
});

test('nothing is written into the project, which may be watched for what changes', async () => {
  using folder = temporaryFolder();
  writeFileSync(path.join(folder.path, 'quick.test.mjs'), "import test from 'node:test'; test('is quick', () => {});");
  const guard = ['--require', path.join(ROOT, 'dist/guards/node-test.js')];
  const { stdout } = await start(NODE, [...guard, '--test'], { cwd: folder.path });
  expect(stdout).toContain('pass 1');
  expect(readdirSync(folder.path)).toEqual(['quick.test.mjs']);
});

test('a worker that waits for its next file is no run that does not end', async () => {
  const env = { OUTLIVE_TEST_HANG_MS: '1', OUTLIVE_TEST_END_HANGING: '1' };
  const mocha = path.join(ROOT, 'node_modules/mocha/bin/mocha.js');
  const args = ['--require', path.join(ROOT, 'dist/guards/mocha.js'), '--parallel', '--jobs=2', 'parallel/*.cjs'];
  const { stdout, stderr } = await start(NODE, [mocha, ...args], { cwd: GUARDED, env });
  expect(stdout).toContain('2 passing');
  expect(stderr).toBe('');
});

test('what still holds it is said, from a snapshot of the heap', async () => {
  const results = await byNodeTest('held.mjs', { env: { OUTLIVE_TEST_SNAPSHOT_MB: '64' } });
  expect(results['parks a lease']).toMatch(/^Held by .*parked: Map/m);
  expect(results['waits for what never comes']).toMatch(/^Held by .*waiting in a function at held\.mjs:\d+/m);
});

test('what a test sees or survives is the same', async () => {
  const results = await byNodeTest('harmless.mjs', { env: { OUTLIVE_TEST_SNAPSHOT_MB: '64' } });
  expect(results).toMatchObject({
    'a response that was cut off is garbage': null,
    'leaks where a snapshot of the heap would end the process': expect.stringMatching(
      /outlives the test, taken at harm/,
    ),
  });
});

test('a database of a file is no test’s, one of its own and what is opened on any is', async () => {
  const results = await byNodeTest('sqlite.mjs');
  const line = (of: string) => path.basename(lineOf(path.join(GUARDED, 'sqlite.mjs'), `// ${of}`));
  expect(results['uses it']).toBeNull();
  expect(results['leaks rows of it']).toContain(
    `1 row iterator (node:sqlite iterator) outlives the test, taken at ${line('leaks rows of it')}:`,
  );
  expect(results['leaks a database']).toContain(
    `1 database (node:sqlite) outlives the test, taken at ${line('leaks a database')}:`,
  );
});

test('a report of the whole run names tests and lines, and GitHub is told of each line', async () => {
  using folder = temporaryFolder();
  const env = { OUTLIVE_OUT: folder.path, GITHUB_ACTIONS: 'true', OUTLIVE_TEST_SNAPSHOT_MB: '0' };
  const args = ['--require', 'outlive/node-test', '--test', 'held.mjs'];
  const { stdout } = await start(NODE, args, { cwd: GUARDED, env });
  const line = /:(\d+)$/.exec(lineOf(path.join(GUARDED, 'held.mjs'), "parked.set('first'"))?.[1];
  expect(stdout).toMatch(
    new RegExp(`^::error file=held\\.mjs,line=${line},col=34,title=1 connection .*parks a lease`, 'm'),
  );

  const of = (ending: string) => path.join(folder.path, `run.${ending}`);
  const outputs = ['html', 'xml', 'sarif'].flatMap((ending) => ['-o', of(ending)]);
  const { code } = await start(NODE, [CLI, 'report', folder.path, '--fail-on', 'likely', ...outputs], { cwd: GUARDED });
  expect(code).toBe(1);
  for (const ending of ['html', 'xml', 'sarif']) expect(readFileSync(of(ending), 'utf8')).toContain('parks a lease');
  expect(readFileSync(of('xml'), 'utf8')).toContain(`file="held.mjs" line="${line}"`);
  expect(JSON.parse(readFileSync(of('sarif'), 'utf8')).runs[0].results).toHaveLength(2);
});

test('an option that it does not know stops the run, with a sentence', async () => {
  const env = { OUTLIVE_TEST_SETTLE_MS: 'soon' };
  const { code, stderr } = await start(NODE, ['--require', 'outlive/node-test', 'hangs.cjs'], { cwd: GUARDED, env });
  expect(stderr).toContain('outlive: OUTLIVE_TEST_SETTLE_MS must be a whole number from 0 to 60000, not "soon".');
  expect(code).not.toBe(0);
});

test('options of a suite that it does not know are refused', () => {
  const refusal = (options: object) => {
    try {
      guardOptions(options);
    } catch (error) {
      return (error as Error).message;
    }
    return null;
  };
  expect(refusal({ settleMs: 500, isGuarded: true })).toBeNull();
  expect(refusal({ settleMs: '1s' })).toBe('settleMs must be a whole number from 0 to 60000.');
  expect(refusal({ isGuarded: 'no' })).toBe('isGuarded must be true or false.');
  expect(refusal({ settle: 5 })).toBe('guardOptions knows settleMs and isGuarded, not settle.');
});

test('leaks of a baseline are no news; it only shrinks, and what is expected to leak is not in it', async () => {
  using folder = temporaryFolder();
  const file = path.join(folder.path, 'baseline.json');
  const failed = async (env: Record<string, string>) => {
    const results = await byNodeTest('known.mjs', { env: { OUTLIVE_BASELINE: file, ...env } });
    return Object.keys(results).filter((name) => results[name] !== null);
  };
  const count = () => Object.keys(JSON.parse(readFileSync(file, 'utf8')).leaks).length;

  expect(await failed({})).toEqual(['the first', 'the second']);
  expect(await failed({ OUTLIVE_UPDATE_BASELINE: '1' })).toEqual([]);
  expect(count()).toBe(2);
  expect(await failed({})).toEqual([]);
  expect(await failed({ OUTLIVE_UPDATE_BASELINE: '1', MENDED: '1' })).toEqual([]);
  expect(count()).toBe(1);
  expect(await failed({ OUTLIVE_UPDATE_BASELINE: '1' })).toEqual(['the second']);
  expect(count()).toBe(1);
});

test('a run that updates its baseline leaves nothing behind, also when it is killed', async () => {
  using folder = temporaryFolder();
  const leftovers = () => readdirSync(folder.path).filter((name) => name.startsWith('outlive-'));
  const env = {
    ...{ TMPDIR: folder.path, OUTLIVE_BASELINE: path.join(folder.path, 'baseline.json') },
    ...{ OUTLIVE_UPDATE_BASELINE: '1', OUTLIVE_TEST_HANG_MS: '100' },
  };
  let during: string[] = [];
  const { signal } = await start(NODE, ['--require', 'outlive/node-test', 'hangs.cjs'], {
    ...{ cwd: GUARDED, env },
    onStdout(_, kill) {
      during = leftovers();
      kill('SIGKILL');
    },
  });
  expect(signal).toBe('SIGKILL');
  expect(during).toHaveLength(1);
  await until('the folder to go', () => leftovers().length === 0);

  await byNodeTest('known.mjs', { env });
  await until('the folder to go', () => leftovers().length === 0);
});
