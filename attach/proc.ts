/** What Linux tells of a process without touching it. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';

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

/** As much of its command line as tells which one it is. */
export function commandOf({ argv }: ProcessFacts): string {
  return argv.slice(0, 3).join(' ');
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
  const sockets = socketsOf(pid);
  return listenersOf(pid).flatMap(({ port, inode }) => (sockets.has(inode) ? [port] : []));
}

function socketsOf(pid: number): Set<string> {
  return new Set(
    entries(`/proc/${pid}/fd`).flatMap(
      (fd) => /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`) ?? '')?.[1] ?? [],
    ),
  );
}

/** How many are connected to a port of the process. */
export function connectedTo(pid: number, port: number): number {
  const all = TABLES.flatMap((table) => connectionsIn(read(`/proc/${pid}/net/${table}`) ?? ''));
  return all.filter((each) => each.state === ESTABLISHED && each.port === port).length;
}

/** Who listens on a port, of those we may ask. */
export function listenerOn(port: number): number | null {
  const own = listenersOf('self').filter((each) => each.port === port);
  return pids().find((pid) => own.length > 0 && own.some(({ inode }) => socketsOf(pid).has(inode))) ?? null;
}

/** Those that run Node.js, as far as that can be told by the name of their program, of the children of a process and of theirs. */
export function nodesBelow(pid: number): ProcessFacts[] {
  const children = (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => {
    const facts = factsOf(child);
    if (facts === null) return [];
    return /\/node(?:js)?$/.test(facts.exe ?? '') ? [facts] : nodesBelow(child);
  });
}

const TABLES = ['tcp', 'tcp6'];
const ESTABLISHED = '01';
const LISTEN = '0A';
const CHUNK = 65_536;

/** Of a connection in a process's network: its local port, its state, and the socket that it is. */
interface Connection {
  port: number;
  state: string;
  inode: string;
}

/** Listening sockets come first; a busy service has ten thousands of others, which take long to read. */
function listenersOf(pid: number | 'self'): Connection[] {
  return TABLES.flatMap((table) => {
    let descriptor: number | null = null;
    try {
      descriptor = openSync(`/proc/${pid}/net/${table}`, 'r');
      const chunk = Buffer.alloc(CHUNK);
      let text = '';
      for (let isMore = true; isMore; ) {
        const length = readSync(descriptor, chunk);
        text += chunk.toString('latin1', 0, length);
        isMore = length > 0 && connectionsIn(text).every(({ state }) => state === LISTEN);
      }
      return connectionsIn(text).filter(({ state }) => state === LISTEN);
    } catch {
      return [];
    } finally {
      if (descriptor !== null) closeSync(descriptor);
    }
  });
}

/** Whole lines of such a table. */
function connectionsIn(table: string): Connection[] {
  const lines = table.split('\n').slice(1, -1);
  return lines.map((line) => {
    const [, local = '', , state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
    return { port: Number.parseInt(local.split(':').at(-1) ?? '', 16), state, inode };
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
