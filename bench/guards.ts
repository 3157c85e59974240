/**
 * What a guard costs a suite of a thousand quick tests: CPU time of all processes and wall time with it, less those
 * without, of runs in threes, and the same of runs that both have none, which tells what the machine itself makes of it.
 * `npm run bench:guards`, of one runner with `-- NAME`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAIRS = 11;
const TESTS = 1000;

/** What a quick test of a service does: it works for a moment, takes nothing, or borrows from a pool and gives back. */
const BODIES = {
  'works for a quarter of a millisecond': 'for (const until = performance.now() + 0.25; performance.now() < until; );',
  'takes and gives back': 'await pool.release(await pool.acquire());',
  'takes nothing': 'if (JSON.parse("[1, 2]").length !== 2) throw new Error();',
};

const suite = (importing: string, body: string): string => `${importing}
import { createPool } from 'generic-pool';
const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 5 });
for (let n = 0; n < ${TESTS}; n++) {
  test('test ' + n, async () => {
    ${body}
  });
}
`;

const bin = (file: string): string => path.join(ROOT, 'node_modules', file);
const MOCHA = bin('mocha/bin/mocha.js');
/** Of tools/jest, where it is installed by the tests of its guard. */
const JEST = ['--experimental-vm-modules', path.join(ROOT, 'tools/jest/node_modules/jest-cli/bin/jest.js'), '--config'];
const JEST_OPTIONS =
  "testMatch: ['**/suite.test.mjs'], transform: {}, moduleFileExtensions: ['mjs', 'cjs', 'js', 'json']";

const RUNNERS: Record<string, { importing: string; bare: string[]; guarded: string[] }> = {
  'node:test': {
    importing: "import { test } from 'node:test';",
    bare: ['--test', 'suite.test.mjs'],
    guarded: ['--require', 'outlive/node-test', '--test', 'suite.test.mjs'],
  },
  Vitest: {
    importing: "import { test } from 'vitest';",
    bare: [bin('vitest/vitest.mjs'), 'run', '--config', 'bare.config.mjs'],
    guarded: [bin('vitest/vitest.mjs'), 'run', '--config', 'guarded.config.mjs'],
  },
  Jest: {
    importing: "import { test } from '@jest/globals';",
    bare: [...JEST, 'bare.jest.cjs'],
    guarded: [...JEST, 'guarded.jest.cjs'],
  },
  Mocha: {
    importing: "import { it as test } from 'mocha';",
    bare: [MOCHA, 'suite.test.mjs'],
    // Mocha is linked here, and would look for it beside itself
    guarded: [MOCHA, '--require', './node_modules/outlive/dist/guards/mocha.js', 'suite.test.mjs'],
  },
};

/** The same with the guard and without, since to read one costs as well. */
const CONFIGURATIONS = {
  'bare.config.mjs': 'export default { test: {} };',
  'guarded.config.mjs': "export default { test: { runner: 'outlive/vitest' } };",
  'bare.jest.cjs': `module.exports = { ${JEST_OPTIONS} };`,
  'guarded.jest.cjs': `module.exports = { testRunner: 'outlive/jest', ${JEST_OPTIONS} };`,
};

interface Cost {
  cpu: number;
  wall: number;
}

/** Seconds. The shell knows the CPU time of all processes that a run has started and ended. */
function costOf(args: readonly string[], cwd: string): Cost {
  const began = performance.now();
  const script = '"$@" >&2; status=$?; times; exit $status';
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script, 'sh', process.execPath, ...args], {
    ...{ cwd, encoding: 'utf8' },
  });
  if (status !== 0) throw new Error(stderr);
  const ofChildren = stdout.trim().split('\n').at(-1) ?? '';
  const parts = [...ofChildren.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => 60 * Number(minutes) + Number(rest),
  );
  return { cpu: parts.reduce((sum, part) => sum + part, 0), wall: (performance.now() - began) / 1000 };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Of each three: the cost with the guard by that without, and the second without by the first. */
function compare(runs: readonly [Cost, Cost, Cost][], of: keyof Cost): string {
  const ratio = median(runs.map(([first, guarded, second]) => (2 * guarded[of]) / (first[of] + second[of])));
  const extra = median(runs.map(([first, guarded, second]) => guarded[of] - (first[of] + second[of]) / 2));
  const control = median(runs.map(([first, , second]) => second[of] / first[of]));
  const base = median(runs.map(([first]) => first[of]));
  const milliseconds = Math.round(1000 * extra);
  return `${of} ${ratio.toFixed(3)} × of ${base.toFixed(2)} s (+${milliseconds} ms; control ${control.toFixed(3)} ×)`;
}

const [only] = process.argv.slice(2);
for (const [name, { importing, bare, guarded }] of Object.entries(RUNNERS)) {
  if (only !== undefined && name !== only) continue;
  for (const [what, body] of Object.entries(BODIES)) {
    const folder = mkdtempSync(path.join(tmpdir(), 'outlive-bench-'));
    mkdirSync(path.join(folder, 'node_modules'));
    for (const each of ['generic-pool', 'vitest', 'mocha']) {
      symlinkSync(bin(each), path.join(folder, 'node_modules', each));
    }
    symlinkSync(path.join(ROOT, 'tools/jest/node_modules/@jest'), path.join(folder, 'node_modules/@jest'));
    // as it is installed: what lies elsewhere, Vitest compiles anew
    for (const file of ['package.json', 'dist']) {
      cpSync(path.join(ROOT, file), path.join(folder, 'node_modules/outlive', file), { recursive: true });
    }
    writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(path.join(folder, 'suite.test.mjs'), suite(importing, body));
    for (const [file, text] of Object.entries(CONFIGURATIONS)) writeFileSync(path.join(folder, file), text);
    try {
      const runs = Array.from({ length: PAIRS + 1 }, () => [bare, guarded, bare].map((args) => costOf(args, folder)));
      // the first of each finds cold caches
      const warm = runs.slice(1) as [Cost, Cost, Cost][];
      console.log(`${name}, a test ${what}: ${compare(warm, 'wall')}; ${compare(warm, 'cpu')}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
