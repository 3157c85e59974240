/**
 * Programs as suites of tests: the work of a program is one test, and runs at once with that of another program, which
 * is untouched and must pass.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Found } from '../judge.ts';
import type { Mutant } from '../mutate.ts';
import { linkLibraries, type Program, ROOT } from '../workbench.ts';
import { type Results, RUNNERS, runSuites } from './runners.ts';

const RUNNERS_PACKAGES = ['vitest', 'mocha'];
const CONFIGURATIONS = {
  'package.json': '{ "private": true }',
  'vitest.config.mjs': "export default { test: { runner: 'outlive/vitest', include: ['*/suite.test.mjs'] } };",
  'jest.config.cjs': `module.exports = {
  testRunner: 'outlive/jest', testMatch: ['**/suite.test.mjs'], transform: {},
  moduleFileExtensions: ['mjs', 'cjs', 'js', 'json'],
};`,
};

/** Milliseconds until a test is ended: of what hangs on an idle machine too, and of what only a busy one keeps from its end. */
const LIMIT = { hangs: 20_000, works: 120_000 };

export interface Suite {
  program: Program;
  /** Null: untouched as well. */
  mutant: Mutant | null;
  innocent: Program;
  /** Whether the mutant waits for ever. */
  hangs: boolean;
}

/** What one test was told to leave open, and why that of the untouched program failed, if it did. */
export interface Told {
  found: Found[];
  problem: string | null;
  /** One of both was ended at its limit. */
  isCutOff: boolean;
}

export async function tell(
  runner: string,
  suites: readonly Suite[],
  env: Record<string, string>,
  ended?: AbortSignal,
): Promise<Told[]> {
  const folder = mkdtempSync(path.join(tmpdir(), `outlive-mutation-${process.pid}-suites-`));
  try {
    writeAll(folder, runner, suites);
    const results = await runSuites(runner, folder, { ...env, OUTLIVE_TEST_SNAPSHOT_MB: '0' }, ended);
    return suites.map((_, index) => ({
      ...toldOf(results, index),
      isCutOff: existsSync(path.join(folder, `s${index}`, 'cut-off')),
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeAll(folder: string, runner: string, suites: readonly Suite[]): void {
  const packages = path.join(folder, 'node_modules');
  mkdirSync(packages);
  linkLibraries(packages);
  for (const name of RUNNERS_PACKAGES) symlinkSync(path.join(ROOT, 'node_modules', name), path.join(packages, name));
  const jest = path.join(ROOT, 'tools/jest/node_modules');
  symlinkSync(path.join(jest, '@jest'), path.join(packages, '@jest'));
  symlinkSync(ROOT, path.join(packages, 'outlive'));
  for (const [name, text] of Object.entries(CONFIGURATIONS)) writeFileSync(path.join(folder, name), text);
  for (const [index, suite] of suites.entries()) write(path.join(folder, `s${index}`), runner, suite, index);
}

function write(folder: string, runner: string, { program, mutant, innocent, hangs }: Suite, index: number): void {
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'limit'), String(hangs ? LIMIT.hangs : LIMIT.works));
  copyFileSync(path.join(ROOT, 'test/mutation/guards/run.cjs'), path.join(folder, 'run.cjs'));
  for (const [name, { files }] of Object.entries({ mutated: program, innocent })) {
    mkdirSync(path.join(folder, name));
    for (const [file, source] of files) {
      const isMutated = name === 'mutated' && file === mutant?.file;
      writeFileSync(path.join(folder, name, file), isMutated ? mutant.source : source);
    }
  }
  const { head, describe, test } = RUNNERS[runner] as (typeof RUNNERS)[string];
  const work = `() => {
  ${test}('s${index} mutated', tests[0]);
  ${test}('s${index} innocent', tests[1]);
}`;
  writeFileSync(
    path.join(folder, 'suite.test.mjs'),
    `${head}
import run from './run.cjs';
// one after the other: what is CommonJS a runner may load first
await import('./mutated/${program.main}');
await import('./innocent/${innocent.main}');
const { tests } = run;
if (tests.length !== 2) throw new Error('There are ' + tests.length + ' programs.');
${describe.replace('NAME', `'s${index}'`).replace('WORK', work)};
`,
  );
}

function toldOf(results: Results, index: number): Omit<Told, 'isCutOff'> {
  const [mutated, innocent] = ['mutated', 'innocent'].map((name) => results[`s${index} ${name}`]);
  const places = [...(mutated ?? '').matchAll(/^.*outlives? the test, taken at \S*?mutated\/(\S+?:\d+):\d+/gm)];
  const found = places.map(([, place = '']) => {
    return { place, certainty: 'likely', detector: 'outlived-scope', count: 1 } as const;
  });
  const other = mutated && found.length === 0 ? mutated : null;
  const problem = mutated === undefined || innocent === undefined ? 'did not run' : (innocent ?? other);
  return { found, problem };
}
