/** What Linux tells of a process without touching it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ProcessFacts {
  pid: number;
  /** As the process itself sees its pid: another one in a container. */
  ownPid: number;
  uid: number;
  /** One letter: `R`, `S`, `T`, `Z`… */
  state: string;
  /** Bytes of memory of its own: the heap is at most so large. */
  memory: number;
  /** Whether it has a handler for SIGUSR1; without one the signal would end it. */
  handlesUsr1: boolean;
  /** Its program; null where that may not be read. */
  exe: string | null;
  argv: string[];
  /** Whether its loopback is ours. */
  isInOurNetwork: boolean;
  /** Where its root folder is seen from here, if its file system is its own: a container's, or a unit's of systemd. */
  ownFiles: string | null;
}

/** Null: there is no such process. */
export function factsOf(pid: number): ProcessFacts | null {
  const status = read(`/proc/${pid}/status`);
  if (status === null) return null;
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  const own = field('NSpid').split(/\s+/).at(-1);
  return {
    pid,
    ownPid: Number(own || pid),
    uid: Number(field('Uid').split(/\s+/)[0]),
    state: field('State').slice(0, 1),
    memory: Number.parseInt(field('RssAnon') || field('VmRSS'), 10) * 1024,
    handlesUsr1: (BigInt(`0x${field('SigCgt') || '0'}`) & SIGUSR1) !== 0n,
    exe: link(`/proc/${pid}/exe`)?.replace(/ \(deleted\)$/, '') ?? null,
    argv: (read(`/proc/${pid}/cmdline`) ?? '').split('\0').filter(Boolean),
    isInOurNetwork: isOurs(pid, 'net'),
    ownFiles: isOurs(pid, 'mnt') ? null : `/proc/${pid}/root`,
  };
}

/** Also where that may not be read. */
function isOurs(pid: number, namespace: string): boolean {
  const theirs = link(`/proc/${pid}/ns/${namespace}`);
  return theirs === null || theirs === link(`/proc/self/ns/${namespace}`);
}

/** The bit of signal 10. */
const SIGUSR1 = 1n << 9n;

/** The ports that a process listens on. */
export function portsOf(pid: number): number[] {
  const sockets = new Set(
    entries(`/proc/${pid}/fd`).flatMap(
      (fd) => /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`) ?? '')?.[1] ?? [],
    ),
  );
  return connectionsOf(pid)
    .filter(({ state, inode }) => state === LISTEN && sockets.has(inode))
    .map(({ port }) => port);
}

/** How many are connected to a port of the process. */
export function connectedTo(pid: number, port: number): number {
  return connectionsOf(pid).filter((each) => each.state === ESTABLISHED && each.port === port).length;
}

/** Who listens on a port, of those we may ask. */
export function listenerOn(port: number): number | null {
  const own = new Set(connectionsOf('self').flatMap((c) => (c.port === port && c.state === LISTEN ? [c.inode] : [])));
  if (own.size === 0) return null;
  return pids().find((pid) => portsOf(pid).includes(port)) ?? null;
}

const ESTABLISHED = '01';
const LISTEN = '0A';

/** Of the process's network: local port, state, and the socket that it is. */
function connectionsOf(pid: number | 'self'): { port: number; state: string; inode: string }[] {
  return ['tcp', 'tcp6'].flatMap((table) => {
    const lines = (read(`/proc/${pid}/net/${table}`) ?? '').split('\n').slice(1);
    return lines.filter(Boolean).map((line) => {
      const [, local = '', , state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      return { port: Number.parseInt(local.split(':').at(-1) ?? '', 16), state, inode };
    });
  });
}

function pids(): number[] {
  return entries('/proc').map(Number).filter(Boolean);
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function link(file: string): string | null {
  try {
    return readlinkSync(file);
  } catch {
    return null;
  }
}
