/** How programs end under `outlive run`, by whom, and what is said of it. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { gaps } from '../reports/verdict.ts';
import { CLI, NODE, readReport, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

/** Says who it is when it is there, and its last when it is asked to end. */
const SERVICE = `
const serving = setInterval(() => {}, 1000);
process.once('SIGTERM', () => setTimeout(() => { console.log('served to the end'); clearInterval(serving); }, 100));
console.log('up ' + process.pid);
`;

/** A project that has outlive installed. */
function project(scripts: Record<string, string>) {
  const folder = temporaryFolder();
  const bin = path.join(folder.path, 'node_modules/.bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(CLI, path.join(bin, 'outlive'));
  writeFileSync(path.join(folder.path, 'service.js'), SERVICE);
  writeFileSync(path.join(folder.path, 'package.json'), JSON.stringify({ name: 'app', version: '1.0.0', scripts }));
  return folder;
}

function isThere(pid: number): boolean {
  try {
    // one whose end nobody has asked for yet is not
    return process.kill(pid, 0) && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('SIGTERM reaches the program, which ends in its own way, and is reported', () => {
  const RUN = 'outlive run --out out -- node service.js';

  test.each<[string, string[], number]>([
    ['outlive run', [NODE, CLI, 'run', '--out', 'out', '--', 'node', 'service.js'], 0],
    ['npx outlive run', ['npx', '--offline', ...RUN.split(' ')], 143],
    ['npm start', ['npm', 'start'], 143],
    ['a script of several commands', ['npm', 'run', 'several'], 143],
    ['outlive run of npm start', [NODE, CLI, 'run', '--out', 'out', '--', 'npm', 'run', 'service'], 143],
    ['outlive run of a shell', [NODE, CLI, 'run', '--out', 'out', '--', 'sh', '-c', 'node service.js; echo'], 143],
  ])('%s', async (_, [command = '', ...args], status) => {
    using folder = project({ start: RUN, several: `echo first && ${RUN}; echo last`, service: 'node service.js' });
    let pid = 0;
    const ended = await start(command, args, {
      cwd: folder.path,
      onStdout: (text, kill) => {
        const [, up] = /^up (\d+)$/m.exec(text) ?? [];
        if (pid !== 0 || up === undefined) return;
        pid = Number(up);
        kill('SIGTERM');
      },
    });
    expect(ended.code ?? 128 + 15, ended.stderr).toBe(status);
    expect(ended.stdout).toContain('served to the end');
    expect(isThere(pid)).toBe(false);
    const { processes } = readReport(path.join(folder.path, 'out'));
    expect(processes.find((process) => process.pid === pid)?.end).toBe('exit');
    expect(ended.stderr).toContain('report.html');
  });

  test('a second one, from somebody without patience, kills', async () => {
    using folder = project({});
    const deaf = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(process.pid)";
    const child = spawn(NODE, [CLI, 'run', '--out', 'out', '--', 'sh', '-c', `"${NODE}" -e "${deaf}"; echo`], {
      cwd: folder.path,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await until('the program', () => said !== '');
    child.kill('SIGTERM');
    await sleep(1500);
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
    expect(isThere(Number(said))).toBe(false);
  });
});

describe('what is said of it', () => {
  const run = async (program: string, ...flags: string[]) => {
    using folder = project({});
    const file = path.join(folder.path, 'program.js');
    writeFileSync(file, program);
    const out = path.join(folder.path, 'out');
    const limits = 'ulimit -c 0; exec "$@"';
    const { code } = await start('sh', [
      '-c',
      limits,
      'sh',
      NODE,
      CLI,
      'run',
      '--out',
      out,
      '--',
      NODE,
      ...flags,
      file,
    ]);
    const report = readReport(out);
    return { code, processes: report.processes, gaps: gaps(report).join('\n') };
  };
  const FILL = 'for (let i = 0; i < 40; i++) kept.push(new Array(1e4).fill(Math.random()));';

  test.each([
    ['at once', `const kept = []; for (;;) ${FILL}`],
    ['bit by bit', `const kept = []; setInterval(() => { ${FILL} }, 5);`],
  ])('a heap that is full %s', async (_, program) => {
    const { code, processes, gaps } = await run(program, '--max-old-space-size=32');
    expect(code).toBe(134);
    expect(processes).toMatchObject([{ end: 'crash', endedBy: 'heap limit', exitCode: 134 }]);
    expect(gaps).toMatch(/^Process \d+: the heap limit of \d+ MB was reached, and V8 aborted it \(SIGABRT\)\./m);
    expect(gaps).not.toContain('signal');
  });

  test('a program that aborts itself has no full heap', async () => {
    const { code, processes, gaps } = await run('process.abort()');
    expect(code).toBe(134);
    expect(processes).toMatchObject([{ end: 'crash', endedBy: null, exitCode: 134 }]);
    expect(gaps).not.toMatch(/heap|signal/);
  });

  test('the signal that killed it', async () => {
    const { code, processes, gaps } = await run("process.kill(process.pid, 'SIGKILL')");
    expect(code).toBe(137);
    expect(processes).toMatchObject([{ end: 'signal', endedBy: 'SIGKILL' }]);
    expect(gaps).toContain('was ended by SIGKILL: its last second may be missing.');
  });

  test('threads that are told to end, or end with their process, are not killed by a signal', async () => {
    const { processes, gaps } = await run(`
      const { Worker } = require('node:worker_threads');
      const start = () => new Worker("require('node:worker_threads').parentPort.postMessage(0); setInterval(() => {}, 1000)", { eval: true });
      start().once('message', function () {
        this.terminate().then(() => start().once('message', () => process.exit()));
      });
    `);
    expect(processes.map(({ end }) => end)).toEqual(['exit', 'exit', 'exit']);
    expect(gaps).not.toContain('signal');
  });
});
