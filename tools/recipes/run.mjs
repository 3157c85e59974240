// `npm run recipes [name…]`: what docs/platforms.md says, done with the real tools. Each recipe starts a service that keeps
// a connection of every second request, stops it as the platform does, and expects the line in the report.
import { spawn } from 'node:child_process';
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
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { docker, dockerNeeds } from './docker.mjs';
import {
  ask,
  bin,
  expectEnd,
  expectLeak,
  filesOf,
  freePort,
  home,
  PRELOAD,
  preloaded,
  root,
  run,
  serve,
} from './harness.mjs';
import { systemd, systemdNeeds } from './systemd.mjs';

const childOf = ({ pid }) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

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
  systemd,
  docker,
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
/** What keeps a recipe from being run here; null: nothing. */
const NEEDS = { docker: dockerNeeds, systemd: systemdNeeds };
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
  const need = NEEDS[name]?.() ?? null;
  if (need !== null) {
    console.log(`${name}: NOT RUN, since ${need}`);
    continue;
  }
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
