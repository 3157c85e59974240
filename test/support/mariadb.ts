/**
 * A real, private MariaDB for the tests, which leaves nothing behind: it ends with the process that started it, however
 * that ends. Needs `mariadbd` of Debian's mariadb-server; nothing of the machine's own configuration is read.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { sweptFolder } from './swept-folder.ts';

const START_LIMIT_MS = 30_000;

const SERVER = ['/usr/sbin', '/usr/bin', '/usr/local/bin'].map((at) => path.join(at, 'mariadbd')).find(existsSync);
export const HAS_MARIADB: boolean = SERVER !== undefined;

/** Reads until its parent is gone, then takes the server and its folder away. */
const GUARD = 'folder=$1; shift; "$@" & server=$!; read -r _; kill -9 $server; wait $server; rm -rf "$folder"';

export interface Mariadb {
  /** `mysql://root@127.0.0.1:PORT/test`. */
  url: string;
  stop(): Promise<void>;
}

export async function startMariadb({ maxConnections = 500 } = {}): Promise<Mariadb> {
  if (SERVER === undefined) throw new Error('There is no mariadbd: apt-get install mariadb-server.');
  const folder = sweptFolder('outlive-mariadb');
  const data = path.join(folder, 'data');
  // several servers that share a folder for what is temporary delete each other's
  const env = { ...process.env, TMPDIR: folder };
  const installing = [
    ...['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--user=root'],
    ...['--skip-test-db', '--innodb-log-file-size=8M'],
  ];
  await promisify(execFile)('mariadb-install-db', installing, { env });
  const port = await freePort();
  const settings = [
    ...['--no-defaults', '--user=root', `--datadir=${data}`, `--socket=${folder}/sock`, `--pid-file=${folder}/pid`],
    ...['--bind-address=127.0.0.1', `--port=${port}`, `--log-error=${folder}/log`],
    ...[`--max-connections=${maxConnections}`],
    ...['--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=16M', '--innodb-log-file-size=8M'],
    ...['--skip-log-bin', '--performance-schema=ON', '--init-connect='],
  ];
  const guard = spawn('sh', ['-c', GUARD, 'sh', folder, SERVER, ...settings], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env,
  });
  const ended = new Promise<void>((resolve) => guard.once('close', () => resolve()));
  const stop = async () => {
    guard.stdin.end();
    await ended;
  };
  try {
    await createDatabase(`${folder}/sock`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `mysql://root@127.0.0.1:${port}/test`, stop };
}

async function createDatabase(socket: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      const client = ['--no-defaults', `--socket=${socket}`, '--user=root', '--execute=create database test'];
      await promisify(execFile)('mariadb', client);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await delay(50);
  }
}
