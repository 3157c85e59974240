/**
 * What a guard costs a suite of a thousand quick tests: wall time with it by wall time without, of runs in pairs, and
 * the same of runs that both have none, which tells what the machine itself makes of it. `npm run bench:guards`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAIRS = 11;
const TESTS = 1000;

/** Of a service's quick tests: each borrows from a pool, and gives back. */
const suite = (runner: string): string => `import { test } from '${runner}';
import { createPool } from 'generic-pool';
const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 5 });
for (let n = 0; n < ${TESTS}; n++) {
  test('test ' + n, async () => {
    const lease = await pool.acquire();
    await pool.release(lease);
  });
}
`;

const bin = (file: string): string => path.join(ROOT, 'node_modules', file);
const RUNNERS: Record<string, { module: string; bare: string[]; guarded: string[] }> = {
  'node:test': {
    module: 'node:test',
    bare: ['--test', 'suite.test.mjs'],
    guarded: ['--require', 'outlive/node-test', '--test', 'suite.test.mjs'],
  },
  Vitest: {
    module: 'vitest',
    bare: [bin('vitest/vitest.mjs'), 'run'],
    guarded: [bin('vitest/vitest.mjs'), 'run', '--config', 'guarded.config.mjs'],
  },
};

function seconds(args: readonly string[], cwd: string): number {
  const began = performance.now();
  const { status, stdout } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(stdout);
  return (performance.now() - began) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

for (const [name, { module, bare, guarded }] of Object.entries(RUNNERS)) {
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-bench-'));
  mkdirSync(path.join(folder, 'node_modules'));
  for (const each of ['generic-pool', 'vitest']) symlinkSync(bin(each), path.join(folder, 'node_modules', each));
  symlinkSync(ROOT, path.join(folder, 'node_modules/outlive'));
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(path.join(folder, 'suite.test.mjs'), suite(module));
  writeFileSync(path.join(folder, 'guarded.config.mjs'), "export default { test: { runner: 'outlive/vitest' } };");
  const [ratios, control, without]: number[][] = [[], [], []];
  try {
    for (let pair = 0; pair <= PAIRS; pair++) {
      const [first, second, third] = [bare, guarded, bare].map((args) => seconds(args, folder)) as [
        number,
        number,
        number,
      ];
      // the first of each finds cold caches
      if (pair === 0) continue;
      ratios?.push((2 * second) / (first + third));
      control?.push(third / first);
      without?.push(first);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const [cost, own, base] = [ratios, control, without].map((values) => median(values ?? []).toFixed(3));
  console.log(`${name}: ${cost} × of ${base} s; control ${own} ×`);
}
