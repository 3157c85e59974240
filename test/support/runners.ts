/** Runs the same tests by each test runner, with its guard: of every test and suite, why it failed, or null. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { NODE, ROOT, type StartOptions, start } from './probed.ts';

export const GUARDED = path.join(ROOT, 'test/fixtures/guards');

/** What the tests of the fixture need at most, so that those that leak are quickly told; and no look into the heap. */
const SETTLE = { OUTLIVE_TEST_SETTLE_MS: '250', OUTLIVE_TEST_SNAPSHOT_MB: '0' };

export type Results = Record<string, string | null>;

export async function byNodeTest(file: string, options: StartOptions = {}): Promise<Results> {
  const args = [
    '--require',
    'outlive/node-test',
    '--test',
    `--test-reporter=${path.join(GUARDED, 'reporter.mjs')}`,
    file,
  ];
  const env = { ...SETTLE, ...options.env };
  const { stdout } = await start(NODE, args, { cwd: GUARDED, ...options, env });
  return JSON.parse(stdout);
}

export async function byVitest(file: string, args: readonly string[] = []): Promise<Results> {
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const reporter = path.join(GUARDED, 'vitest-reporter.mjs');
  const all = [vitest, 'run', '--root', GUARDED, `--reporter=${reporter}`, ...args, file];
  const { stdout, stderr } = await start(NODE, all, { cwd: GUARDED, env: SETTLE });
  const found = /^results: (.*)$/m.exec(stdout)?.[1];
  if (!found) throw new Error(`Vitest told nothing: ${stdout}${stderr}`);
  return JSON.parse(found);
}

interface MochaJson {
  passes: { title: string }[];
  failures: { title: string; fullTitle: string; err: { message: string } }[];
}

/** A suite that has failed is told as a hook of it. */
export async function byMocha(file: string): Promise<Results> {
  const mocha = path.join(ROOT, 'node_modules/mocha/bin/mocha.js');
  // by its path: Mocha looks for names beside itself, and here outlive is not installed there
  const guard = path.join(ROOT, 'dist/guards/mocha.js');
  const args = [mocha, '--require', guard, '--reporter', 'json', file];
  const { passes, failures } = await json<MochaJson>(NODE, args, { env: SETTLE });
  return Object.fromEntries([
    ...passes.map(({ title }) => [title, null]),
    ...failures.map(({ title, fullTitle, err }) => [
      title === 'outlive' ? fullTitle.replace(/ outlive$/, '') : title,
      err.message,
    ]),
  ]);
}

interface JestJson {
  testResults: { message: string; assertionResults: { title: string; failureMessages: string[] }[] }[];
}

/** Installs Jest when it is first asked for: it is as large as all else together. A suite that has failed is told of its file. */
export async function byJest(file: string, env: Record<string, string> = {}): Promise<Results> {
  const home = path.join(ROOT, 'tools/jest');
  const jest = path.join(home, 'node_modules/jest-cli/bin/jest.js');
  if (!existsSync(jest)) await start('npm', ['ci', '--prefix', home, '--ignore-scripts', '--no-audit', '--no-fund']);
  const args = [
    '--experimental-vm-modules',
    jest,
    '--json',
    '--forceExit',
    '--runInBand',
    '--rootDir',
    GUARDED,
    '--config',
    path.join(GUARDED, 'jest.config.cjs'),
  ];
  const { testResults } = await json<JestJson>(NODE, [...args, '--runTestsByPath', path.join(GUARDED, file)], {
    env: { ...SETTLE, ...env },
  });
  return Object.fromEntries(
    testResults.flatMap(({ message, assertionResults }) => [
      ...assertionResults.map(({ title, failureMessages }) => [title, failureMessages[0] ?? null]),
      ...[...message.matchAll(/LeakError: .* outlives the suite "(.*?)".*/g)].map(([told, name]) => [name, told]),
    ]),
  );
}

async function json<T>(command: string, args: string[], options: StartOptions): Promise<T> {
  const { stdout, stderr } = await start(command, args, { cwd: GUARDED, ...options });
  const begin = stdout.indexOf('{');
  if (begin < 0) throw new Error(`${args[0]} told nothing: ${stdout}${stderr}`);
  return JSON.parse(stdout.slice(begin)) as T;
}

/** `file:line` of each test of the fixture that leaks, as its message must say. */
export function expectedLines(): Record<string, string> {
  const lines = readFileSync(path.join(GUARDED, 'cases.cjs'), 'utf8').split('\n');
  return Object.fromEntries(
    lines.flatMap((text, index) => {
      const name = /\/\/ (leaks .*)$/.exec(text)?.[1];
      return name ? [[name, `cases.cjs:${index + 1}`]] : [];
    }),
  );
}
