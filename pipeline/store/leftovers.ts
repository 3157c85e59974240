/** Folders of private servers whose owner and guard were both killed: found by name, stopped, removed. */
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PREFIX = 'outlive-postgres';
const NAME = new RegExp(`^${PREFIX}-(\\d+-(\\d+)-\\d+)-\\w+$`);

/** Beginning of the name of this process's folders; `mkdtemp` adds the rest. It names the owner. */
export async function folderPrefix(): Promise<string> {
  return `${PREFIX}-${(await identity(process.pid)) ?? 'unknown'}-`;
}

/**
 * Removes what dead owners left in `parent`. Without /proc (not Linux) owners cannot be told apart reliably, so
 * nothing is removed there.
 */
export async function sweep(parent: string): Promise<void> {
  const namespace = (await identity(process.pid))?.split('-')[0];
  if (!namespace) return;
  for (const entry of await readdir(parent, { withFileTypes: true })) {
    const [, owner, pid] = NAME.exec(entry.name) ?? [];
    if (!owner || !entry.isDirectory() || owner.split('-')[0] !== namespace) continue;
    if ((await identity(Number(pid))) === owner) continue;
    // Another user's folder, or one that its guard is just removing.
    await removeServer(join(parent, entry.name)).catch(() => {});
  }
}

/** Stops the server that runs in `folder`, if one does, and removes the folder. */
export async function removeServer(folder: string): Promise<void> {
  const data = join(folder, 'data');
  const pid = await serverIn(data);
  if (pid) {
    process.kill(pid, 'SIGQUIT');
    while (await serverIn(data)) await delay(50);
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Pid of the running postgres whose data directory this is. A pid file alone may name a stranger by now. */
async function serverIn(data: string): Promise<number | null> {
  const pid = Number.parseInt(await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => ''), 10);
  if (!(pid > 1)) return null;
  const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return argv[0]?.endsWith('/postgres') && argv[argv.indexOf('-D') + 1] === data ? pid : null;
}

/** Names a process across reuse of its pid and across containers: `<pid namespace>-<pid>-<start time>`. */
async function identity(pid: number): Promise<string | null> {
  try {
    const namespace = /\d+/.exec(await readlink('/proc/self/ns/pid'))?.[0];
    const line = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command in parentheses, may hold spaces; the start time is the 22nd.
    const started = line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
    return `${namespace}-${pid}-${started}`;
  } catch {
    return null;
  }
}
