// The page's unit, run by a systemd that is the first process of a container made of this machine's own /usr.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, CLI, expectEnd, expectLeak, freePort, home, missing, root, run } from './harness.mjs';

const UNITS = '/etc/systemd/system';
const SEEN_AS = '/srv/shop/server.js';
const WITHIN_MS = 60_000;

export const systemdNeeds = () => missing({ 'systemd-nspawn': 'systemd-container', nsenter: 'util-linux' });

export async function systemd({ cwd, out }) {
  const [port, barePort] = [await freePort(), await freePort()];
  const unit = readFileSync(path.join(cwd, 'shop.service'), 'utf8').replace('/usr/bin/node', process.execPath);
  const withPort = (text, number) => text.replace('[Install]', `Environment=PORT=${number}\n[Install]`);
  const bare = unit.replace('--require outlive/register ', '').replace('[Install]', 'PrivateTmp=yes\n[Install]');
  writeFileSync(path.join(cwd, 'shop.service'), withPort(unit, port));
  writeFileSync(path.join(cwd, 'bare.service'), withPort(bare, barePort));
  // no link leads out of there
  rmSync(path.join(cwd, 'node_modules'), { recursive: true });
  const packages = { outlive: root, 'generic-pool': path.join(home, 'node_modules/generic-pool') };
  for (const [name, folder] of Object.entries(packages)) {
    for (const part of name === 'outlive' ? ['dist', 'package.json'] : ['']) {
      cpSync(path.join(folder, part), path.join(cwd, 'node_modules', name, part), { recursive: true });
    }
  }
  mkdirSync(out);
  const machine = await boot([
    ...['shop.service', 'bare.service'].map((name) => `--bind-ro=${path.join(cwd, name)}:${UNITS}/${name}`),
    ...[`--bind-ro=${cwd}:/srv/shop`, `--bind=${out}:/var/lib/shop`, `--bind-ro=${process.execPath}`],
  ]);
  try {
    const shop = { file: path.join(cwd, 'server.js'), out: path.join(out, 'outlive') };
    await stopped(machine, port, shop);
    await killed(machine, port, shop);
    await attachedTo(machine, barePort, path.join(out, 'attached'));
  } finally {
    await machine.powerOff();
  }
}

async function stopped({ systemctl }, port, { file, out }) {
  systemctl('start', 'shop');
  await ask(port);
  systemctl('stop', 'shop');
  expectEnd(systemctl('show', '-p', 'Result', '-p', 'ExecMainStatus', 'shop'), 'Result=success\nExecMainStatus=15');
  if (!existsSync(path.join(out, 'report.json'))) throw new Error('there is no report.json');
  expectLeak(out, file, SEEN_AS);
}

/** … and started again by systemd, in the same folder. */
async function killed({ systemctl }, port, { file, out }) {
  rmSync(out, { recursive: true });
  systemctl('start', 'shop');
  await ask(port);
  systemctl('kill', '--signal=KILL', 'shop');
  await ask(port);
  if (systemctl('show', '-p', 'NRestarts', '--value', 'shop') !== '1') throw new Error('it was not started again');
  systemctl('stop', 'shop');
  const { processes } = expectLeak(out, file, SEEN_AS);
  expectEnd(processes.length, 2);
}

/** From outside, to a unit of another user that has a /tmp of its own and was not prepared. */
async function attachedTo({ systemctl, pidOf }, port, out) {
  systemctl('start', 'bare');
  await ask(port);
  const args = ['--for', '0s', '--out', out, '--fail-on', 'never'];
  const said = run(process.execPath, [CLI, 'attach', String(pidOf('server.js')), ...args]);
  if (!said.includes('connections are lost for good')) throw new Error(`outlive attach says: ${said}`);
}

async function boot(binds) {
  const own = ['--register=no', '--keep-unit', '--console=pipe', '--quiet'];
  const args = ['--directory=/', '--volatile=yes', '--boot', '--machine=outlive-recipe', ...own, ...binds];
  const container = spawn('systemd-nspawn', args, { stdio: 'ignore' });
  const ended = new Promise((resolve) => container.once('exit', resolve));
  const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  const first = () => childrenOf(container.pid)[0];
  const enter = (...command) => run('nsenter', ['--target', first(), '--all', ...command], { fails: true }).trim();
  for (const until = Date.now() + WITHIN_MS; ; await sleep(300)) {
    if (container.exitCode !== null) throw new Error(`systemd-nspawn ended with ${container.exitCode}`);
    // degraded: some unit of this machine's has nothing to do there
    if (first() && /^(?:running|degraded)$/m.test(enter('systemctl', 'is-system-running'))) break;
    if (Date.now() > until) throw new Error('systemd does not start here');
  }
  return {
    systemctl: (...args) => enter('systemctl', ...args),
    pidOf: (program) =>
      childrenOf(first()).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program)),
    async powerOff() {
      enter('systemctl', 'poweroff', '--force', '--no-wall');
      await Promise.race([ended, sleep(10_000)]);
      container.kill('SIGKILL');
    },
  };
}
