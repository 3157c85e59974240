/** Whose the files are that outlive writes, and which files it reads. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildReport } from '../probe/recording/build-report.ts';
import type { Entry } from '../probe/recording/format.ts';
import { appendOwn, writeOwn } from '../probe/recording/own.ts';
import { readRun } from '../probe/recording/reader.ts';
import { CLI, NODE, REGISTER, readReport, start } from './support/probed.ts';
import { makeFinding } from './support/reports.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** `-rw-------` as 600, of all files and folders below. */
function modesBelow(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(names.map((name) => [name, (statSync(path.join(folder, name)).mode & 0o777).toString(8)]));
}

describe('what is written is its owner’s alone', () => {
  const PROGRAM = ['-e', 'require("node:child_process").spawnSync(process.execPath, ["-e", "0"])'];

  test.each([
    ['run', [CLI, 'run', '--', NODE, ...PROGRAM], ['report.html', 'report.json']],
    ['the preload alone', ['--require', REGISTER, ...PROGRAM], ['report.json']],
    ['a soak', [CLI, 'soak', '--command', `"${NODE}" -e 0`, '--times', '1'], ['load.jsonl', 'command.log']],
  ])('by %s', async (_, args, expected) => {
    using folder = temporaryFolder();
    await start('sh', ['-c', 'umask 000; exec "$@"', 'sh', NODE, ...args], { cwd: folder.path });
    const modes = modesBelow(path.join(folder.path, '.outlive'));
    expect(Object.keys(modes).map((name) => path.basename(name))).toEqual(expect.arrayContaining(expected));
    for (const [name, mode] of Object.entries(modes))
      expect([name, mode]).toEqual([name, /\./.test(name) ? '600' : '700']);
    expect((statSync(path.join(folder.path, '.outlive')).mode & 0o777).toString(8)).toBe('700');
  });

  test('-o, too, and nothing is left beside it when the disk refuses', async () => {
    using folder = temporaryFolder();
    const file = path.join(folder.path, 'report.html');
    writeOwn(file, 'text');
    expect(modesBelow(folder.path)).toEqual({ 'report.html': '600' });
    mkdirSync(path.join(folder.path, 'taken'));
    expect(() => writeOwn(path.join(folder.path, 'taken'), 'text')).toThrow('EISDIR');
    expect(readdirSync(folder.path)).toEqual(['report.html', 'taken']);
  });
});

describe('nothing is written through what somebody planted', () => {
  test('links in place of reports are replaced', async () => {
    using folder = temporaryFolder();
    const [out, victim] = [path.join(folder.path, 'out'), path.join(folder.path, 'victim')];
    mkdirSync(out);
    writeFileSync(victim, 'precious');
    for (const name of ['report.html', 'report.json']) symlinkSync(victim, path.join(out, name));
    expect((await start(NODE, [CLI, 'run', '--out', out, '--', NODE, '-e', '0'])).code).toBe(0);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(readReport(out).verdict).toBe('clean');
  });

  test.each<[string, (file: string, victim: string) => void]>([
    ['a link', (file, victim) => symlinkSync(victim, file)],
    ['a second name of another file', (file, victim) => linkSync(victim, file)],
    ['a FIFO', (file) => execFileSync('mkfifo', [file])],
  ])('a recording is not appended to %s', (_, plant) => {
    using folder = temporaryFolder();
    const [file, victim] = [path.join(folder.path, '1-0-1.jsonl'), path.join(folder.path, 'victim')];
    writeFileSync(victim, 'precious');
    plant(file, victim);
    expect(() => appendOwn(file)).toThrow();
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    closeSync(appendOwn(path.join(folder.path, '2-0-2.jsonl')));
  });

  test.runIf(process.getuid?.() === 0)('nor into a folder that another user made (root only)', async () => {
    using folder = temporaryFolder();
    const home = path.join(folder.path, '.outlive');
    mkdirSync(home);
    chmodSync(home, 0o777);
    chownSync(home, 65_534, 65_534);
    const refused = await start(NODE, [CLI, 'run', '--', NODE, '-e', '0'], { cwd: folder.path });
    const sentence = `outlive: ${home} belongs to another user; --out DIR names another folder.\n`;
    expect(refused).toMatchObject({ code: 2, stderr: sentence, stdout: '' });
    const service = await start(NODE, ['--require', REGISTER, '-p', '1'], { cwd: folder.path });
    expect(service).toMatchObject({ code: 0, stdout: '1\n', stderr: '' });
    const given = await start(NODE, ['--require', REGISTER, '-p', '1'], { env: { OUTLIVE_OUT: home } });
    expect(given).toMatchObject({ code: 0, stdout: '1\n', stderr: '' });
    expect(readdirSync(home)).toEqual([]);
  });
});

describe('a recording may come from anywhere: of what it names only the sources of its project are shown', () => {
  /** The excerpt in a report of a recording that says it ran in `cwd`, and found something in the file's first line. */
  function excerptOf(file: string, cwd: string): string[] | null {
    using folder = temporaryFolder();
    const stack = [{ file, line: 1, column: 1, function: 'f', user: true }];
    const { site: _, stack: __, excerpt: ___, ...finding } = makeFinding();
    const lines = [
      {
        ...{ t: 'process', schema: 'outlive.recording/1', pid: 1_000_000_000, parent: 0, thread: 0, host: 'elsewhere' },
        ...{ node: 'v24.0.0', argv: ['node'], cwd, startedMs: 1_700_000_000_000, settings: {} },
      },
      { t: 'site', id: 0, stack },
      { t: 'finding', at: 5, key: 'a', finding: { ...finding, holders: [], site: 0, frame: 0 } },
    ] as unknown as Entry[];
    writeFileSync(path.join(folder.path, 'x.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { findings, problems } = buildReport(readRun(folder.path).recordings);
    expect(problems).toEqual([]);
    expect(findings).toHaveLength(1);
    return findings[0]?.excerpt?.lines ?? null;
  }

  const disk = temporaryFolder();
  afterAll(() => disk[Symbol.dispose]());
  const at = (...names: string[]) => path.join(disk.path, ...names);
  const put = (text: string, ...names: string[]) => {
    mkdirSync(path.dirname(at(...names)), { recursive: true });
    writeFileSync(at(...names), text);
  };
  put('{"workspaces":["packages/*"]}', 'repo/package.json');
  put('{"name":"shop"}', 'repo/packages/shop/package.json');
  put('own();', 'repo/packages/shop/src/own.ts');
  put('sibling();', 'repo/packages/kit/index.js');
  put('library();', 'repo/node_modules/library/index.cjs');
  put('#!/usr/bin/env node', 'repo/packages/shop/bin/www');
  put('root:secret', 'repo/packages/shop/shadow');
  put('TOKEN=secret', 'repo/packages/shop/.env');
  put('other();', 'other/index.js');
  symlinkSync(at('other/index.js'), at('repo/packages/shop/link.js'));
  execFileSync('mkfifo', [at('repo/packages/shop/fifo.js')]);
  symlinkSync('/dev/zero', at('repo/packages/shop/device.js'));

  test.each([
    ['its own, wherever in it it was started', 'src/own.ts', ['own();']],
    ['its neighbour’s in the workspace', '../kit/index.js', ['sibling();']],
    ['a library’s', '../../node_modules/library/index.cjs', ['library();']],
    ['a script without an ending', 'bin/www', ['#!/usr/bin/env node']],
    ['not what is no source code', 'shadow', null],
    ['not a file of settings', '.env', null],
    ['not another project', '../../../other/index.js', null],
    ['not through a link that leads out', 'link.js', null],
    ['not a FIFO, for which nobody waits', 'fifo.js', null],
    ['not a device', 'device.js', null],
  ])('%s', (_, file, lines) => {
    expect(excerptOf(at('repo/packages/shop', file), at('repo/packages/shop/src'))).toEqual(lines);
  });

  test.each(['/', '/etc'])('a recording of %s opens no file of the system', (cwd) => {
    expect(excerptOf('/etc/passwd', cwd)).toBeNull();
    expect(excerptOf(at('other/index.js'), cwd)).toBeNull();
  });

  test('what only looks like a recording is told, and not waited for', () => {
    using folder = temporaryFolder();
    execFileSync('mkfifo', [path.join(folder.path, '1-0-1.jsonl')]);
    symlinkSync('/dev/zero', path.join(folder.path, '2-0-2.jsonl'));
    expect(readRun(folder.path).problems).toEqual([
      '1-0-1.jsonl cannot be read (it is no file).',
      '2-0-2.jsonl cannot be read (it is no file).',
    ]);
  });
});
