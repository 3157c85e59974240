/** What a machine is like while a scenario runs on it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Begins with the soak's process, ends with what it resolves to. */
type Condition = (soak: ChildProcess) => () => Promise<void>;

export const CONDITIONS: Record<string, Condition> = {
  idle: () => async () => {},
  busy,
  half,
};

/** Each core has something else to do, at the soak's own priority. */
function busy(): () => Promise<void> {
  const others = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['-e', 'for(;;);'], { stdio: 'ignore' }),
  );
  return async () => {
    for (const other of others) other.kill('SIGKILL');
  };
}

const PERIOD_US = 100_000;
const LOOK_MS = 100;

/** The soak's private servers get half of one core, by a control group. Linux, as root. */
function half(soak: ChildProcess): () => Promise<void> {
  const group = controlGroup();
  let isOver = false;
  const looking = (async () => {
    while (!isOver) {
      for (const pid of serversOf(soak.pid as number)) join(group, pid);
      await delay(LOOK_MS);
    }
  })();
  // told where it is waited for
  looking.catch(() => {});
  return async () => {
    isOver = true;
    await looking;
    // a server takes a moment to end
    for (let tries = 0; tries < 100 && existsSync(group); tries++) {
      try {
        rmdirSync(group);
      } catch {
        await delay(LOOK_MS);
      }
    }
  };
}

function controlGroup(): string {
  const name = `outlive-half-${process.pid}`;
  const [quota, period] = [String(PERIOD_US / 2), String(PERIOD_US)];
  if (existsSync('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')) {
    const group = `/sys/fs/cgroup/cpu/${name}`;
    mkdirSync(group, { recursive: true });
    writeFileSync(`${group}/cpu.cfs_period_us`, period);
    writeFileSync(`${group}/cpu.cfs_quota_us`, quota);
    return group;
  }
  const group = `/sys/fs/cgroup/${name}`;
  writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+cpu');
  mkdirSync(group, { recursive: true });
  writeFileSync(`${group}/cpu.max`, `${quota} ${period}`);
  return group;
}

/** The processes of PostgreSQL that a process has started, or those it started. */
function serversOf(ancestor: number): number[] {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const [, name, parent] = /\((.*)\) \S (\d+)/.exec(read(`/proc/${entry}/stat`)) ?? [];
      return name === undefined ? [] : [{ pid: Number(entry), name, parent: Number(parent) }];
    });
  const found: typeof all = [];
  for (let next = [ancestor]; next.length > 0; ) {
    const born = all.filter(({ parent }) => next.includes(parent));
    found.push(...born);
    next = born.map(({ pid }) => pid);
  }
  return found.filter(({ name }) => name === 'postgres').map(({ pid }) => pid);
}

/** What it starts from now on is in the group as well. */
function join(group: string, pid: number): void {
  if (read(`/proc/${pid}/cgroup`).includes(group.split('/').at(-1) as string)) return;
  try {
    writeFileSync(`${group}/cgroup.procs`, String(pid));
  } catch (error) {
    // it ended meanwhile
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
