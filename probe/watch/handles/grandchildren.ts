/**
 * What a child left running when it ended, named by the line that spawned the child. Each child is handed down a number
 * in its environment, which what it starts inherits; or, being probed itself, hands down that it is the parent. On Linux,
 * where /proc shows both. The first process of a container becomes the parent of what its children leave.
 *
 * False positives: a daemon that is meant to stay, when several are started.
 * False negatives: what is given another environment, changes its user, or ends within a second.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Resource, type Source } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { inheritedNumber, isHandedDownBy } from '../../process/handed-down.ts';
import { guarded } from '../../process/lapses.ts';
import { cpuNow, now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';

const PART = 'child-processes' satisfies AdapterName;
/** Of those that have ended, so many are remembered. */
const MOST = 1000;
/** Between two looks through all processes: milliseconds at least, and times the CPU time of the last one. */
const PAUSE = { ms: 250, times: 100 };

interface Process {
  pid: number;
  parent: number;
  /** When it was started, in the system's own ticks: with the pid it names a process for good. */
  started: number;
}

/** A child that is known by its number, or by its pid where it is probed. */
interface Child {
  pid: number;
  resource: Resource;
}

export class Grandchildren {
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #children: Map<number, Child> = new Map();
  readonly #known: Set<string> = new Set();
  #nextAt = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#source = desk.source({ adapter: PART, nature: 'grandchild', library: 'child_process' });
    if (process.platform === 'linux') desk.ledger.beforeReading.push(() => guarded(PART, () => this.#look()));
  }

  /** `envPairs`: as Node.js hands it to the child. */
  spawned(pid: number | undefined, envPairs: readonly string[], resource: Resource | undefined): void {
    const number = inheritedNumber(envPairs);
    if (pid === undefined || number === null || resource === undefined) return;
    this.#children.set(number, { pid, resource });
    const [oldest] = this.#children.keys();
    if (this.#children.size > MOST && oldest !== undefined) this.#children.delete(oldest);
  }

  #look(): void {
    const ended = [...this.#children].filter(([, { resource }]) => resource.closed);
    if (ended.length === 0 || now() < this.#nextAt) return;
    const began = cpuNow();
    const own = statOf(process.pid);
    const all = own === null ? [] : runningSince(own.started);
    const left = all.flatMap((each) => {
      const child = this.#startedBy(each);
      return child?.resource.closed && child.pid !== each.pid ? [{ ...each, child }] : [];
    });
    const pids = new Set(left.map(({ pid }) => pid));
    // what it started in turn goes with it
    for (const each of left) if (!pids.has(each.parent)) this.#enter(each, each.child.resource);
    // what it left is there by now
    for (const [number] of ended) this.#children.delete(number);
    this.#nextAt = now() + Math.max(PAUSE.ms, PAUSE.times * (cpuNow() - began));
  }

  #startedBy({ pid }: Process): Child | undefined {
    let pairs: string[];
    try {
      pairs = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    } catch {
      return undefined;
    }
    if (isHandedDownBy(pairs, process.pid)) return this.#children.get(inheritedNumber(pairs) ?? -1);
    for (const child of this.#children.values()) if (isHandedDownBy(pairs, child.pid)) return child;
    return undefined;
  }

  #enter({ pid, started }: Process, { account, scope, openedAt, turn }: Resource): void {
    const key = `${pid} ${started}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    const isGone = (): boolean => {
      if (statOf(pid)?.started === started) return false;
      this.#known.delete(key);
      return true;
    };
    const { ledger } = this.#desk;
    ledger.open(new Resource(ledger.account(this.#source, account.site), scope, openedAt, { isGone, turn }));
  }
}

function runningSince(started: number): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    return stat !== null && stat.started >= started ? [stat] : [];
  });
}

/** Null where it has ended. */
function statOf(pid: number): Process | null {
  try {
    // the name in parentheses may hold anything
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? null : { pid, parent: Number(fields[1]), started: Number(fields[19]) };
  } catch {
    return null;
  }
}
