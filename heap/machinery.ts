/**
 * Machinery: by what libraries and Node.js themselves hold resources. Such edges say nothing about who may still give
 * something back.
 */
import type { Snapshot } from './snapshot.ts';

interface Containers {
  /** Where the class is: one of the program's that is called the same keeps what it likes. */
  of: RegExp;
  names: readonly string[];
}

/** Properties by which libraries and Node's agents keep what they lend or have opened, by the class that has them. */
const CONTAINERS: Readonly<Record<string, Containers>> = {
  Pool: {
    of: /[\\/]node_modules[\\/]/,
    names: ['_allObjects', '_resourceLoans', '_availableObjects', '_clients', '_idle', 'used', 'free'],
  },
  BoundPool: { of: /[\\/]node_modules[\\/]/, names: ['_clients', '_idle'] },
  Connection: { of: /[\\/]node_modules[\\/]amqplib[\\/]/, names: ['channels'] },
  Agent: { of: /^node:_http_agent$/, names: ['sockets', 'freeSockets'] },
};
/** … and in an object of its own. */
const CONTAINERS_WITHIN: Readonly<Record<string, readonly [object: string, ...names: string[]]>> = {
  MongoClient: ['s', 'activeSessions', 'activeCursors'],
};
/** What an error remembers of the calls that led to it: nobody gets at their functions by that. */
export const CALL_SITE = 'system / CallSiteInfo';
export const TIMER_LINKS = ['_idleNext', '_idlePrev'];
/** Parts of a child process or worker, which live and die with it. */
const PARTS = ['Socket', 'ReadableWorkerStdio', 'WritableWorkerStdio', 'MessagePort'];
/** By which a worker is known: its class is a stand-in of the probe's, which V8 names after the class above it. */
const OF_WORKER = '<symbol kPublicPort>';
/** By which a handle's wrapper is reached from outside of JavaScript. */
export const NATIVE = '(Global handles)';
const OWNER = '<symbol owner_symbol>';
export const NATIVE_EDGE = 'native_to_javascript';

/** Of an object, the names of its edges that say nothing about who holds something. */
export function cutOf(snapshot: Snapshot, node: number): readonly string[] | undefined {
  const name = snapshot.name(node);
  if (name === 'Timeout' || name === 'TimersList') return TIMER_LINKS;
  if (snapshot.type(node) !== 'object' || !Object.hasOwn(CONTAINERS, name)) return undefined;
  const { of, names } = CONTAINERS[name] as Containers;
  return of.test(snapshot.placeOf(node)?.file ?? '') ? names : undefined;
}

/** Containers themselves, where V8 may keep what refers to them in a table without names. */
export function containersWithin(snapshot: Snapshot): ReadonlySet<number> {
  const found = new Set<number>();
  for (let node = 0; node < snapshot.size; node++) {
    const name = snapshot.name(node);
    if (snapshot.type(node) !== 'object' || !Object.hasOwn(CONTAINERS_WITHIN, name)) continue;
    const [object = '', ...names] = CONTAINERS_WITHIN[name] ?? [];
    const inner = snapshot.follow(node, object);
    for (const each of names) {
      const container = inner === null ? null : snapshot.follow(inner, each);
      if (container !== null) found.add(container);
    }
  }
  return found;
}

/** What Node.js pipes into stdout and stderr is referred to by the listeners of these. */
export function isPipeOfWorker(snapshot: Snapshot, edge: number): boolean {
  return (
    snapshot.edgeType(edge) === 'context' &&
    snapshot.edgeName(edge) === 'src' &&
    snapshot.name(snapshot.target(edge)) === 'ReadableWorkerStdio'
  );
}

/** Wrappers of judged objects' own native handles, which Node.js calls their owners, and judged objects that are such. */
export function nativeHandlesOf(snapshot: Snapshot, judged: ReadonlySet<number>): ReadonlySet<number> {
  const outside = new Set<number>();
  for (let node = 0; node < snapshot.size; node++) {
    if (snapshot.name(node) !== NATIVE) continue;
    const [from, to] = snapshot.edgesOf(node);
    for (let edge = from; edge < to; edge++) outside.add(snapshot.target(edge));
  }
  const own = new Set<number>();
  const isOutside = (node: number) => outside.has(node) && snapshot.type(node) === 'object';
  for (const node of judged) {
    for (const part of [node, ...partsOf(snapshot, node)]) {
      if (isOutside(part)) own.add(part);
      for (const handle of heldDirectly(snapshot, part)) if (isOutside(handle)) own.add(handle);
    }
  }
  for (const node of outside) {
    const owner = snapshot.follow(node, OWNER);
    if (owner !== null && judged.has(owner)) own.add(node);
  }
  return own;
}

/** What belongs to a child process or a worker: its streams and ports. */
export function partsOf(snapshot: Snapshot, node: number): number[] {
  if (snapshot.name(node) !== 'ChildProcess' && snapshot.follow(node, OF_WORKER) === null) return [];
  return heldDirectly(snapshot, node).filter((part) => PARTS.includes(snapshot.name(part)));
}

function heldDirectly(snapshot: Snapshot, node: number): number[] {
  const [from, to] = snapshot.edgesOf(node);
  return Array.from({ length: to - from }, (_, i) => from + i)
    .filter((edge) => snapshot.edgeType(edge) !== 'weak')
    .map((edge) => snapshot.target(edge));
}
