/** `outlive candidates --confirm`: each candidate is confirmed by an execution, or dropped, or was not reached. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { tracedIn } from '../candidates/find.ts';
import { loadParser } from '../candidates/parse.ts';
import type { LastTurn } from '../probe/control/inject/at-end.ts';
import type { CommandRun } from '../soak/fail-path/command.ts';
import type { Point } from '../soak/fail-path/points.ts';
import { type Suspicion, Trial } from '../soak/fail-path/trial.ts';
import { CLI, lineOf, NODE, ROOT, start } from './support/probed.ts';
import { project } from './support/project.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const SOURCES = path.join(ROOT, 'test/fixtures/confirm');

/** A project with the sources of fixtures/confirm in `src`. */
function shop() {
  const folder = project({ 'package.json': '{ "type": "module" }' }, ['generic-pool']);
  cpSync(SOURCES, folder.file('src'), { recursive: true });
  return folder;
}

const outlive = (cwd: string, ...args: string[]) => start(NODE, [CLI, 'candidates', ...args], { cwd });
const numberOf = (name: string, text: string) => Number(lineOf(path.join(SOURCES, name), text).split(':').at(-1));
const orders = (text: string) => numberOf('orders.js', text);

test('one is confirmed, by the request that was made to fail; one is dropped; the others were not reached', async () => {
  using folder = shop();
  // the copy of a project must not be copied into itself
  const env = { TMPDIR: folder.file('tmp') };
  mkdirSync(env.TMPDIR);
  const args = ['candidates', 'src', '--confirm', '--out', 'fixes', '--', 'node', 'src/work.js'];
  const { code, stdout, stderr } = await start(NODE, [CLI, ...args], { cwd: folder.path, env });
  expect(code, stderr).toBe(1);
  const [lost, back, never, parsed] = ['// lost', '// given back', '// no test', '// no operation'].map(orders);
  const [fails, asked, thrown] = [orders('// fails'), numberOf('ask.js', '// asked'), orders('// may throw')];
  const [shown = ''] = /^ {13}--- [\s\S]*?^(?=\w)/m.exec(stdout) ?? [];
  const told = stdout.replace(shown, '').split('\n');
  expect(told.map((line) => line.replace(/ {2}a resource.*/, ''))).toEqual([
    `confirmed    src/orders.js:${lost}`,
    `             Stays open if and only if the request at orders.js:${fails} fails: 3 of 3 times with that fault, never in 2 without.`,
    '             The test that goes with it was red, and is green with this change.',
    `dropped      src/orders.js:${back}`,
    `             All came back when the request at ask.js:${asked} and the connect at ask.js:${asked} failed.`,
    `not reached  src/orders.js:${never}`,
    '             The command acquired nothing at this line, or what it acquires is not watched.',
    `not reached  src/orders.js:${parsed}`,
    `             Nothing was made to fail on line ${thrown}.`,
    '4 candidates: 1 confirmed, 1 dropped, 2 not reached.',
    '',
  ]);

  const fix = `fixes/src-orders-js-${lost}`;
  const patch = readFileSync(folder.file(`${fix}.patch`), 'utf8');
  expect(shown.replaceAll(/^ {13}/gm, '')).toBe(patch);
  expect(patch.split('\n').filter((line) => /^[+-] /.test(line))).toEqual([
    ...['-  const answer = await fetch(url); // fails', '-  pool.release(seat);', '-  return answer.status;'],
    ...['+  try {', '+    const answer = await fetch(url); // fails', '+    return answer.status;', '+  } finally {'],
    ...['+    pool.release(seat);', '+  }'],
  ]);
  execFileSync('git', ['apply', `${fix}.patch`], { cwd: folder.path });
  symlinkSync(ROOT, folder.file('node_modules/outlive'));
  const { code: green, stdout: of } = await start(NODE, ['--test', `${fix}.test.mjs`], { cwd: folder.path });
  expect(green, of).toBe(0);
});

test.each([
  [
    'no code around it that is plain',
    'if (seat.id > 1) pool.release(seat);',
    'its code is not plain enough for one that is sure',
  ],
  [
    'a change that is not enough',
    'console.error(seat.id);',
    'with the change that seemed right, something still stays open',
  ],
  [
    'a test that is red for another reason',
    "console.error(seat.id);\n}\nif (process.cwd().includes('outlive-fail-path-')) process.exit(1);\nelse {",
    'the test that goes with it does not show it in a copy of this project',
  ],
])('a patch that is not proven is not offered: %s', async (_what, last, why) => {
  const program = `import { createPool } from 'generic-pool';
const pool = createPool({ create: async () => ({ id: 1 }), destroy: async () => {} });
async function take() {
  const seat = await pool.acquire();
  ${last}
}
// its own release does nothing here
pool.release = async () => {};
await take();
`;
  using folder = project({ 'take.mjs': program }, ['generic-pool']);
  const args = ['take.mjs', '--confirm', '--json', '--', 'node', 'take.mjs'];
  const { stdout, stderr } = await outlive(folder.path, ...args);
  expect(JSON.parse(stdout), stderr).toMatchObject([
    { line: 4, verdict: 'confirmed', fix: { diff: null, sentence: `No patch: ${why}.` } },
  ]);
});

test.each([
  ['SIGINT', [130, null], /^outlive: It was interrupted .*\n$/m],
  ['SIGKILL', [null, 'SIGKILL'], /^/],
] as const)('nothing is left of the copy when it is ended by %s', async (signal, end, told) => {
  const program = `import { createPool } from 'generic-pool';
const pool = createPool({ create: async () => ({}), destroy: async () => {} });
async function take() {
  const seat = await pool.acquire();
  console.log(seat);
}
if (process.cwd().includes('mend-')) setTimeout(() => {}, 5000);
else await take();
`;
  using folder = project({ 'take.mjs': program }, ['generic-pool']);
  using temporary = temporaryFolder();
  const env = { ...process.env, TMPDIR: temporary.path };
  const args = ['candidates', 'take.mjs', '--confirm', '--', 'node', 'take.mjs'];
  const child = spawn(NODE, [CLI, ...args], {
    cwd: folder.path,
    env,
    stdio: ['ignore', 'ignore', signal === 'SIGINT' ? 'pipe' : 'ignore'],
  });
  const stderr = child.stderr === null ? '' : text(child.stderr);
  const ended = once(child, 'exit');
  const recordings = () => globSync('*/mend-*/tmp/outlive-fail-path-*/run-*/*', { cwd: temporary.path });
  await expect.poll(recordings, { timeout: 30_000 }).not.toEqual([]);
  child.kill(signal);
  expect(await ended).toEqual(end);
  expect(await stderr).toMatch(told);
  await expect.poll(() => readdirSync(temporary.path), { timeout: 30_000 }).toEqual([]);
});

test('a file that is not what it seems to be in the copy is not changed', async () => {
  const program = 'export async function take(pool) {\n  const seat = await pool.acquire();\n  console.log(seat);\n}\n';
  using shared = project({ 'take.mjs': program });
  using folder = project({ 'package.json': '{}' });
  symlinkSync(shared.path, folder.file('src'));
  const loss = {
    nature: 'lease',
    library: 'generic-pool',
    site: { file: folder.file('src/take.mjs'), line: 2, column: 28 },
  };
  const red = `console.log('a resource stays open'); process.exitCode = 1;`;
  const code = `import { mend } from ${JSON.stringify(path.join(ROOT, 'dist/soak/fail-path/mend.js'))};
const { signal } = new AbortController();
console.log((await mend(${JSON.stringify(loss)}, { test: ${JSON.stringify(red)}, limitMs: 30_000, signal })).sentence);`;
  const { stdout, stderr } = await start(NODE, ['--input-type=module', '--eval', code], { cwd: folder.path });
  expect(stdout, stderr).toBe('No patch: its file is not of this project.\n');
  expect(readFileSync(shared.file('take.mjs'), 'utf8')).toBe(program);
});

test('a program that dies of the failure had no time to give anything back: that confirms nothing', async () => {
  using folder = shop();
  const args = ['src', '--confirm', '--json', '--', 'node', 'src/work.js', 'script'];
  const { code, stdout, stderr } = await outlive(folder.path, ...args);
  expect(code, stderr).toBe(0);
  const [lost] = JSON.parse(stdout).filter(({ line }: { line: number }) => line === orders('// lost'));
  expect(lost).toMatchObject({
    file: 'src/orders.js',
    what: 'a resource of a pool',
    verdict: 'not reached',
    fault: null,
  });
  expect(lost.sentence).toContain(
    `When the request at orders.js:${orders('// fails')} fails, the program ends at once, which shows nothing.`,
  );
});

test.each([
  ['in the text', ''],
  ['kept by a worker, as Vitest does', '1'],
])("what a loader compiled in memory is told by the source's lines: the map is %s", async (_where, KEPT) => {
  using folder = shop();
  const command = ['node', '--import', './src/compiled.mjs', 'src/work.js'];
  const args = [CLI, 'candidates', 'src', '--confirm', '--json', '--', ...command];
  const { code, stdout, stderr } = await start(NODE, args, { cwd: folder.path, env: { KEPT } });
  expect(code, stderr).toBe(1);
  const confirmed = JSON.parse(stdout).filter(({ verdict }: { verdict: string }) => verdict === 'confirmed');
  const fault = { kind: 'request', file: 'src/orders.js', line: orders('// fails'), ordinal: 1 };
  expect(confirmed).toMatchObject([{ line: orders('// lost'), fault }]);
});

test('of a command that does not end, what it holds is asked while it runs', async () => {
  const program = `import { createPool } from 'generic-pool';
const pool = createPool({ create: async () => ({}), destroy: async () => {} });
async function take() {
  const seat = await pool.acquire();
  console.log(seat);
}
await take();
setInterval(() => {}, 1000);
`;
  using folder = project({ 'hangs.mjs': program }, ['generic-pool']);
  const args = ['hangs.mjs', '--confirm', '--json', '--limit', '2s', '--', 'node', 'hangs.mjs'];
  const { code, stdout, stderr } = await outlive(folder.path, ...args);
  expect(code, stderr).toBe(1);
  const sentence = 'Stays open with nothing made to fail, in each run.';
  expect(JSON.parse(stdout)).toMatchObject([{ line: 4, verdict: 'confirmed', sentence, fault: null }]);
});

test('a command that fails by itself is told: less was reached', async () => {
  using folder = shop();
  const { code, stdout, stderr } = await outlive(folder.path, 'src', '--confirm', '--', 'node', 'src/nowhere.js');
  expect(stderr).toMatch(
    /^outlive: With nothing made to fail, node ended with exit code 1\. It said: Error: Cannot find/,
  );
  expect([code, stdout.split('\n').at(-2)]).toEqual([0, '4 candidates: 0 confirmed, 0 dropped, 4 not reached.']);
});

test('wrong use is told in a sentence', async () => {
  using folder = shop();
  const said = async (...args: string[]) => {
    const { code, stderr } = await outlive(folder.path, ...args);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await said('src', '--confirm')).toContain('--confirm needs a command after --');
  expect(await said('src', '--', 'node')).toContain('runs a command only with --confirm');
  expect(await said('src', '--confirm', '--strict', '--', 'node')).toContain('either --strict or --confirm');
  expect(await said('src', '--confirm', '--', 'true')).toContain('No Node.js process told what it left open');
});

const TEXT = `async function order(id) {
  const client = await pool.connect();
  await client.query(id);
  if (!id) return;
  client.release();
}`;
const parse = await loadParser();
const [found] = tracedIn(parse('orders.ts', TEXT), TEXT);

test('where to begin: from the call that acquires to the last release, and the lines that must throw', () => {
  expect(found?.trace).toEqual({
    taken: { from: { line: 2, column: 24 }, to: { line: 2, column: 38 } },
    between: { from: { line: 2, column: 38 }, to: { line: 5, column: 19 } },
    throwing: [null, 3],
  });
});

/** A candidate whose only path is that line 3 throws. */
const SUSPICION = {
  ...{ file: '/shop/orders.ts', taken: { from: { line: 2, column: 24 }, to: { line: 2, column: 38 } } },
  ...{ between: { from: { line: 2, column: 38 }, to: { line: 5, column: 19 } }, throwing: [3] },
};
const at = (line: number, column: number) => ({ file: '/shop/orders.ts', line, column });
const pointAt = (line: number, column: number): Point => ({
  ...{ fault: { kind: 'query', ...at(line, column), ordinal: 1 }, site: { ...at(line, column), function: '' } },
  ...{ callers: [], of: 1, atStart: true },
});
const QUERY = pointAt(3, 16);

/** A run of one process that acquires once on line 2. */
function run(open: number, more: Partial<LastTurn> = {}): CommandRun {
  const turn = {
    calls: [],
    hit: true,
    left: [],
    taken: [{ ...at(2, 29), nature: 'lease' as const, library: 'generic-pool', acquired: 1, open }],
  };
  return { turns: [{ ...turn, isCut: false, origins: {}, lost: [], ...more }], ended: null, tookMs: 1, lastWords: '' };
}

const trialOf = (without: CommandRun[], suspicion: Suspicion = SUSPICION) =>
  new Trial(suspicion, without, (place) => place);

test('only what is asked for between acquiring and releasing is made to fail', () => {
  const trial = trialOf([run(0)]);
  const asked = [pointAt(2, 29), QUERY, pointAt(5, 10), pointAt(6, 1)];
  expect(asked.map((point) => trial.wants(point))).toEqual([false, true, true, false]);
  // asked for by a function that is called there
  expect(trial.wants({ ...pointAt(40, 3), callers: [at(3, 9)] })).toBe(true);
});

const VERDICTS: [what: string, without: CommandRun[], withFault: CommandRun[], verdict: string, sentence: RegExp][] = [
  ['each time with the fault', [run(0), run(0)], [run(1), run(1), run(1)], 'confirmed', /3 of 3 times/],
  ['without any fault', [run(1), run(1)], [], 'confirmed', /nothing made to fail/],
  ['now and then', [run(0), run(0)], [run(1), run(0)], 'not reached', /but not each time/],
  ['never', [run(0), run(0)], [run(0)], 'dropped', /All came back/],
  ['no more than without, now and then', [run(0), run(1)], [run(1)], 'dropped', /All came back/],
  ['when the process is cut short', [run(0), run(0)], [run(1, { isCut: true })], 'not reached', /ends at once/],
  ['where the fault was not reached', [run(0), run(0)], [run(1, { hit: false })], 'not reached', /not reached again/],
  ['in a file of which another text ran', [run(0, { lost: ['/shop/orders.ts'] })], [], 'not reached', /not the text/],
];

test.each(VERDICTS)('it stays open %s', (_what, without, withFault, verdict, sentence) => {
  const trial = trialOf(without);
  for (const each of withFault) trial.note(QUERY, each);
  expect(trial.conclude()).toMatchObject({ verdict, sentence: expect.stringMatching(sentence) });
});

test('a path that no failure takes, such as an early return, is not dropped', () => {
  const trial = trialOf([run(0)], { ...SUSPICION, throwing: [3, null] });
  trial.note(QUERY, run(0));
  expect(trial.conclude()).toMatchObject({
    verdict: 'not reached',
    sentence: 'No failure takes the path that leaves without a release.',
  });
});
