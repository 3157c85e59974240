// `npm run recipes [name…]`: what docs/platforms.md says, done with the real tools. Each recipe starts a service that keeps
// a connection of every second request, stops it as the platform does, and expects the line in the report.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const home = fileURLToPath(new URL('.', import.meta.url));
const root = path.resolve(home, '../..');
const CLI = path.join(root, 'dist/cli/main.js');
const page = readFileSync(path.join(root, 'docs/platforms.md'), 'utf8');
const bin = (name) => path.join(home, 'node_modules/.bin', name);
const PRELOAD = ['--require', 'outlive/register'];

/** What the page shows of a recipe's files. */
function filesOf(recipe) {
  const blocks = page.matchAll(/<!-- file of ([\w-]+): (\S+) -->\n```\w+\n([\s\S]*?)```/g);
  return [...blocks].filter(([, of]) => of === recipe).map(([, , name, text]) => ({ name, text }));
}

function run(command, args, { cwd, env = {}, fails = false } = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  if (status !== 0 && !fails) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Twelve requests, as soon as it answers; then as long as a leak needs to be one. */
async function ask(port, route = '/') {
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
async function serve(command, args, { cwd, env, route, signal = 'SIGTERM', pidOf = (child) => child.pid }) {
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

/** The report's only certain finding must be of this file, at the line that is marked. */
function expectLeak(out, file) {
  const report = JSON.parse(run(process.execPath, [CLI, 'report', out, '--json']));
  const line =
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((text) => text.includes('// kept')) + 1;
  const found = report.findings.filter(({ certainty }) => certainty !== 'suspect');
  const places = found.map(({ site }) => `${site?.file}:${site?.line}`);
  if (places.join() !== `${file}:${line}`)
    throw new Error(`expected ${file}:${line}, and found ${places.join() || 'nothing'}`);
  return report;
}

const expectEnd = (end, wanted) => {
  if (end !== wanted) throw new Error(`it ended with ${end}, not ${wanted}`);
};
const childOf = ({ pid }) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
const preloaded = (args) => [...PRELOAD, ...args];

/** Each in a folder of its own, with what the page shows in it; `out`: where it records. */
const RECIPES = {
  async 'npm-start'({ cwd, out }) {
    const env = { NODE_OPTIONS: PRELOAD.join(' '), OUTLIVE_OUT: out };
    await serve('npm', ['start'], { cwd, env });
    expectLeak(out, path.join(cwd, 'server.js'));
  },
  async pm2({ cwd }) {
    const env = { PM2_HOME: path.join(cwd, '.pm2') };
    const port = await freePort();
    const config = path.join(cwd, 'ecosystem.config.cjs');
    writeFileSync(config, readFileSync(config, 'utf8').replace('3000', String(port)));
    run(bin('pm2'), ['start', config], { cwd, env });
    try {
      await ask(port);
      run(bin('pm2'), ['stop', 'shop'], { cwd, env });
      const report = expectLeak(path.join(cwd, '.outlive/shop'), path.join(cwd, 'server.js'));
      if (report.processes.length !== 2) throw new Error(`${report.processes.length} workers, not 2`);
      if (report.processes.some(({ release }) => release !== '1.4.0')) throw new Error('the release is not told');
    } finally {
      run(bin('pm2'), ['kill'], { cwd, env });
    }
  },
  async systemd({ cwd, out }) {
    const unit = readFileSync(path.join(cwd, 'shop.service'), 'utf8');
    // what is not installed here is told apart from what is wrong
    const here = unit.replace('/usr/bin/node', process.execPath).replace('/srv/shop', cwd);
    writeFileSync(path.join(cwd, 'shop.service'), here);
    const said = run('systemd-analyze', ['verify', path.join(cwd, 'shop.service')], { fails: true });
    if (/shop\.service.*(?:Unknown|Failed|Invalid|not executable)/i.test(said)) throw new Error(said);
    const [, command = ''] = /^ExecStart=(.*)$/m.exec(here) ?? [];
    const [program, ...args] = command.split(' ');
    const set = Object.fromEntries(
      [...here.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    );
    expectEnd(await serve(program, args, { cwd, env: { ...set, OUTLIVE_OUT: out } }), 'SIGTERM');
    if (!existsSync(path.join(out, 'report.json'))) throw new Error('there is no report.json');
    expectLeak(out, path.join(cwd, 'server.js'));
  },
  /** The first process of a PID namespace, as in a container; stopped and killed. */
  async container({ cwd, out }) {
    const [, command = '[]'] = /^CMD (.*)$/m.exec(readFileSync(path.join(cwd, 'Dockerfile'), 'utf8')) ?? [];
    const [, ...args] = JSON.parse(command);
    const isolate = ['--pid', '--fork', '--mount-proc', '--kill-child', process.execPath, ...args];
    const own = { cwd, pidOf: childOf };
    expectEnd(await serve('unshare', isolate, { ...own, env: { OUTLIVE_OUT: out, OUTLIVE_SIGNALS: '1' } }), 143);
    if (!existsSync(path.join(out, 'report.json'))) throw new Error('there is no report.json');
    expectLeak(out, path.join(cwd, 'server.js'));
    const killed = `${out}-killed`;
    await serve('unshare', isolate, { ...own, env: { OUTLIVE_OUT: killed }, signal: 'SIGKILL' });
    expectLeak(killed, path.join(cwd, 'server.js'));
    // nothing can be written: it serves all the same
    await serve('unshare', isolate, { ...own, env: { OUTLIVE_OUT: '/proc/outlive' }, signal: 'SIGKILL' });
  },
  async next({ cwd, out }) {
    run(bin('next'), ['build'], { cwd, env: { NEXT_TELEMETRY_DISABLED: '1' } });
    const env = { NODE_OPTIONS: PRELOAD.join(' '), OUTLIVE_OUT: out, NEXT_TELEMETRY_DISABLED: '1' };
    await serve(path.join(cwd, 'node_modules/.bin/next'), ['start', '-p', 'PORT'], { cwd, env, route: '/orders' });
    expectLeak(out, path.join(cwd, 'app/orders/route.js'));
  },
  async nest({ cwd, out }) {
    run(process.execPath, [path.join(home, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd });
    const args = preloaded(['dist/main.js']);
    await serve(process.execPath, args, { cwd, env: { OUTLIVE_OUT: out }, route: '/orders' });
    expectLeak(out, path.join(cwd, 'main.ts'));
  },
  /** Frozen between invocations, and never thawed after the last. */
  async lambda({ cwd, out }) {
    const env = { ...process.env, OUTLIVE_OUT: out };
    const runtime = spawn(process.execPath, preloaded(['runtime.mjs']), {
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    for (let order = 0; order < 12; order++) {
      runtime.kill('SIGCONT');
      runtime.stdin.write(`${JSON.stringify({ order })}\n`);
      await new Promise((resolve) => runtime.stdout.once('data', resolve));
      await sleep(order === 11 ? 3000 : 250);
      runtime.kill('SIGSTOP');
      await sleep(100);
    }
    runtime.kill('SIGKILL');
    expectLeak(out, path.join(cwd, 'orders.mjs'));
  },
  async bundled({ cwd, out }) {
    const options = ['--bundle', '--platform=node', '--format=esm', '--packages=external', '--sourcemap'];
    run(bin('esbuild'), ['server.ts', ...options, '--outfile=dist/server.js'], { cwd });
    run(process.execPath, preloaded(['dist/server.js']), { cwd, env: { OUTLIVE_OUT: out } });
    expectLeak(out, path.join(cwd, 'server.ts'));
  },
  typescript({ cwd, out }) {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    const ways = {
      ...((major > 22 || (major === 22 && minor >= 18)) && { node: [] }),
      tsx: ['--import', 'tsx'],
      'ts-node': ['--loader', 'ts-node/esm'],
      swc: ['--import', '@swc-node/register/esm-register'],
    };
    for (const [name, flags] of Object.entries(ways)) {
      const own = `${out}-${name}`;
      run(process.execPath, preloaded([...flags, 'server.ts']), { cwd, env: { OUTLIVE_OUT: own } });
      expectLeak(own, path.join(cwd, 'server.ts'));
    }
  },
};
const SERVICES = { next: 'next', nest: 'nest', lambda: 'lambda', bundled: 'typescript', typescript: 'typescript' };

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(RECIPES, name));
if (unknown !== undefined) {
  console.error(`There is no recipe ${unknown}; there are ${Object.keys(RECIPES).join(', ')}.`);
  process.exit(2);
}
if (!existsSync(path.join(home, 'node_modules'))) run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: home });
const folder = mkdtempSync(path.join(tmpdir(), 'outlive-recipes-'));
chmodSync(folder, 0o755);
let failed = 0;
for (const name of asked.length > 0 ? asked : Object.keys(RECIPES)) {
  const cwd = path.join(folder, name);
  cpSync(path.join(home, 'services', SERVICES[name] ?? 'shop'), cwd, { recursive: true });
  mkdirSync(path.join(cwd, 'node_modules'));
  for (const each of readdirSync(path.join(home, 'node_modules'))) {
    symlinkSync(path.join(home, 'node_modules', each), path.join(cwd, 'node_modules', each));
  }
  symlinkSync(root, path.join(cwd, 'node_modules/outlive'));
  for (const file of filesOf(name)) writeFileSync(path.join(cwd, file.name), file.text);
  try {
    await RECIPES[name]({ cwd, out: path.join(folder, `${name}-out`) });
    console.log(`${name}: as the page says`);
  } catch (error) {
    failed++;
    console.error(`${name}: ${error.message}`);
  }
  rmSync(cwd, { recursive: true, force: true });
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = failed > 0 ? 1 : 0;
