// What the recipes have in common: a service is started, asked, stopped, and its leak is expected in the report.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const home = fileURLToPath(new URL('.', import.meta.url));
export const root = path.resolve(home, '../..');
export const CLI = path.join(root, 'dist/cli/main.js');
const page = readFileSync(path.join(root, 'docs/platforms.md'), 'utf8');
export const bin = (name) => path.join(home, 'node_modules/.bin', name);
export const PRELOAD = ['--require', 'outlive/register'];

/** What the page shows of a recipe's files. */
export function filesOf(recipe) {
  const blocks = page.matchAll(/<!-- file of ([\w-]+): (\S+) -->\n```\w+\n([\s\S]*?)```/g);
  return [...blocks].filter(([, of]) => of === recipe).map(([, , name, text]) => ({ name, text }));
}

export function run(command, args, { cwd, env = {}, fails = false } = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  if (status !== 0 && !fails) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Twelve requests, as soon as it answers; then as long as a leak needs to be one. */
export async function ask(port, route = '/') {
  const url = `http://127.0.0.1:${port}${route}`;
  for (let tries = 100; ; tries--) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) break;
    if (tries === 0) throw new Error(`${url} does not answer`);
    await sleep(300);
  }
  for (let i = 0; i < 12; i++) await (await fetch(url)).text();
  await sleep(3000);
}

/** Starts it, asks it, stops it; gives how it ended. */
export async function serve(command, args, { cwd, env, route, signal = 'SIGTERM', pidOf = (child) => child.pid }) {
  const port = await freePort();
  const shown = { ...process.env, PORT: String(port), ...env };
  const child = spawn(
    command,
    args.map((arg) => (arg === 'PORT' ? String(port) : arg)),
    { cwd, env: shown, stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => child.once('exit', (code, by) => resolve(code ?? by)));
  try {
    await ask(port, route);
    process.kill(pidOf(child), signal);
    return await Promise.race([ended, sleep(10_000, 'nothing')]);
  } finally {
    child.kill('SIGKILL');
  }
}

/** The report's only certain finding must be of this file, at the line that is marked; `seenAs`: where the service had it. */
export function expectLeak(out, file, seenAs = file) {
  const report = JSON.parse(run(process.execPath, [CLI, 'report', out, '--json']));
  const line =
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((text) => text.includes('// kept')) + 1;
  const found = report.findings.filter(({ certainty }) => certainty !== 'suspect');
  const places = found.map(({ site }) => `${site?.file}:${site?.line}`);
  if (places.join() !== `${seenAs}:${line}`)
    throw new Error(`expected ${seenAs}:${line}, and found ${places.join() || 'nothing'}`);
  return report;
}

export const expectEnd = (end, wanted) => {
  if (end !== wanted) throw new Error(`it ended with ${end}, not ${wanted}`);
};
export const preloaded = (args) => [...PRELOAD, ...args];

/** What is not on this machine, each with where it is to be had; null: all is. */
export function missing(programs) {
  if (process.getuid?.() !== 0) return 'it runs as root alone';
  const absent = Object.entries(programs).find(([program]) => spawnSync('which', [program]).status !== 0);
  return absent ? `there is no ${absent[0]} (apt-get install ${absent[1]})` : null;
}
