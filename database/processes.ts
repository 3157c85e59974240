/** CPU and memory of a server's processes, where they run on this machine (Linux). */
import { readFileSync } from 'node:fs';

/** Milliseconds in a clock tick of /proc: USER_HZ is 100 on every Linux that Node.js runs on. */
const TICK_MS = 10;
/** Above so many processes reading them all each time would be work worth seeing. */
const MANY = 150;
const MANY_EVERY_MS = 5000;

export interface Usage {
  /** Of the server and of all processes that it started, also those that ended meanwhile. */
  cpuMs: number;
  /** Anonymous memory: what the processes do not share. */
  memoryBytes: number;
}

export class ServerProcesses {
  readonly #main: number;
  #readAt = Number.NEGATIVE_INFINITY;
  #count = 0;

  private constructor(main: number) {
    this.#main = main;
  }

  /**
   * The server of which `backend` is a child process, if that is here: its title has to name `port`, our own end of
   * the connection (`postgres: orders orders 127.0.0.1(40112) idle`), since elsewhere, or in a container, another
   * process may have that number.
   */
  static ofBackend(backend: number, port: number): ServerProcesses | null {
    try {
      const title = readFileSync(`/proc/${backend}/cmdline`, 'utf8');
      if (!title.startsWith('postgres') || !title.includes(`(${port})`)) return null;
      const parent = Number(fieldsOf(backend)[PARENT]);
      return parent > 1 ? new ServerProcesses(parent) : null;
    } catch {
      return null;
    }
  }

  /** The server that wrote its number into `file`, if that is a database's on this machine. */
  static of(file: string): ServerProcesses | null {
    try {
      const pid = Number(readFileSync(file, 'utf8'));
      return /(?:mariadb|mysql)d/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ? new ServerProcesses(pid) : null;
    } catch {
      return null;
    }
  }

  /** Null when it is too early to look again, unless `isUrgent`, or the server is gone. */
  usage(isUrgent = false): Usage | null {
    if (!isUrgent && this.#count > MANY && performance.now() - this.#readAt < MANY_EVERY_MS) return null;
    this.#readAt = performance.now();
    try {
      // the server collects the CPU time of children that ended: none is lost between two looks
      let ticks = sum(fieldsOf(this.#main), OWN) + sum(fieldsOf(this.#main), ENDED_CHILDREN);
      let kilobytes = privateMemory(this.#main);
      const children = readFileSync(`/proc/${this.#main}/task/${this.#main}/children`, 'utf8')
        .split(' ')
        .filter(Boolean);
      this.#count = children.length;
      for (const child of children) {
        try {
          const own = sum(fieldsOf(Number(child)), OWN);
          kilobytes += privateMemory(Number(child));
          ticks += own;
        } catch {
          // it ended meanwhile
        }
      }
      return { cpuMs: ticks * TICK_MS, memoryBytes: kilobytes * 1024 };
    } catch {
      return null;
    }
  }
}

/** Fields of /proc/PID/stat after the process's name, see proc_pid_stat(5). */
const PARENT = 1;
const OWN = [11, 12];
const ENDED_CHILDREN = [13, 14];

function fieldsOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name may hold spaces and brackets
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function sum(fields: readonly string[], indexes: readonly number[]): number {
  return indexes.reduce((total, index) => total + Number(fields[index]), 0);
}

function privateMemory(pid: number): number {
  const [, kilobytes = 0] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes);
}
