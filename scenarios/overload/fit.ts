/** Whether a storm fits into this machine: it must overload the database, not the machine around it. */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';

/** What a variant needs. */
export interface Need {
  taskManagers: number;
  /** Sessions that will be asked for at once. */
  connections: number;
}

export interface Room {
  what: string;
  /** How many connections of this need fit. */
  connections: number;
  /** In a sentence: what there is. */
  words: string;
}

/** Measured: 1.8–2.5 MB a session of PostgreSQL, and a task manager with its part of the sockets. */
const SESSION_BYTES = 3 * 2 ** 20;
const TASK_MANAGER_BYTES = 120 * 2 ** 20;
/** Left alone. */
const SPARE_BYTES = 512 * 2 ** 20;
const SPARE_PROCESSES = 100;
const SPARE_FILES = 100;

/** The scarcest first. `maxSessions` is the server's limit where that is not part of the incident; null: it is. */
export function roomFor({ taskManagers }: Need, maxSessions: number | null, machine = readMachine()): Room[] {
  const memory = machine.freeBytes - SPARE_BYTES - taskManagers * TASK_MANAGER_BYTES;
  const rooms = [
    room(
      'memory',
      Math.floor(memory / SESSION_BYTES),
      `${Math.round(machine.freeBytes / 2 ** 20)} MB of memory are free`,
    ),
    room(
      'processes',
      machine.freeProcesses - taskManagers - SPARE_PROCESSES,
      `${machine.freeProcesses} more processes may be started`,
    ),
    room(
      'open files',
      taskManagers * (machine.openFiles - SPARE_FILES),
      `a process may have ${machine.openFiles} files open`,
    ),
    room('sessions', maxSessions ?? Number.POSITIVE_INFINITY, `the server has ${maxSessions} sessions to give`),
  ];
  return rooms.sort((a, b) => a.connections - b.connections);
}

function room(what: string, connections: number, words: string): Room {
  return { what, connections: Math.max(0, connections), words };
}

/** Lanes of each job that fit, at least one, and in a sentence why fewer than wished for; null: all fit. */
export function fitLanes(
  lanes: number,
  need: (lanes: number) => Need,
  rooms: (need: Need) => Room[],
): { lanes: number; why: string | null } {
  const wished = need(lanes);
  const [scarcest] = rooms(wished);
  if (!scarcest || wished.connections <= scarcest.connections) return { lanes, why: null };
  let fitting = lanes;
  while (fitting > 1 && need(fitting).connections > scarcest.connections) fitting--;
  return {
    lanes: fitting,
    why: `Scaled down from ${lanes} to ${fitting} slots a job: ${wished.connections.toLocaleString('en')} connections would be asked for, but ${scarcest.words}.`,
  };
}

export interface Machine {
  freeBytes: number;
  freeProcesses: number;
  openFiles: number;
}

function readMachine(): Machine {
  return { freeBytes: freeBytes(), freeProcesses: freeProcesses(), openFiles: openFiles() };
}

function freeBytes(): number {
  const [, available] = /^MemAvailable:\s+(\d+)/m.exec(read('/proc/meminfo')) ?? [];
  const whole = available === undefined ? freemem() : Number(available) * 1024;
  return Math.min(
    whole,
    cgroupRoom('memory.max', 'memory.current', 'memory/memory.limit_in_bytes', 'memory/memory.usage_in_bytes'),
  );
}

function freeProcesses(): number {
  const most = Number(read('/proc/sys/kernel/threads-max')) || Number.POSITIVE_INFINITY;
  const running = Number(/\d+\/(\d+)/.exec(read('/proc/loadavg'))?.[1] ?? 0);
  const [, soft = ''] = /^Max processes\s+(\S+)/m.exec(read('/proc/self/limits')) ?? [];
  const own = Number(soft) || Number.POSITIVE_INFINITY;
  return Math.min(most - running, own, cgroupRoom('pids.max', 'pids.current', 'pids/pids.max', 'pids/pids.current'));
}

function openFiles(): number {
  const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(read('/proc/self/limits')) ?? [];
  return Number(soft) || Number.POSITIVE_INFINITY;
}

/** Of the control group that we are in, by version 2 or 1; endless where there is none. */
function cgroupRoom(max: string, current: string, max1: string, current1: string): number {
  const groups = read('/proc/self/cgroup');
  const [, own2 = ''] = /^0::(.*)$/m.exec(groups) ?? [];
  const [, own1 = ''] = new RegExp(`^\\d+:${max1.split('/')[0]}:(.*)$`, 'm').exec(groups) ?? [];
  const candidates = [
    [`/sys/fs/cgroup${own2}/${max}`, `/sys/fs/cgroup${own2}/${current}`],
    [`/sys/fs/cgroup/${max}`, `/sys/fs/cgroup/${current}`],
    [`/sys/fs/cgroup/${max1.replace('/', `${own1}/`)}`, `/sys/fs/cgroup/${current1.replace('/', `${own1}/`)}`],
  ];
  const rooms = candidates.flatMap(([limit, used]) => {
    const [most, now] = [Number(read(limit!) || Number.NaN), Number(read(used!) || Number.NaN)];
    return Number.isFinite(most) && Number.isFinite(now) ? [most - now] : [];
  });
  return Math.min(Number.POSITIVE_INFINITY, ...rooms);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
