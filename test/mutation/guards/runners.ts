/** Runs suites by each test runner, with its guard: of every test, why it failed, or null. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ROOT } from '../workbench.ts';

export type Results = Record<string, string | null>;

interface Runner {
  /** By which a suite defines its tests. */
  head: string;
  /** How tests that run at once are called: `describe` around them, each by `test`. */
  describe: string;
  test: string;
  args(folder: string): string[];
  read(stdout: string): Results;
}

/** Suites at once: they sleep for most of their time. */
const LANES = 6;
/** Longer than any suite may take, milliseconds. */
const LIMIT = '180000';
/** One run of all suites of a runner. */
const RUN_LIMIT_MS = 3_600_000;

const bin = (file: string): string => path.join(ROOT, 'node_modules', file);
const fixture = (file: string): string => path.join(ROOT, 'test/fixtures/guards', file);

export const RUNNERS: Readonly<Record<string, Runner>> = {
  'node:test': {
    head: "import { describe, test } from 'node:test';",
    describe: 'describe(NAME, { concurrency: true }, WORK)',
    test: 'test',
    args: () => [
      ...['--require', 'outlive/node-test', '--test', '--test-force-exit', `--test-concurrency=${LANES}`],
      ...[`--test-reporter=${fixture('reporter.mjs')}`, '*/suite.test.mjs'],
    ],
    read: (stdout) => JSON.parse(stdout),
  },
  Vitest: {
    head: "import { describe, test } from 'vitest';",
    describe: 'describe(NAME, WORK)',
    test: 'test.concurrent',
    args: () => [
      ...[bin('vitest/vitest.mjs'), 'run', '--config', 'vitest.config.mjs', `--maxWorkers=${LANES}`],
      ...[`--testTimeout=${LIMIT}`, `--reporter=${fixture('vitest-reporter.mjs')}`],
    ],
    read: (stdout) => JSON.parse(/^results: (.*)$/m.exec(stdout)?.[1] ?? ''),
  },
  Jest: {
    head: "import { describe, test } from '@jest/globals';",
    describe: 'describe(NAME, WORK)',
    test: 'test.concurrent',
    args: (folder) => [
      ...['--experimental-vm-modules', path.join(ROOT, 'tools/jest/node_modules/jest-cli/bin/jest.js')],
      ...['--json', '--forceExit', `--rootDir=${folder}`, '--config=jest.config.cjs', `--maxWorkers=${LANES}`],
      `--testTimeout=${LIMIT}`,
    ],
    read: (stdout) => readJest(JSON.parse(stdout.slice(stdout.indexOf('{"')))),
  },
  // one after the other
  Mocha: {
    head: "import { describe, it as test } from 'mocha';",
    describe: 'describe(NAME, WORK)',
    test: 'test',
    args: () => [
      ...[bin('mocha/bin/mocha.js'), '--require', path.join(ROOT, 'dist/guards/mocha.js'), '--exit'],
      ...['--parallel', `--jobs=${LANES}`, '--timeout', LIMIT, '--reporter', 'json', '*/suite.test.mjs'],
    ],
    read: (stdout) => readMocha(JSON.parse(stdout.slice(stdout.indexOf('{\n')))),
  },
};

interface JestJson {
  testResults: { message: string; assertionResults: { title: string; failureMessages: string[] }[] }[];
}

function readJest({ testResults }: JestJson): Results {
  return Object.fromEntries(
    testResults.flatMap(({ assertionResults }) => {
      return assertionResults.map(({ title, failureMessages }) => [title, failureMessages[0] ?? null]);
    }),
  );
}

interface MochaJson {
  passes: { title: string }[];
  failures: { title: string; err: { message: string } }[];
}

function readMocha({ passes, failures }: MochaJson): Results {
  return Object.fromEntries([
    ...passes.map(({ title }) => [title, null]),
    ...failures.map(({ title, err }) => [title, err.message]),
  ]);
}

/** Throws, with what the runner said, when its results cannot be read; and when `ended`, the runner with it. */
export async function runSuites(
  name: string,
  folder: string,
  env: Record<string, string>,
  ended?: AbortSignal,
): Promise<Results> {
  const { args, read } = RUNNERS[name] as Runner;
  const inherited = Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS$|OUTLIVE_|VITEST)/.test(name));
  const child = spawn(process.execPath, args(folder), {
    ...{ cwd: folder, env: { ...Object.fromEntries(inherited), ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    // so that it ends its workers
    ...{ timeout: RUN_LIMIT_MS, signal: ended, killSignal: 'SIGTERM' },
  });
  const texts = { stdout: '', stderr: '' };
  for (const key of ['stdout', 'stderr'] as const) {
    child[key]?.setEncoding('utf8').on('data', (text: string) => {
      texts[key] += text;
    });
  }
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  try {
    return read(texts.stdout);
  } catch {
    throw new Error(`${name} told nothing: ${texts.stdout.slice(0, 2000)}${texts.stderr.slice(0, 2000)}`);
  }
}
