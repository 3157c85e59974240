import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkLeak, type LeakVariant } from '../scenarios/check.ts';
import type { Check } from '../scenarios/scenario.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { CLI, lineOf, placeOf, probed, ROOT, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const RUNS = '4';

test('soak connection-leak finds the leak at the declared call, and nothing in the fixed twin', async () => {
  using folder = temporaryFolder();
  const args = [CLI, 'soak', 'connection-leak', '--runs', RUNS, '--out', folder.path, '--json'];
  const { code, stdout, stderr } = await start(process.execPath, args, { env: { DATABASE_URL: database.url } });
  expect(code, stderr).toBe(0);
  const outcome = JSON.parse(stdout);
  expect(outcome.checks.filter(({ passed }: { passed: boolean }) => !passed)).toEqual([]);
  const [leaking, fixed] = outcome.variants;
  expect(leaking.report.findings).toHaveLength(1);
  const source = path.join(ROOT, 'scenarios/connection-leak/leaking.ts');
  expect(placeOf(leaking.report.findings[0])).toBe(lineOf(source, 'await pool.acquire()'));
  expect(leaking.report.findings[0].count).toBe(leaking.work.failedLookUps);
  expect(fixed.report.findings).toEqual([]);
  expect(fixed.work).toEqual(leaking.work);
  expect(readFileSync(path.join(folder.path, 'leaking/report.html'), 'utf8')).toContain('leaking.ts');
  expect(stderr).toContain('fixed: 4 of 4');
});

test('soak connection-leak --database oracle proves the line before the pool has no connection left', async () => {
  using folder = temporaryFolder();
  const args = [CLI, 'soak', 'connection-leak', '--database', 'oracle', '--runs', '3', '--out', folder.path, '--json'];
  const { code, stdout, stderr } = await start(process.execPath, args, { env: { DATABASE_URL: database.url } });
  expect(code, stderr).toBe(0);
  const { checks, variants } = JSON.parse(stdout);
  expect(checks.map(({ sentence }: Check) => sentence)).toEqual(
    expect.arrayContaining([
      'leaking: ended with NJS-040, then NJS-104',
      expect.stringMatching(/^leaking: found \d+\.\d s before NJS-040$/),
      'fixed: ended with no error',
    ]),
  );
  const source = path.join(ROOT, 'scenarios/connection-leak/leaking.ts');
  expect(variants[0].report.findings[0]).toMatchObject({
    ...{ detector: 'collected', certainty: 'proven', library: 'oracledb', pool: 'rules' },
  });
  expect(placeOf(variants[0].report.findings[0])).toBe(lineOf(source, 'await pool.acquire()'));
});

test('kill -9 of a soak in its middle leaves no process and no side door', async () => {
  using folder = temporaryFolder();
  using temporary = temporaryFolder();
  const env = { ...process.env, DATABASE_URL: database.url, TMPDIR: temporary.path, XDG_RUNTIME_DIR: '' };
  const args = [CLI, 'soak', 'connection-leak', '--runs', '20', '--out', folder.path];
  const soak = spawn(process.execPath, args, { env, stdio: 'ignore' });
  const program = await until('its program to be watched', () => {
    const names = readdirSync(folder.path, { recursive: true, encoding: 'utf8' });
    return names.flatMap((name) => /^leaking.(\d+)-0-\d+\.jsonl$/.exec(name)?.[1] ?? [])[0];
  });
  soak.kill('SIGKILL');
  await until('its side door to be removed', () => readdirSync(temporary.path).length === 0);
  await until('the program to end', () => !existsSync(`/proc/${program}`));
});

/** A copy of the built pipeline and scenario, for editing; without source maps, which would speak of the original. */
function copyOfPipeline(folder: string): void {
  mkdirSync(path.join(folder, 'copy'));
  for (const part of ['pipeline', 'scenarios', 'soak', 'database', 'oracle-standin', 'probe', 'user-error.js']) {
    cpSync(path.join(ROOT, 'dist', part), path.join(folder, 'copy', part), { recursive: true });
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.map')) rmSync(path.join(folder, name));
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, 'package.json'), '{"name":"copy","type":"module"}');
}

function edit(file: string, change: (text: string) => string): void {
  const before = readFileSync(file, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`the edit of ${file} changed nothing`);
  writeFileSync(file, after);
}

async function runCopy(folder: string, variant: string) {
  const own = await freshDatabase();
  try {
    const program = path.join(folder, 'copy/scenarios/connection-leak/program.js');
    // without its runner the program does not rest between runs, so no grace
    const env = { DATABASE_URL: own.url, OUTLIVE_MODE: 'soak', OUTLIVE_GRACE_MS: '0' };
    return await probed(program, [variant, RUNS], { env });
  } finally {
    await own.drop();
  }
}

test('the finding follows the fault when lines are inserted and file and function are renamed', async () => {
  using folder = temporaryFolder();
  copyOfPipeline(folder.path);
  const scenario = path.join(folder.path, 'copy/scenarios/connection-leak');
  renameSync(path.join(scenario, 'leaking.js'), path.join(scenario, 'enrich.js'));
  edit(path.join(scenario, 'program.js'), (text) =>
    text
      .replace("'./leaking.js'", "'./enrich.js'")
      .replace('const { lookUpAsset } =', 'const { findOwner: lookUpAsset } ='),
  );
  edit(
    path.join(scenario, 'enrich.js'),
    (text) => `${'// moved\n'.repeat(17)}${text.replaceAll('lookUpAsset', 'findOwner')}`,
  );

  const { report } = await runCopy(folder.path, 'leaking');
  expect(report.findings.map(placeOf)).toEqual([lineOf(path.join(scenario, 'enrich.js'), 'await pool.acquire()')]);
  expect(report.findings[0]?.site?.function).toBe('findOwner');
});

test('the finding follows the fault into another job', async () => {
  using folder = temporaryFolder();
  copyOfPipeline(folder.path);
  const ingest = path.join(folder.path, 'copy/pipeline/jobs/ingest.js');
  edit(ingest, (text) =>
    text.replace(
      /export async function runIngest\(options\) \{/,
      `let audits = 0;
export async function runIngest(options) {
    const audit = await options.pool.acquire(); // moved here
    if (audits++ % 2 === 0) audit.release();`,
    ),
  );
  const { report } = await runCopy(folder.path, 'fixed');
  expect(report.findings.map(placeOf)).toEqual([lineOf(ingest, '// moved here')]);
  expect(report.findings[0]).toMatchObject({ count: 2, scopes: [{ name: 'ingest', ended: 4, leaked: 2 }] });
});

test('a scenario fails when its leak is not found, when the fixed twin is not silent, or when the work differs', () => {
  const finding = {
    kind: 'connection',
    library: 'pg',
    certainty: 'likely',
    count: 1,
    acquired: 2,
    site: { file: '/elsewhere.js', line: 1 },
  };
  const result = (findings: unknown[], records: number): LeakVariant => ({
    report: { findings, watched: [] } as never,
    recordings: [],
    errors: [],
    work: { records },
  });
  const file = new URL('../scenarios/connection-leak/leaking.ts', import.meta.url);
  const mustFind = [
    { kind: 'connection', library: 'pg', certainty: 'likely', file, call: 'await pool.acquire()' } as const,
  ];
  const checks = checkLeak({ mustFind, mustUse: 'pg' }, result([], 10), result([finding], 9));
  expect(checks.map(({ passed }) => passed)).toEqual([false, true, false, false, false]);
  expect(checks.map(({ sentence }) => sentence)).toEqual([
    expect.stringMatching(/^leaking: no connection found at .*leaking\.ts:6$/),
    'leaking: nothing else was found',
    'fixed: also found a connection at /elsewhere.js:1',
    'fixed: 0 pg connections acquired under watch, 0 released',
    'work differs: 10 records; 9 records',
  ]);
});

test('a scenario that has an end fails when the end is another one, or came before the finding', () => {
  const end = (errors: [string, number][], foundAt: number | null): LeakVariant => ({
    report: { findings: [], watched: [] } as never,
    recordings:
      foundAt === null ? [] : [{ process: { startedMs: 100 }, findings: new Map([['key', { at: foundAt }]]) } as never],
    errors: errors.map(([code, time]) => ({ code, time })),
    work: {},
  });
  const claims = { mustFind: [], mustUse: 'oracledb', mustEndWith: ['NJS-040', 'NJS-104'] };
  const ending = (leaking: LeakVariant, fixed: LeakVariant) => checkLeak(claims, leaking, fixed).slice(-3);
  const asDeclared: [string, number][] = [
    ['NJS-040', 5_100],
    ['NJS-104', 5_200],
  ];
  expect(ending(end(asDeclared, 2_000), end([], null))).toEqual([
    { passed: true, sentence: 'leaking: ended with NJS-040, then NJS-104' },
    { passed: true, sentence: 'leaking: found 3.0 s before NJS-040' },
    { passed: true, sentence: 'fixed: ended with no error' },
  ]);
  expect(ending(end([], null), end(asDeclared, 2_000))).toEqual([
    { passed: false, sentence: 'leaking: ended with no error' },
    { passed: false, sentence: 'leaking: found not before its end' },
    { passed: false, sentence: 'fixed: ended with NJS-040, then NJS-104' },
  ]);
  expect(ending(end(asDeclared, 5_050), end([], null))[1]?.passed).toBe(false);
});
