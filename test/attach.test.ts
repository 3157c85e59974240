/** A process that was never prepared is asked what it has lost, is healed, and goes on as if nobody had come. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { tooOld, versionIn } from '../attach/version.ts';
import type { Report } from '../probe/recording/report.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { CLI, fixture, lineOf, NODE, NODE_MAJOR, placeOf, REGISTER, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const program = fixture('attached.mjs');
const LEASES = 10;

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

interface Service {
  pid: number;
  stderr(): string;
  /** Asks it; without an answer it goes on waiting. */
  ask(route: string): Promise<unknown>;
}

async function serve(args: string[], flags: string[] = []): Promise<Service> {
  const env = { ...process.env, PG_URL: database.url };
  const child = spawn(NODE, [...flags, program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const port = await until('the service to listen', () => Number.parseInt(stdout, 10));
  const ask = async (route: string) => (await fetch(`http://127.0.0.1:${port}${route}`)).json();
  return { pid: child.pid as number, stderr: () => stderr, ask };
}

/** All that its pool has to give is lost, and some more is wanted; tells how many of those are served. */
async function exhaust({ ask }: Service): Promise<() => number> {
  for (let i = 0; i < LEASES; i++) await ask('/lose');
  let served = 0;
  for (let i = 0; i < 3; i++)
    ask('/take').then(
      () => served++,
      () => {},
    );
  await sleep(100);
  return () => served;
}

const attach = (pid: number, ...options: string[]) => start(NODE, [CLI, 'attach', String(pid), ...options]);
const reportIn = (stdout: string) => JSON.parse(stdout) as Report;

test('an exhausted service is asked and healed: how many are lost for good, the next leak’s line, and nothing stays', async () => {
  const service = await serve(['pg']);
  const before = await service.ask('/state');
  const served = await exhaust(service);
  using folder = temporaryFolder();
  const attached = attach(service.pid, '--heal', '--for', '3s', '--out', folder.path, '--json');
  await until('the service to answer again', () => served() === 3);
  for (let i = 0; i < 2; i++) await service.ask('/loseAgain');
  const { code, stdout, stderr } = await attached;

  expect(code, stderr).toBe(1);
  // those who waited may have been served by then
  expect(stderr).toMatch(
    /pg pool orders: \d used, \d idle of at most 10, \d waiting\. 10 of 10 connections are lost for good/,
  );
  const { findings, processes } = reportIn(stdout);
  expect(processes[0]).toMatchObject({ pid: service.pid, late: true, end: 'running', exitCode: null });
  const early = findings.find((finding) => finding.before);
  expect(early).toMatchObject({
    certainty: 'proven',
    detector: 'unreachable',
    count: LEASES,
    healed: LEASES,
    site: null,
  });
  expect(early?.siteUnknown).toBe('it was taken before outlive came');
  expect(early?.evidence).toContain('10 of 10 connections of orders are lost for good.');
  const later = findings.find((finding) => finding.site);
  expect(placeOf(later!)).toBe(lineOf(program, '// lost again'));
  expect(later).toMatchObject({ certainty: 'proven', count: 2, healed: 2 });

  expect(await service.ask('/state')).toEqual(before);
  expect(service.stderr()).toContain('Debugger ending on');
  await service.ask('/take');
});

test('without --heal nothing is freed: what is lost is told, and the pool stays as it is', async () => {
  const service = await serve(['generic-pool']);
  const served = await exhaust(service);
  using folder = temporaryFolder();
  const { stdout, stderr } = await attach(service.pid, '--for', '0s', '--out', folder.path, '--json');
  expect(stderr).toContain(
    'generic-pool #1: 10 used, 0 idle of at most 10, 3 waiting. 10 of 10 connections are lost for good\n',
  );
  expect(reportIn(stdout).findings).toMatchObject([{ before: true, certainty: 'proven', count: LEASES }]);
  expect(served()).toBe(0);
  // and it can be asked again
  const again = await attach(service.pid, '--heal', '--for', '0s', '--out', path.join(folder.path, 'again'), '--json');
  expect(again.stderr).toContain('10 of 10 connections are lost for good');
  expect(reportIn(again.stdout).findings).toMatchObject([{ count: LEASES, healed: LEASES }]);
  await until('the service to answer again', () => served() === 3);
});

test('who holds the connections that are not lost is told, and what was there before is marked so', async () => {
  const service = await serve(['pg']);
  const before = await service.ask('/state');
  await service.ask('/keep');
  using folder = temporaryFolder();
  const { stdout, stderr } = await attach(service.pid, '--for', '0s', '--out', folder.path, '--json');
  expect(stderr).toContain('and the heap has at most 32 MB, a snapshot at the end tells who');
  const { open, findings } = reportIn(stdout);
  expect(findings).toEqual([]);
  const lease = open.find(({ kind }) => kind === 'connection');
  expect(lease).toMatchObject({ library: 'pg', count: 1, site: null, before: true });
  expect(lease?.held?.join()).toContain('kept');
  expect(open.filter(({ kind }) => kind === 'server')).toMatchObject([{ library: 'node', count: 1, before: true }]);
  expect(readdirSync(folder.path).filter((name) => name.endsWith('.heapsnapshot'))).toEqual([]);
  expect(await service.ask('/state')).toEqual(before);

  const larger = ['--snapshot-max-mb', '1', '--out', path.join(folder.path, 'larger')];
  const { unseen } = reportIn((await attach(service.pid, '--for', '0s', '--json', ...larger)).stdout);
  expect(unseen.find(({ what }) => what === 'who holds what was taken before')?.why).toMatch(
    /The heap has \d+ MB, more than the 1 MB/,
  );
});

test('--list tells how the pools stand, and writes nothing', async () => {
  const service = await serve(['pg']);
  await service.ask('/lose');
  await service.ask('/take');
  using folder = temporaryFolder();
  const { code, stdout } = await start(NODE, [CLI, 'attach', String(service.pid), '--list'], { cwd: folder.path });
  expect(code).toBe(0);
  expect(stdout).toContain('pg pool orders: 1 used, 1 idle of at most 10, 0 waiting\n');
  expect(stdout).toMatch(/^TCPServerWrap: 1$|^TCPSERVERWRAP: 1$/im);
  expect(readdirSync(folder.path)).toEqual([]);
});

// at once, while the probe is loaded, and while it watches
test.each([150, 500, 1500])('killed %i ms after it began, it leaves nothing behind', async (ms) => {
  const service = await serve(['pg']);
  const before = await service.ask('/state');
  await service.ask('/lose');
  using folder = temporaryFolder();
  const child = spawn(NODE, [CLI, 'attach', String(service.pid), '--out', folder.path], { stdio: 'ignore' });
  await sleep(ms);
  child.kill('SIGKILL');
  await service.ask('/take');
  await until('the probe to leave', async () => {
    const now = await service.ask('/state');
    return JSON.stringify(now) === JSON.stringify(before);
  });
  // another one finds it as the first did
  const { stderr } = await attach(service.pid, '--for', '0s', '--out', path.join(folder.path, 'again'));
  expect(stderr).toContain('1 of 10 connections are lost for good');
  expect(await service.ask('/state')).toEqual(before);
});

const withoutUsr1 = NODE_MAJOR >= 22 ? test : test.skip;
withoutUsr1('a process that does not take SIGUSR1 is not sent it', async () => {
  const service = await serve(['pg'], ['--disable-sigusr1']);
  const { code, stderr } = await attach(service.pid);
  expect(code).toBe(2);
  expect(stderr).toContain('does not open its inspector on SIGUSR1: it was started with --disable-sigusr1.');
  await service.ask('/take');
});

test('what is no process, or no Node.js, is said', async () => {
  const other = spawn('sleep', ['60']);
  started.push(other);
  expect(await attach(other.pid as number)).toMatchObject({
    code: 2,
    stderr: `outlive: Process ${other.pid} runs sleep, not Node.js.\n`,
  });
  expect(other.exitCode).toBe(null);
  expect(await attach(4_194_305)).toMatchObject({ code: 2, stderr: 'outlive: There is no process 4194305.\n' });
  expect((await attach('orders' as never)).stderr).toContain('The pid must be a whole number');
});

test('what is started by a shell is named where the shell is asked', async () => {
  const shell = spawn('sh', ['-c', `${NODE} ${program} generic-pool; true`], { stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(shell);
  await once(shell.stdout, 'data');
  const { stderr } = await attach(shell.pid as number);
  const [, below] = /, not Node\.js\. Below it there is (\d+) \(.*attached\.mjs/.exec(stderr) ?? [];
  expect(below, stderr).toBeDefined();
  process.kill(Number(below), 'SIGKILL');
});

test('a Node.js that is too old is told by its file, and is not touched', () => {
  using folder = temporaryFolder();
  const file = path.join(folder.path, 'node');
  const rest = Buffer.alloc(8 * 1024 * 1024 - 10);
  writeFileSync(file, Buffer.concat([rest, Buffer.from('node.js/vX node.js/v18.20.8\0'), rest]));
  expect(versionIn(file)).toBe('v18.20.8');
  expect(versionIn(NODE)).toBe(spawnSync(NODE, ['--version'], { encoding: 'utf8' }).stdout.trim());
  expect(tooOld(17, 'v18.20.8')).toBe('Process 17 runs Node.js v18.20.8; outlive needs 20.19 or later.');
  expect(tooOld(17, 'v20.18.3')).not.toBe(null);
  expect([tooOld(17, 'v20.19.0'), tooOld(17, 'v26.0.0')]).toEqual([null, null]);
});

// as a container on the host's network has, or a unit of systemd
const canHide = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']).status === 0;
test.skipIf(!canHide)('a process that does not see our files gets the probe in its own', async () => {
  const dist = path.join(path.dirname(CLI), '..');
  const hidden = `mount -t tmpfs tmpfs ${dist} && exec ${NODE} ${program} generic-pool`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', hidden], { stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(child);
  const [port] = await once(child.stdout.setEncoding('utf8'), 'data');
  const ask = async (route: string) => (await fetch(`http://127.0.0.1:${Number.parseInt(port, 10)}${route}`)).json();
  const before = await ask('/state');
  await ask('/lose');
  const attachFolders = () => readdirSync('/tmp').filter((name) => name.startsWith('outlive-attach-'));
  const foldersBefore = attachFolders();
  using folder = temporaryFolder();
  const { stdout, stderr } = await attach(child.pid as number, '--for', '0s', '--out', folder.path, '--json');
  expect(stderr).toContain('1 of 10 connections are lost for good');
  expect(reportIn(stdout).findings).toMatchObject([{ before: true, count: 1 }]);
  expect(await ask('/state')).toEqual(before);
  // nor is a folder left where it was copied to
  expect(attachFolders().filter((name) => !foldersBefore.includes(name))).toEqual([]);
});

test('where the event loop is held is said', async () => {
  const service = await serve(['pg']);
  service.ask('/hold').catch(() => {});
  await sleep(200);
  const { code, stderr } = await attach(service.pid);
  expect(code).toBe(2);
  expect(stderr).toMatch(/does not answer: its event loop is held in .*holdTheLoop/);
  expect(stderr).toContain(lineOf(program, '// held'));
});

test('a process that is under the probe already is asked through that', async () => {
  using folder = temporaryFolder();
  const own = path.join(folder.path, 'own');
  process.env.OUTLIVE_OUT = own;
  const service = await serve(['pg'], ['--require', REGISTER]);
  delete process.env.OUTLIVE_OUT;
  await service.ask('/lose');
  const { stdout, stderr } = await attach(service.pid, '--out', path.join(folder.path, 'other'), '--json');
  expect(stderr).toContain(`is under the probe already, which writes to ${own}`);
  expect(reportIn(stdout).findings.map(placeOf)).toEqual([lineOf(program, '// lost before')]);
  expect(readdirSync(folder.path)).toEqual(['own']);
});
