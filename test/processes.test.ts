import { mkdirSync, readdirSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeReport } from '../probe/recording/build-report.ts';
import { HARMLESS } from './support/harmless.ts';
import {
  CLI,
  FOLLOWS_FLOWS,
  fixture,
  IS_CORE,
  NODE,
  NODE_MAJOR,
  probed,
  REGISTER,
  ROOT,
  readReport,
  start,
  watched,
} from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// One run, one report: every process and thread of it, and who started whom.

test('children of every kind are in the report, each with its parent', async () => {
  const { report } = await probed(path.join(HARMLESS, 'children.cjs'));
  const [parent, ...children] = report.processes;
  expect(parent).toMatchObject({ parent: 0, thread: 0 });
  expect(new Set(children.map((child) => child.parent))).toEqual(new Set([parent?.pid]));
  const ways = children.map(({ argv }) => argv.at(-1));
  expect(ways).toEqual(
    expect.arrayContaining(['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync', 'execFileSync', 'default']),
  );
});

test('worker threads are in the report, whatever environment and arguments they are given', async () => {
  const { report, stdout } = await probed(path.join(HARMLESS, 'workers.cjs'));
  const [main, ...threads] = report.processes;
  expect(threads.map(({ pid, parent }) => [pid, parent])).toEqual(threads.map(() => [main?.pid, main?.parent]));
  const started = [...stdout.matchAll(/"threadId":(\d+)/g)].map(([, id]) => Number(id));
  expect(threads.map(({ thread }) => thread).sort((a, b) => a - b)).toEqual(started);
});

test('a grandchild behind a shell, under outlive run, keeps the settings of the outermost', async () => {
  using folder = temporaryFolder();
  const script = path.join(folder.path, 'parent.cjs');
  const command = `"${NODE}" "${fixture('timers.cjs')}" clean`;
  writeFileSync(script, `require('node:child_process').execSync(${JSON.stringify(command)}, { env: {}, cwd: '/' })`);
  const out = path.join(folder.path, 'out');
  await start(NODE, [CLI, 'run', '--out', out, '--', 'node', script], { env: { OUTLIVE_GRACE_MS: '1234' } });
  const report = readReport(out);
  expect(report.processes.map(({ parent }) => parent)).toEqual([0, report.processes[0]?.pid]);
  expect(report.settings.graceMs).toBe(1234);
});

test('what this version of Node.js cannot give is listed', async () => {
  const { unsupported } = (await probed(fixture('timers.cjs'), ['clean'])).report.processes[0]!;
  const missing = [
    `flow-ended, superseded, hold-and-wait: Node ${NODE_MAJOR} (they need 24)`,
    `request scopes: Node ${NODE_MAJOR} (OUTLIVE_SCOPES=on turns them on at a cost)`,
  ];
  expect(unsupported).toEqual(FOLLOWS_FLOWS ? [] : missing);
});

const problemsOf = (out: string) => readReport(out).problems;

const MANY_CHILDREN = IS_CORE ? 20 : 200;

test('two hundred short children, each in a folder of its own, are all in one report', async () => {
  using folder = temporaryFolder();
  const program = path.join(folder.path, 'many.cjs');
  writeFileSync(program, MANY);
  const { report, stdout } = await probed(program, [String(MANY_CHILDREN)]);
  expect(stdout).toBe(`${MANY_CHILDREN} done\n`);
  const [parent, ...children] = report.processes;
  expect(children).toHaveLength(MANY_CHILDREN);
  expect(new Set(children.map(({ parent, end }) => `${parent} ${end}`))).toEqual(new Set([`${parent?.pid} exit`]));
  expect(report.problems).toEqual([]);
}, 240_000);

const MANY = `
const { spawn } = require('node:child_process');
const { mkdtempSync } = require('node:fs');
const path = require('node:path');
let left = Number(process.argv[2]);
let done = 0;
const next = () => {
  if (left-- <= 0) return;
  const cwd = mkdtempSync(path.join(__dirname, 'cwd-'));
  spawn(process.execPath, ['-e', 'setTimeout(() => {}, 1)'], { cwd, env: {} }).on('exit', (code) => {
    if (code === 0) done++;
    next();
  });
};
for (let i = 0; i < 4; i++) next();
process.on('exit', () => console.log(done + ' done'));
`;

test('a child that outlives its parent is in the report when it is made again', async () => {
  using folder = temporaryFolder();
  const [out, stop] = [path.join(folder.path, 'out'), path.join(folder.path, 'stop')];
  const child = `const waiting = setInterval(() => require('fs').existsSync(${JSON.stringify(stop)}) && clearInterval(waiting), 20)`;
  const parent = path.join(folder.path, 'parent.cjs');
  const options = "{ detached: true, stdio: 'ignore' }";
  writeFileSync(
    parent,
    `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], ${options}).unref()`,
  );
  const { report } = await probed(parent, [], { out });
  expect(report.problems).toEqual([]);
  writeFileSync(stop, '');
  const ends = () => writeReport(out).report.processes.map(({ parent: of, end }) => [of > 0, end]);
  await expect.poll(ends, { timeout: 20_000 }).toEqual([
    [false, 'exit'],
    [true, 'exit'],
  ]);
});

describe('behind wrappers', () => {
  test.each([
    ['npm start', 'npm', ['start']],
    ['npx', 'npx', ['app', 'app.cjs']],
    ['a shell', 'sh', ['-c', 'cd / && node "$OLDPWD/app.cjs"']],
  ])('%s', async (_, command, args) => {
    using folder = temporaryFolder();
    const bin = path.join(folder.path, 'node_modules/.bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(path.join(folder.path, 'app.cjs'), "console.log('works')");
    writeFileSync(path.join(bin, 'app'), '#!/bin/sh\nexec node "$@"\n', { mode: 0o755 });
    writeFileSync(path.join(folder.path, 'package.json'), '{"name":"app","scripts":{"start":"node app.cjs"}}');
    const out = path.join(folder.path, 'out');
    const { code, stdout } = await start(NODE, [CLI, 'run', '--out', out, '--', command, ...args], {
      cwd: folder.path,
    });
    expect([code, stdout]).toEqual([0, expect.stringContaining('works')]);
    const { processes, problems } = readReport(out);
    expect(processes.at(-1)?.argv.at(-1)).toMatch(/app\.cjs$/);
    expect(processes.filter(({ parent }) => parent === 0)).toHaveLength(1);
    expect(problems).toEqual([]);
  });
});

test('runs that race for .outlive/latest: each has its folder, and latest is one of them', async () => {
  using folder = temporaryFolder();
  const run = () => start(NODE, ['--require', REGISTER, '-e', ''], { cwd: folder.path });
  const ended = await Promise.all([run(), run(), run(), run()]);
  expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(ended.map(() => [0, '']));
  const home = path.join(folder.path, '.outlive');
  const runs = readdirSync(home).filter((name) => name !== 'latest');
  expect(runs).toHaveLength(4);
  expect(runs).toContain(readlinkSync(path.join(home, 'latest')));
  for (const name of runs) expect(readReport(path.join(home, name)).verdict).toBe('clean');
});

test.runIf(process.platform === 'linux')('a working directory that nobody can write', async () => {
  using folder = temporaryFolder();
  const program = ['-p', 'process.cwd()'];
  const alone = await start(NODE, program, { cwd: '/proc' });
  expect(await start(NODE, ['--require', REGISTER, ...program], { cwd: '/proc' })).toEqual(alone);
  const env = { OUTLIVE_OUT: folder.path };
  expect(await start(NODE, ['--require', REGISTER, ...program], { cwd: '/proc', env })).toEqual(alone);
  expect(problemsOf(folder.path)).toEqual([]);
});

test('a program that may read nothing but its own folder is recorded, with its libraries', async () => {
  using folder = temporaryFolder();
  const program = path.join(folder.path, 'confined.cjs');
  const modules = path.join(ROOT, 'node_modules');
  const create = 'createPool({ create: async () => ({}), destroy: async () => {} })';
  writeFileSync(program, `require('${modules}/generic-pool').${create}.acquire();`);
  const flag = NODE_MAJOR < 22 ? '--experimental-permission' : '--permission';
  // each once: Node.js 20 breaks off at one that comes again
  const readable = new Set([folder.path, path.join(ROOT, 'dist'), modules, realpathSync(modules)]);
  const rights = [...readable].map((each) => `--allow-fs-read=${each}/`);
  const { report } = await probed(flag, [...rights, `--allow-fs-write=${folder.path}/`, program], {
    out: path.join(folder.path, 'out'),
  });
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 1, released: 0 });
  expect(report.processes[0]?.faults).toBe(0);
});

test('processes that could not be watched are listed', async () => {
  using folder = temporaryFolder();
  const program = path.join(folder.path, 'unwatched.cjs');
  writeFileSync(
    program,
    `
const { spawn, spawnSync } = require('node:child_process');
const { Worker } = require('node:worker_threads');
const permission = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
for (let i = 0; i < 2; i++) spawnSync(process.execPath, [permission, '-e', '']);
spawnSync(process.execPath, ['--version']);
spawn(process.execPath, ['-e', '', '--password', 'hunter2']).kill('SIGKILL');
new Worker('', { eval: true }).terminate();
`,
  );
  const { report } = await probed(program);
  const why = 'It left no recording: nothing of it was seen.';
  expect(report.unseen).toEqual([
    { what: expect.stringMatching(/^Process \d+ \(node --.*permission -e \) and 1 more like it$/), why },
    { what: expect.stringMatching(/^Process \d+ \(node -e .*--password \*\*\*\)$/), why },
    // the thread was ended before its program ran: there was nothing to see
  ]);
  expect(report.verdict).toBe('inconclusive');
  expect(report.problems).toEqual([]);
});
