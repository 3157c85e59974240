/** Folders of private servers whose owner and guard were both killed: found by name, stopped, removed. */
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
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
    const folder = join(parent, entry.name);
    if ((await processesOf(folder)).some(({ program }) => program === 'sh')) continue; // its guard is at work
    await removeServer(folder).catch(() => {}); // another user's, perhaps
  }
}

/** Stops the server in `folder`, if one runs there, and removes the folder. */
export async function removeServer(folder: string): Promise<void> {
  for (;;) {
    const running = (await processesOf(folder)).filter(({ program }) => program === 'postgres' || program === 'initdb');
    if (running.length === 0) break;
    for (const { pid } of running) process.kill(pid, 'SIGQUIT');
    await delay(50);
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Processes that were started with `folder`, or the data directory in it, as an argument: a pid file may lie. */
async function processesOf(folder: string): Promise<{ pid: number; program: string }[]> {
  const data = join(folder, 'data');
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    pids.map(async (pid) => {
      const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      return { pid: Number(pid), program: basename(argv[0] ?? ''), ours: argv.includes(folder) || argv.includes(data) };
    }),
  );
  return all.filter(({ ours }) => ours);
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
