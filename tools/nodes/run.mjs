// The probe's own tests, with the probed programs on every supported line of Node.js: `npm run test:matrix`, or some of
// them: `npm run test:matrix -- node20 node22`. The tests themselves stay on the toolchain's Node.js. `--core` runs the
// few that a change of Node.js would break first, on the lines that `npm test` is not run on: what CI has time for.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const home = fileURLToPath(new URL('.', import.meta.url));
const root = path.resolve(home, '../..');
const nodes = Object.keys(JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8')).dependencies);
const CORE = ['harmless', 'processes', 'pools/conformance', 'timers'];
const ALL = [
  ...CORE,
  ...[
    'faults',
    'scopes',
    'generic-pool',
    'pg',
    'knex',
    'mysql',
    'clients',
    'better-sqlite3',
    'node-sqlite',
    'oracledb',
    'oracledb-traps',
    'shapes',
    'suspicion',
    'pool-exhausted',
  ],
  ...['run', 'recording', 'why', 'telemetry', 'compiled', 'proof', 'heap', 'heapdump'],
];

function refuse(sentence) {
  console.error(sentence);
  process.exit(2);
}
if (process.platform !== 'linux' || process.arch !== 'x64') {
  refuse(`test:matrix brings Node.js for Linux on x64 only, and this is ${process.platform} on ${process.arch}.`);
}
const isCore = process.argv.includes('--core');
const named = process.argv.slice(2).filter((argument) => argument !== '--core');
const tests = (isCore ? CORE : ALL).map((name) => `test/${name}.test.ts`);
const chosen = named.length > 0 ? named : isCore ? ['node20first', 'node22', 'node26'] : nodes;
const unknown = chosen.find((name) => !nodes.includes(name));
if (unknown) refuse(`test:matrix has no ${unknown}; it has ${nodes.join(', ')}.`);

const binaryOf = (name) => path.join(home, 'node_modules', name, 'bin/node');
if (!nodes.every((name) => existsSync(binaryOf(name)))) {
  const { status } = spawnSync('npm', ['ci', '--prefix', home], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** Runs all tests on one Node.js; `passed/all` and what failed, by file. */
function run(name) {
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-matrix-'));
  try {
    const output = path.join(folder, 'tests.json');
    const env = { ...process.env, OUTLIVE_TEST_NODE: binaryOf(name), ...(isCore && { OUTLIVE_TEST_CORE: '1' }) };
    const tries = isCore ? ['--retry=1'] : [];
    const args = ['vitest', 'run', ...tests, ...tries, '--reporter=dot', '--reporter=json', `--outputFile=${output}`];
    spawnSync('npx', args, { cwd: root, env, stdio: 'inherit' });
    process.env.OUTLIVE_TEST_BUILT = '1';
    if (!existsSync(output)) return {};
    const { testResults } = JSON.parse(readFileSync(output, 'utf8'));
    return Object.fromEntries(testResults.map((file) => [path.relative(root, file.name), countsOf(file)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function countsOf({ assertionResults, status }) {
  const count = (wanted) => assertionResults.filter((test) => test.status === wanted).length;
  const [passed, failed] = [count('passed'), count('failed')];
  return { passed, failed, skipped: assertionResults.length - passed - failed, isGood: status === 'passed' };
}

const columns = chosen.map((name) => ({
  name,
  version: spawnSync(binaryOf(name), ['--version'], { encoding: 'utf8' }).stdout.trim(),
  files: run(name),
}));
const cell = (counts) =>
  counts
    ? `${counts.isGood ? '' : '✗ '}${counts.passed}${counts.failed ? ` failed ${counts.failed}` : ''}${counts.skipped ? ` skipped ${counts.skipped}` : ''}`
    : '✗ not run';
console.log(`\n${['tests passed'.padEnd(32), ...columns.map(({ version }) => version.padEnd(18))].join('')}`);
for (const test of tests) {
  console.log([test.padEnd(32), ...columns.map(({ files }) => cell(files[test]).padEnd(18))].join(''));
}
process.exitCode = columns.every(({ files }) => tests.every((test) => files[test]?.isGood)) ? 0 : 1;
