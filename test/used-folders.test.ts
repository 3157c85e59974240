/** Folders of runs: used again, given up, raced for; and which of them a report reads. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { newRunFolder, removeIfEmpty } from '../probe/recording/folder.ts';
import { CLI, fixture, NODE, REGISTER, readReport, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const LEAKS = [fixture('generic-pool.mjs'), 'leak'];
const CLEAN = [fixture('generic-pool.mjs'), 'clean'];
const run = (out: string, ...args: string[]) => start(NODE, [CLI, 'run', '--out', out, '--', NODE, ...args]);

describe('a folder that is used again', () => {
  test('run begins anew in it: the second report knows nothing of the first', async () => {
    using folder = temporaryFolder();
    expect((await run(folder.path, ...LEAKS)).code).toBe(1);
    writeFileSync(path.join(folder.path, 'notes.txt'), 'mine');
    const { code, stderr } = await run(folder.path, ...CLEAN);
    expect(code, stderr).toBe(0);
    expect(readReport(folder.path).processes).toHaveLength(1);
    expect(readdirSync(folder.path)).toContain('notes.txt');
  });

  test('a process that only has the preload reports itself and what it started', async () => {
    using folder = temporaryFolder();
    const preloaded = (args: string[]) =>
      start(NODE, ['--require', REGISTER, ...args], { env: { OUTLIVE_OUT: folder.path } });
    await preloaded(LEAKS);
    expect(readReport(folder.path).verdict).toBe('leak');
    await preloaded(['-e', 'require("node:child_process").spawnSync(process.execPath, ["-e", "0"])']);
    const { verdict, processes } = readReport(folder.path);
    expect([verdict, processes.length]).toEqual(['clean', 2]);
  });

  test('one that is still recorded to is left alone, in one sentence', async () => {
    using folder = temporaryFolder();
    const service = spawn(NODE, ['--require', REGISTER, '-e', 'setInterval(() => {}, 1000)'], {
      env: { ...process.env, OUTLIVE_OUT: folder.path },
      stdio: 'ignore',
    });
    try {
      await until('its recording', () => readdirSync(folder.path).length > 0);
      const { code, stderr } = await run(folder.path, '-e', '0');
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: `outlive: ${folder.path} is in use: process ${service.pid} still records there. End it, or name another folder by --out DIR.\n`,
      });
    } finally {
      service.kill('SIGKILL');
    }
  });

  test('a run inside of it is part of it', async () => {
    using folder = temporaryFolder();
    const inner = `"${NODE}" "${CLI}" run --out "${folder.path}" -- "${NODE}" -e 0`;
    const { code, stderr } = await start(NODE, [CLI, 'run', '--out', folder.path, '--', 'sh', '-c', inner]);
    expect(code, stderr).toBe(0);
    expect(readReport(folder.path).processes.length).toBeGreaterThan(1);
  });
});

describe('.outlive/latest', () => {
  const latestIn = (home: string) => readlinkSync(path.join(home, '.outlive/latest'));

  test('after a run that could not start it points to the one before', async () => {
    using folder = temporaryFolder();
    const outlive = (...args: string[]) => start(NODE, [CLI, 'run', '--', ...args], { cwd: folder.path });
    expect((await outlive('no-such-program')).code).toBe(2);
    expect(readdirSync(path.join(folder.path, '.outlive'))).toEqual([]);
    await outlive(NODE, '-e', '0');
    const first = latestIn(folder.path);
    expect((await outlive('no-such-program')).code).toBe(2);
    expect((await outlive('true')).code).toBe(2);
    expect(latestIn(folder.path)).toBe(first);
    expect((await start(NODE, [CLI, 'report', '.outlive/latest'], { cwd: folder.path })).code).toBe(0);
  });

  test('whoever is first to give up of runs that race, it leads to one that is there, or nowhere', () => {
    using folder = temporaryFolder();
    const before = process.cwd();
    process.chdir(folder.path);
    try {
      const runs = [newRunFolder(), newRunFolder(), newRunFolder(), newRunFolder()];
      expect(new Set(runs).size).toBe(4);
      for (const gone of [runs[3]!, runs[0]!, runs[2]!]) {
        removeIfEmpty(gone);
        expect(existsSync('.outlive/latest')).toBe(true);
      }
      removeIfEmpty(runs[1]!);
      expect(readdirSync('.outlive')).toEqual([]);
    } finally {
      process.chdir(before);
    }
  });
});

describe('report reads what lies in a folder and below it', () => {
  interface Worker {
    /** Seconds. */
    from: number;
    to: number;
    argv?: string[];
    pid?: number;
  }
  /** A recording that ran from one second to another, in a folder of its own. */
  function record(folder: string, { from, to, argv = ['node', 'app.js'], pid = 1_000_000_000 }: Worker): void {
    mkdirSync(folder, { recursive: true });
    const startedMs = 1_700_000_000_000 + from * 1000;
    const lines = [
      {
        ...{ t: 'process', schema: 'outlive.recording/1', pid, parent: 0, thread: 0, host: 'elsewhere' },
        ...{ node: 'v24.0.0', argv, cwd: '/srv', startedMs, settings: {} },
      },
      { t: 'end', at: (to - from) * 1000, end: 'exit', code: 0 },
    ];
    const file = path.join(folder, `${pid}-0-${startedMs}.jsonl`);
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  const report = async (folder: string) => {
    const { code, stderr } = await start(NODE, [CLI, 'report', folder]);
    expect(code, stderr).toBe(0);
    const { processes, problems } = readReport(folder);
    return { pids: processes.map(({ pid }) => pid), problems };
  };

  test('workers of one start, each in a folder of its own, are one run', async () => {
    using folder = temporaryFolder();
    for (let pid = 1; pid <= 4; pid++) record(path.join(folder.path, `w${pid}`), { from: pid, to: 60 + pid, pid });
    expect(await report(folder.path)).toEqual({
      pids: [1, 2, 3, 4],
      problems: [`The newest runs of each program in ${folder.path} are read as one: w1, w2, w3, w4.`],
    });
  });

  test('of several runs of a program the newest, and it says so; a link is none', async () => {
    using folder = temporaryFolder();
    record(path.join(folder.path, 'monday'), { from: 0, to: 10, pid: 1 });
    record(path.join(folder.path, 'tuesday'), { from: 20, to: 30, pid: 2 });
    symlinkSync('tuesday', path.join(folder.path, 'latest'));
    expect(await report(folder.path)).toEqual({
      pids: [2],
      problems: [`Of the runs in ${folder.path} this is the newest, tuesday; 1 earlier run there is left out.`],
    });
    expect(await report(path.join(folder.path, 'latest'))).toEqual({ pids: [2], problems: [] });
  });

  test('of both variants of a scenario, both', async () => {
    using folder = temporaryFolder();
    record(path.join(folder.path, 'demo/leaking'), { from: 0, to: 10, pid: 1, argv: ['node', 'demo.js', 'leaking'] });
    record(path.join(folder.path, 'demo/fixed'), { from: 20, to: 30, pid: 2, argv: ['node', 'demo.js', 'fixed'] });
    const { pids, problems } = await report(folder.path);
    expect(pids).toEqual([1, 2]);
    expect(problems).toEqual([expect.stringContaining('are read as one: demo/leaking, demo/fixed.')]);
  });

  test('of a folder that holds a run itself, also what ran meanwhile below it', async () => {
    using folder = temporaryFolder();
    record(folder.path, { from: 20, to: 30, pid: 1 });
    record(path.join(folder.path, 'helper'), { from: 25, to: 26, pid: 2, argv: ['node', 'helper.js'] });
    record(path.join(folder.path, 'before'), { from: 0, to: 10, pid: 3 });
    const { pids, problems } = await report(folder.path);
    expect(pids).toEqual([1, 2]);
    expect(problems).toEqual([expect.stringContaining('are read as one: ., helper; 1 earlier run there is left out.')]);
  });

  test('a run that is reported by the command that made it is that folder alone', async () => {
    using folder = temporaryFolder();
    record(path.join(folder.path, 'before'), { from: 0, to: 10, pid: 3, argv: ['node', LEAKS[0]!] });
    await run(folder.path, ...LEAKS);
    const { processes, problems } = readReport(folder.path);
    expect([processes.length, problems]).toEqual([1, []]);
  });

  test('where nothing was recorded, it says so', async () => {
    using folder = temporaryFolder();
    mkdirSync(path.join(folder.path, 'empty'));
    const { code, stderr } = await start(NODE, [CLI, 'report', folder.path]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `outlive: ${folder.path} holds no recording (*.jsonl); nothing was probed there.\n`,
    });
  });
});
