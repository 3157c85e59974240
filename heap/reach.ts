/**
 * Who can still reach a resource: a walk through a heap snapshot from the roots, without the edges of machinery. What is
 * not met is held by nothing but the library's or Node's own lists.
 *
 * Machinery, as PROOF needs it: a pool's own containers; the links between timers (all timers that are not judged are
 * roots of their own, since each is reached through its neighbours); the edge from the native world to the wrapper of a
 * judged handle; what the probe itself keeps. Weak edges hold nothing; an entry of a WeakMap holds its value when both its
 * key and the map are met, as V8's own caches are such maps.
 */
import { isOfProbe } from './own.ts';
import type { Snapshot } from './snapshot.ts';

/** A resource that the probe marked, see probe/proof/marks.ts. */
export interface Marked {
  /** The object in the snapshot; null: it was collected as that was made, for nobody reached it. */
  node: number | null;
  /** Key of the group it belongs to. */
  key: string;
}

/** Properties by which libraries keep what they lend, by the class that has them. */
const CONTAINERS: Readonly<Record<string, readonly string[]>> = {
  Pool: ['_allObjects', '_resourceLoans', '_availableObjects', '_clients', '_idle', 'used', 'free'],
  BoundPool: ['_clients', '_idle'],
};
const TIMER_LINKS = ['_idleNext', '_idlePrev'];
/** Parts of a child process or worker, which live and die with it. */
const PARTS = ['Socket', 'ReadableWorkerStdio', 'WritableWorkerStdio', 'MessagePort'];
/** By which a worker is known: its class is a stand-in of the probe's, which V8 names after the class above it. */
const OF_WORKER = '<symbol kPublicPort>';
const MARK = 'outliveMark';
/** By which a handle's wrapper is reached from outside of JavaScript. */
const NATIVE = '(Global handles)';
const OWNER = '<symbol owner_symbol>';
const NATIVE_EDGE = 'native_to_javascript';
/** What an entry of a WeakMap is called, after a number, at its key and at the map's table alike. */
const ENTRY = / part of key .* pair in WeakMap .*/;

export class Reach {
  readonly marked: Marked[];
  readonly #snapshot: Snapshot;
  /** By object, the edge that it was first met by, and from where; 0: not met. */
  readonly #via: Uint32Array;
  readonly #from: Int32Array;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.marked = marksIn(snapshot);
    this.#via = new Uint32Array(snapshot.size);
    this.#from = new Int32Array(snapshot.size).fill(-1);
    this.#walk();
  }

  isReachable(node: number | null): node is number {
    return node !== null && this.#from[node] !== -1;
  }

  /** Edges from a root to the object; empty when it is not reachable. */
  pathTo(node: number): number[] {
    const path: number[] = [];
    for (let at = node; this.#via[at] !== 0; at = this.#from[at] as number) path.push(this.#via[at] as number);
    return path.reverse();
  }

  #walk(): void {
    const { size } = this.#snapshot;
    const judged = new Set(this.marked.flatMap(({ node }) => node ?? []));
    const natives = nativeHandlesOf(this.#snapshot, judged);
    // a pipe of a child does not hold the child
    const owners = new Map([...judged].flatMap((node) => partsOf(this.#snapshot, node).map((part) => [part, node])));
    const queue = new Uint32Array(size);
    let [head, tail] = [0, 0];
    const meet = (node: number, from: number, edge: number): void => {
      if (this.#from[node] !== -1) return;
      this.#from[node] = from;
      this.#via[node] = edge;
      queue[tail++] = node;
    };
    const native: [node: number, from: number, edge: number][] = [];
    const halves = new Set<string>();
    const isHalf = (edge: number, name: string): boolean => {
      if (this.#snapshot.edgeType(edge) !== 'internal') return false;
      const entry = ENTRY.exec(name)?.[0];
      if (entry === undefined || halves.delete(entry)) return false;
      halves.add(entry);
      return true;
    };
    const visit = (node: number): void => {
      const cut = cutOf(this.#snapshot, node);
      const [from, to] = this.#snapshot.edgesOf(node);
      for (let edge = from; edge < to; edge++) {
        if (this.#snapshot.edgeType(edge) === 'weak') continue;
        const name = this.#snapshot.edgeName(edge);
        if (cut?.includes(name) || isHalf(edge, name)) continue;
        const target = this.#snapshot.target(edge);
        if ((owners.get(target) ?? node) !== node) continue;
        if (name !== NATIVE_EDGE && this.#snapshot.name(node) !== NATIVE) meet(target, node, edge);
        else if (!natives.has(target)) native.push([target, node, edge]);
      }
    };
    const ofProbe: number[] = [];
    const walk = (): void => {
      while (head < tail) {
        const node = queue[head++] as number;
        if (this.#snapshot.type(node) === 'closure' && isOfProbe(this.#snapshot, node)) ofProbe.push(node);
        else visit(node);
      }
    };
    meet(0, 0, 0);
    walk();
    // who holds something is told by a variable rather than by what Node.js has of it, or by a timer
    for (const each of native.splice(0)) meet(...each);
    walk();
    for (let node = 1; node < size; node++) {
      if (this.#snapshot.name(node) === 'Timeout' && !judged.has(node) && !isBoundTo(this.#snapshot, node, judged)) {
        meet(node, 0, 0);
      }
    }
    walk();
    // … and by anything rather than by the probe, which keeps for a while what it looks at
    for (let node = ofProbe.pop(); node !== undefined; node = ofProbe.pop()) {
      visit(node);
      for (const each of native.splice(0)) meet(...each);
      walk();
    }
  }
}

/** Edges that say nothing about who holds something. */
function cutOf(snapshot: Snapshot, node: number): readonly string[] | undefined {
  const name = snapshot.name(node);
  if (name === 'Timeout' || name === 'TimersList') return TIMER_LINKS;
  return snapshot.type(node) === 'object' && Object.hasOwn(CONTAINERS, name) ? CONTAINERS[name] : undefined;
}

/** The probe's marks, `{ outliveMark: key, target: WeakRef }`, and what they point to. */
function marksIn(snapshot: Snapshot): Marked[] {
  const marks: Marked[] = [];
  for (let node = 0; node < snapshot.size; node++) {
    if (snapshot.type(node) !== 'object') continue;
    const id = snapshot.follow(node, MARK);
    const weak = id === null ? null : snapshot.follow(node, 'target');
    if (id === null || weak === null) continue;
    // V8's own template of a mark has a hole in that place
    if (snapshot.type(id) !== 'string') continue;
    marks.push({ node: snapshot.follow(weak, 'target'), key: snapshot.name(id) });
  }
  return marks;
}

/** Wrappers of judged objects' own native handles, which Node.js calls their owners, and judged objects that are such. */
function nativeHandlesOf(snapshot: Snapshot, judged: ReadonlySet<number>): ReadonlySet<number> {
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
function partsOf(snapshot: Snapshot, node: number): number[] {
  if (snapshot.name(node) !== 'ChildProcess' && snapshot.follow(node, OF_WORKER) === null) return [];
  return heldDirectly(snapshot, node).filter((part) => PARTS.includes(snapshot.name(part)));
}

function heldDirectly(snapshot: Snapshot, node: number): number[] {
  const [from, to] = snapshot.edgesOf(node);
  return Array.from({ length: to - from }, (_, i) => from + i)
    .filter((edge) => snapshot.edgeType(edge) !== 'weak')
    .map((edge) => snapshot.target(edge));
}

/** A timer whose callback is bound to a judged object is that object's own. */
function isBoundTo(snapshot: Snapshot, timer: number, judged: ReadonlySet<number>): boolean {
  const callback = snapshot.follow(timer, '_onTimeout');
  const self = callback === null ? null : snapshot.follow(callback, 'bound_this');
  return self !== null && judged.has(self);
}
