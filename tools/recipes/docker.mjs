// The page's Dockerfile, built and run by a Docker daemon of this recipe's own. No registry is asked: the image that it
// begins with is made of this machine's Node.js, npm and shell, under the same name.
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, CLI, expectEnd, expectLeak, filesOf, freePort, home, missing, root, run } from './harness.mjs';

const PROGRAMS = ['sh', 'mkdir', 'chown', 'env'];
const SEEN_AS = '/srv/shop/server.js';
const START_MS = 30_000;

export const dockerNeeds = () => missing({ dockerd: 'docker.io', docker: 'docker.io' });

export async function docker({ cwd, out }) {
  const socket = `unix://${out}/docker.sock`;
  mkdirSync(out);
  const folders = ['--data-root', `${out}/data`, '--exec-root', `${out}/exec`, '--pidfile', `${out}/pid`];
  const network = ['--bridge=none', '--iptables=false', '--ip6tables=false'];
  const daemon = spawn('dockerd', ['-H', socket, ...folders, ...network], { stdio: 'ignore' });
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  const ask = (...args) => run('docker', ['-H', socket, ...args], { cwd, env: { DOCKER_BUILDKIT: '0' } }).trim();
  const attempt = (...args) => spawnSync('docker', ['-H', socket, ...args], { encoding: 'utf8' });
  try {
    for (const until = Date.now() + START_MS; ; await sleep(200)) {
      if (attempt('version').status === 0) break;
      if (Date.now() > until || daemon.exitCode !== null) throw new Error('dockerd does not start here');
    }
    await build(ask, cwd);
    for (const [what, behaves] of Object.entries(BEHAVIOURS)) {
      await behaves({ ask, try: attempt, file: path.join(cwd, 'server.js'), data: `${out}/data` }).catch((error) => {
        throw new Error(`${what}: ${error.message}`);
      });
    }
  } finally {
    const all = attempt('ps', '-aq').stdout?.split('\n').filter(Boolean) ?? [];
    attempt('rm', '-fv', ...all);
    daemon.kill('SIGTERM');
    await ended;
    // what keeps the folder from being removed
    for (const [mounted] of readFileSync('/proc/mounts', 'utf8').matchAll(/(?<= )\/\S+/g)) {
      if (mounted.startsWith(out)) run('umount', ['-l', mounted], { fails: true });
    }
  }
}

/** `shop`, by the page's Dockerfile. */
async function build(ask, cwd) {
  const base = path.join(cwd, '../base');
  makeBase(base);
  run('tar', ['-C', base, '-cf', `${base}.tar`, '.']);
  ask('import', `${base}.tar`, 'node:24-slim');
  const context = path.join(cwd, '../context');
  mkdirSync(context);
  cpSync(path.join(cwd, 'server.js'), path.join(context, 'server.js'));
  for (const { name, text } of filesOf('container')) writeFileSync(path.join(context, name), text);
  const packages = { outlive: root, 'generic-pool': path.join(home, 'node_modules/generic-pool') };
  const dependencies = {};
  for (const [name, folder] of Object.entries(packages)) {
    run('npm', ['pack', '--ignore-scripts', '--pack-destination', context], { cwd: folder });
    const packed = readdirSync(context).find((each) => each.startsWith(name) && each.endsWith('.tgz'));
    dependencies[name] = `file:${packed}`;
  }
  writeFileSync(path.join(context, 'package.json'), JSON.stringify({ name: 'shop', version: '1.4.0', dependencies }));
  run('npm', ['install', '--package-lock-only', '--offline', '--no-audit'], { cwd: context });
  ask('build', '--network', 'none', '-t', 'shop', context);
}

/** As much of a Debian as the Dockerfile needs. */
function makeBase(base) {
  const copy = (from, to) => {
    mkdirSync(path.dirname(path.join(base, to)), { recursive: true });
    cpSync(realpathSync(from), path.join(base, to), { recursive: true, dereference: true });
  };
  const npm = path.join(realpathSync(run('which', ['npm']).trim()), '../..');
  copy(npm, 'usr/local/lib/node_modules/npm');
  copy(process.execPath, 'usr/local/bin/node');
  for (const program of PROGRAMS) copy(run('which', [program]).trim(), `bin/${program}`);
  for (const program of ['usr/local/bin/node', ...PROGRAMS.map((name) => `bin/${name}`)]) {
    for (const [library] of run('ldd', [path.join(base, program)]).matchAll(/\/[^\s]+(?= \()/g)) copy(library, library);
  }
  mkdirSync(path.join(base, 'usr/bin'));
  symlinkSync('../../bin/env', path.join(base, 'usr/bin/env'));
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', path.join(base, 'usr/local/bin/npm'));
  for (const folder of ['tmp', 'proc', 'dev', 'sys', 'root', 'home/node', 'etc']) {
    mkdirSync(path.join(base, folder), { recursive: true });
  }
  writeFileSync(path.join(base, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n');
  writeFileSync(path.join(base, 'etc/group'), 'root:x:0:\nnode:x:1000:\n');
}

/** Starts the image with `options`; gives what it is known by, and its port. */
async function start({ ask }, name, ...options) {
  const port = await freePort();
  const volume = ['-v', `${name}:/outlive`];
  ask('run', '-d', '--name', name, '--network', 'host', '-e', `PORT=${port}`, ...volume, ...options);
  return port;
}

const stateOf = ({ ask }, name) => JSON.parse(ask('inspect', '-f', '{{json .State}}', name));
const recordedBy = ({ data }, name) => path.join(data, 'volumes', name, '_data');

const BEHAVIOURS = {
  async 'docker stop'(docker) {
    await ask(await start(docker, 'stopped', 'shop'));
    docker.ask('stop', 'stopped');
    expectEnd(stateOf(docker, 'stopped').ExitCode, 143);
    const out = recordedBy(docker, 'stopped');
    if (!existsSync(path.join(out, 'report.json'))) throw new Error('there is no report.json');
    const { processes } = expectLeak(out, docker.file, SEEN_AS);
    if (processes[0].release !== '1.4.0' || processes[0].pid !== 1) throw new Error('it is not the first process');
  },
  async 'docker kill'(docker) {
    await ask(await start(docker, 'killed', 'shop'));
    docker.ask('kill', 'killed');
    expectLeak(recordedBy(docker, 'killed'), docker.file, SEEN_AS);
  },
  async 'a read-only root, and another user'(docker) {
    await ask(await start(docker, 'readonly', '--read-only', '--user', '1000:1000', '--cap-drop', 'ALL', 'shop'));
    docker.ask('stop', 'readonly');
    expectEnd(stateOf(docker, 'readonly').ExitCode, 143);
    expectLeak(recordedBy(docker, 'readonly'), docker.file, SEEN_AS);
  },
  async 'nothing can be written'(docker) {
    await ask(await start(docker, 'mute', '--read-only', '-e', 'OUTLIVE_OUT=/srv/shop/outlive', 'shop'));
    docker.ask('stop', 'mute');
    expectEnd(stateOf(docker, 'mute').ExitCode, 143);
  },
  async 'out of memory, by the kernel'(docker) {
    const port = await start(docker, 'full', '--memory', '160m', '--memory-swap', '160m', 'shop');
    await ask(port);
    await fetch(`http://127.0.0.1:${port}/all`).catch(() => {});
    for (let tries = 100; stateOf(docker, 'full').Running && tries > 0; tries--) await sleep(100);
    const { ExitCode, OOMKilled } = stateOf(docker, 'full');
    expectEnd(ExitCode, 137);
    if (!OOMKilled) throw new Error('it was not the killer of the kernel');
    expectLeak(recordedBy(docker, 'full'), docker.file, SEEN_AS);
  },
  async 'attaching from outside and from inside'(docker) {
    await ask(await start(docker, 'bare', 'shop', 'node', 'server.js'));
    const args = ['--for', '0s', '--out', path.join(docker.data, '../attached'), '--fail-on', 'never'];
    const outside = run(process.execPath, [CLI, 'attach', String(stateOf(docker, 'bare').Pid), ...args]);
    if (!outside.includes('connections are lost for good')) throw new Error(`from outside it says: ${outside}`);
    const inside = ['node_modules/.bin/outlive', 'attach', '1', '--for', '0s', '--out', '/outlive'];
    const { stderr } = docker.try('exec', 'bare', ...inside);
    if (!stderr.includes('connections are lost for good')) throw new Error(`from inside it says: ${stderr}`);
    docker.ask('run', '-d', '--name', 'apart', '--network', 'none', 'shop', 'node', 'server.js');
    const apart = run(process.execPath, [CLI, 'attach', String(stateOf(docker, 'apart').Pid)], { fails: true });
    if (!apart.includes('is in a container: run outlive attach 1 inside it')) throw new Error(`it says: ${apart}`);
  },
};
