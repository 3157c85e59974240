/** What attaching says: what it is going to do, and how the pools stand. */
import type { PoolNumbers } from '../probe/account/pool-numbers.ts';
import type { Guest } from './guest.ts';
import { commandOf, type ProcessFacts } from './proc.ts';

const MB = 1024 * 1024;
const MAX_OTHERS = 4;
/** Milliseconds that one collection holds the process, for each megabyte of heap. */
const PAUSE_PER_MB = 1.3;
/** … and that a snapshot does. */
const SNAPSHOT_PER_MB = 60;

export interface Intent {
  forMs: number;
  heal: boolean;
  list: boolean;
  snapshotMaxMb: number;
}

export function intent(facts: ProcessFacts, { forMs, heal, list, snapshotMaxMb }: Intent): string {
  const { pid, memory } = facts;
  const who = `Process ${pid} (${commandOf(facts)}, ${Math.round(memory / MB)} MB)`;
  const how = 'its inspector is opened on the loopback, which it says on its stderr, and the probe is loaded';
  const end = 'Then everything is taken back.';
  if (list) return `${who}: ${how}, to list what is open. ${end}`;
  const pause = seconds((memory / MB) * PAUSE_PER_MB);
  const heals = heal
    ? 'Connections that nobody can reach any more are destroyed, which rolls back their transactions. '
    : '';
  return (
    `${who}: ${how}, for ${forMs > 0 ? seconds(forMs) : 'one look'}. At least twice garbage is collected, ` +
    `which holds it for up to ${pause} each time. ${heals}${looks(snapshotMaxMb)}${end}`
  );
}

/** Who else may be meant: a cluster's workers, or the service below its npm. Empty: there is none. */
export function others(below: readonly ProcessFacts[]): string {
  const shown = below.slice(0, MAX_OTHERS).map((each) => `${each.pid} (${commandOf(each)})`);
  const more = below.length > MAX_OTHERS ? `, and ${below.length - MAX_OTHERS} more` : '';
  return below.length === 0 ? '' : `What runs below it is not looked at: ${shown.join(', ')}${more}.\n`;
}

function looks(snapshotMaxMb: number): string {
  if (snapshotMaxMb === 0) return '';
  return (
    `If somebody still holds what was taken before, and the heap has at most ${snapshotMaxMb} MB, a snapshot at the ` +
    `end tells who: up to ${seconds(snapshotMaxMb * SNAPSHOT_PER_MB)} more. `
  );
}

/** A line for each pool of each thread, with what was found just now. */
export function poolLines(guests: readonly Pick<Guest, 'thread' | 'fresh'>[]): string {
  return guests
    .flatMap(({ thread, fresh }) =>
      fresh.map((pool) => `${thread.isMain ? '' : `${thread.name}: `}${poolLine(pool)}\n`),
    )
    .join('');
}

export function poolLine({ library, name, max, used, idle, pending, lost, healed }: PoolNumbers): string {
  const limit = max > 0 ? ` of at most ${max}` : '';
  const who = name.startsWith(library) ? name : `${library} pool ${name}`;
  const numbers = `${who}: ${used} used, ${idle} idle${limit}, ${pending} waiting`;
  if (lost === 0) return numbers;
  const freed = healed > 0 ? `; ${healed} were destroyed, and their places given back` : '';
  return `${numbers}. ${lost} of ${Math.max(max, lost)} connections are lost for good${freed}`;
}

export interface Listed {
  thread: string;
  pools: readonly PoolNumbers[];
  active: Readonly<Record<string, number>>;
}

export function listed(threads: readonly Listed[]): string {
  return threads
    .flatMap(({ thread, pools, active }) => [
      ...(thread ? [thread] : []),
      ...pools.map(poolLine),
      ...Object.entries(active).map(([what, count]) => `${what}: ${count}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function seconds(ms: number): string {
  return ms < 100 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
