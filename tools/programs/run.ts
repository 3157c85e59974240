/**
 * Keeps well-known programs at work under the probe, which is to stay silent: `npm run programs`, or some of them:
 * `npm run programs -- --seconds 600 verdaccio ws`. With `--leak` each has a leak planted, which is to be found at its
 * line. Exit code 1 when one of them is judged otherwise.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Report } from '../../probe/recording/report.ts';
import { PROGRAMS, type Program } from './programs.ts';

const HERE = import.meta.dirname;
const CLI = path.join(HERE, '../../dist/cli/main.js');
const START_MS = 40_000;
const STOP_MS = 20_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '20' }, leak: { type: 'boolean', default: false } },
});
const unknown = positionals.find((name) => !(name in PROGRAMS));
if (unknown !== undefined) refuse(`There is no program ${unknown}; there are ${Object.keys(PROGRAMS).join(', ')}.`);
if (!(Number(values.seconds) > 0)) refuse(`--seconds must be a number above 0, not ${values.seconds}.`);
if (!existsSync(path.join(HERE, 'node_modules'))) {
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--prefix', HERE], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

let failures = 0;
for (const name of positionals.length > 0 ? positionals : Object.keys(PROGRAMS)) {
  const report = await watched(PROGRAMS[name] as Program);
  const isRight = report !== null && (values.leak ? isFound(report) : isSilent(report));
  if (!isRight) failures++;
  const told = (report?.findings ?? []).map(
    ({ certainty, kind, count, site }) => `\n  ${certainty} ${kind} ×${count} ${site?.file}:${site?.line}`,
  );
  console.log(`${isRight ? 'ok  ' : 'FAIL'} ${name}: ${report?.verdict ?? 'no report'}${told.join('')}`);
}
process.exitCode = failures > 0 ? 1 : 0;

function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}

function isSilent({ findings }: Report): boolean {
  return findings.length === 0;
}

/** At the line in leak.cjs that says so, and nowhere else. */
function isFound({ findings }: Report): boolean {
  const lines = readFileSync(path.join(HERE, 'leak.cjs'), 'utf8').split('\n');
  const line = lines.findIndex((text) => text.endsWith('// the leak')) + 1;
  return (
    findings.length === 1 && findings[0]?.site?.file.endsWith('leak.cjs') === true && findings[0].site.line === line
  );
}

async function watched({ entry, args, files, listens, work, usesRedis }: Program): Promise<Report | null> {
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-programs-'));
  const place = { folder, port: await freePort() };
  const started: ChildProcess[] = [];
  try {
    symlinkSync(path.join(HERE, 'node_modules'), path.join(folder, 'node_modules'));
    for (const file of ['apps', 'leak.cjs'])
      cpSync(path.join(HERE, file), path.join(folder, file), { recursive: true });
    for (const [file, text] of Object.entries(files ?? {})) writeFileSync(path.join(folder, file), text);
    const redis = usesRedis ? await freePort() : null;
    if (redis !== null) {
      started.push(spawn('redis-server', ['--port', String(redis), '--save', '', '--bind', '127.0.0.1']));
      await isListening(redis);
    }
    const program = entry.startsWith('apps/') ? entry : path.join('node_modules', entry);
    const command = [...(values.leak ? ['--require', './leak.cjs'] : []), program, ...(args?.(place) ?? [])];
    const child = spawn(process.execPath, [CLI, 'run', '--out', 'out', '--', process.execPath, ...command], {
      cwd: folder,
      env: { ...process.env, PORT: String(place.port), REDIS: String(redis), CI: '1' },
      stdio: 'ignore',
    });
    started.push(child);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (listens) await isListening(place.port);
    const until = Date.now() + Number(values.seconds) * 1000;
    for (let turn = 0; Date.now() < until && child.exitCode === null; turn++) {
      // a server that restarts refuses for a moment
      await (work?.({ ...place, turn }) ?? pause(100)).catch(() => pause(50));
    }
    if (child.exitCode !== null) return null;
    child.kill('SIGTERM');
    await Promise.race([ended, pause(STOP_MS, undefined, { ref: false })]);
    const report = path.join(folder, 'out/report.json');
    return existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as Report) : null;
  } finally {
    for (const child of started) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function isListening(port: number): Promise<void> {
  for (const until = Date.now() + START_MS; Date.now() < until; await pause(200)) {
    const socket = net.connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
  }
  throw new Error(`Nobody listens at port ${port}.`);
}
