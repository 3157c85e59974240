/**
 * Who can still reach a resource: a walk through a heap snapshot from the roots, without the edges of machinery. What is
 * not met is held by nothing but the library's or Node's own lists.
 *
 * Machinery, as PROOF needs it: a pool's own containers; the links between timers (all timers that are not judged are
 * roots of their own, since each is reached through its neighbours); the edge from the native world to the wrapper of a
 * judged handle; what the probe itself keeps. Weak edges hold nothing; an entry of a WeakMap holds its value when both its
 * key and the map are met, as V8's own caches are such maps.
 */
import { belongingsOf, isOfLibrary } from './belongings.ts';
import {
  containersWithin,
  cutOf,
  isMethodOf,
  isPipeOfWorker,
  NATIVE,
  NATIVE_EDGE,
  nativeHandlesOf,
  partsOf,
} from './machinery.ts';
import { isOfProbe } from './own.ts';
import type { Snapshot } from './snapshot.ts';

/** A resource that the probe marked, see probe/proof/marks.ts. */
export interface Marked {
  /** The object in the snapshot; null: it was collected as that was made, for nobody reached it. */
  node: number | null;
  /** Key of the group it belongs to. */
  key: string;
}

const MARK = 'outliveMark';
/** What an entry of a WeakMap is called, after a number, at its key and at the map's table alike. */
const ENTRY = / part of key .* pair in WeakMap .*/;

export class Reach {
  readonly marked: Marked[];
  readonly #snapshot: Snapshot;
  /** By object, the edge that it was first met by, and from where; 0: not met. */
  readonly #via: Uint32Array;
  readonly #from: Int32Array;
  /** Judged objects that something but machinery holds. */
  readonly #held: Set<number> = new Set();
  /** In the order in which they were met. */
  readonly #queue: Uint32Array;
  #met = 0;

  /** `judges`: of what is marked it is asked who holds it beside Node's own lists; else those hold it, too. */
  constructor(snapshot: Snapshot, judges = true) {
    this.#snapshot = snapshot;
    this.marked = judges ? marksIn(snapshot) : [];
    this.#queue = new Uint32Array(snapshot.size);
    this.#via = new Uint32Array(snapshot.size);
    this.#from = new Int32Array(snapshot.size).fill(-1);
    this.#walk();
  }

  isReachable(node: number | null): node is number {
    return node !== null && this.#held.has(node);
  }

  #isMet(node: number): boolean {
    return this.#from[node] !== -1;
  }

  /** Edges from a root to the object; empty when it is not reachable. */
  pathTo(node: number): number[] {
    const path: number[] = [];
    for (let at = node; this.#via[at] !== 0; at = this.#from[at] as number) path.push(this.#via[at] as number);
    return path.reverse();
  }

  /** All that is reachable, what leads to something before that. */
  met(): Uint32Array {
    return this.#queue.subarray(0, this.#met);
  }

  /** By what it was met, and by which edge of that; 0: it is a root. */
  from(node: number): number {
    return Math.max(0, this.#from[node] as number);
  }

  edgeTo(node: number): number {
    return this.#via[node] as number;
  }

  #walk(): void {
    const judged = new Set(this.marked.flatMap(({ node }) => node ?? []));
    const natives = nativeHandlesOf(this.#snapshot, judged);
    // a pipe of a child does not hold the child
    const owners = new Map([...judged].flatMap((node) => partsOf(this.#snapshot, node).map((part) => [part, node])));
    const containers = containersWithin(this.#snapshot);
    const queue = this.#queue;
    let [head, tail] = [0, 0];
    const meet = (node: number, from: number, edge: number): void => {
      if (this.#isMet(node)) return;
      this.#from[node] = from;
      this.#via[node] = edge;
      queue[tail++] = node;
    };
    const native: [node: number, from: number, edge: number][] = [];
    const ofJudged: typeof native = [];
    const isHalf = halvesIn(this.#snapshot);
    const visit = (node: number): void => {
      const cut = cutOf(this.#snapshot, node);
      const [from, to] = this.#snapshot.edgesOf(node);
      for (let edge = from; edge < to; edge++) {
        if (this.#snapshot.edgeType(edge) === 'weak') continue;
        const name = this.#snapshot.edgeName(edge);
        if (cut?.includes(name) || isHalf(edge, name) || isPipeOfWorker(this.#snapshot, edge)) continue;
        const target = this.#snapshot.target(edge);
        if ((owners.get(target) ?? node) !== node || containers.has(target)) continue;
        if (name !== NATIVE_EDGE && this.#snapshot.name(node) !== NATIVE) meet(target, node, edge);
        else (natives.has(target) ? ofJudged : native).push([target, node, edge]);
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
    const timers = timersIn(this.#snapshot);
    const ofLoop = new Set(native.map(([node]) => node));
    for (const timer of timers) if (!judged.has(timer) && isOfLibrary(this.#snapshot, timer)) ofLoop.add(timer);
    const { clients, own } = belongingsOf(
      this.#snapshot,
      judged,
      (node) => this.#isMet(node),
      (node) => ofLoop.has(node),
    );
    const isOwn = (node: number) => own.has(node) && ofLoop.has(node);
    const isOwnTimer = (timer: number) =>
      isOfLibrary(this.#snapshot, timer) && (own.has(timer) || isMethodOf(this.#snapshot, timer, own));
    for (const each of native.splice(0)) if (!isOwn(each[0])) meet(...each);
    walk();
    for (const timer of timers) {
      if (judged.has(timer) || isOwnTimer(timer) || isMethodOf(this.#snapshot, timer, judged)) continue;
      meet(timer, 0, 0);
    }
    walk();
    // … and by anything rather than by the probe, which keeps for a while what it looks at
    for (let node = ofProbe.pop(); node !== undefined; node = ofProbe.pop()) {
      visit(node);
      for (const each of native.splice(0)) if (!isOwn(each[0])) meet(...each);
      walk();
    }
    for (const node of judged) if (this.#isMet(node)) this.#held.add(node);
    // a judged timer or socket may be what ends a client
    for (const [node, from, edge] of ofJudged) if (!own.has(node)) meet(node, from, edge);
    for (const timer of timers) if (judged.has(timer) && !isOwnTimer(timer)) meet(timer, 0, 0);
    walk();
    for (const node of clients) if (this.#isMet(node)) this.#held.add(node);
    this.#met = tail;
  }
}

/** Of an entry of a WeakMap, whether it is met the first time: at its key alone, or at the map's table alone. */
function halvesIn(snapshot: Snapshot): (edge: number, name: string) => boolean {
  const halves = new Set<string>();
  return (edge, name) => {
    if (snapshot.edgeType(edge) !== 'internal') return false;
    const entry = ENTRY.exec(name)?.[0];
    if (entry === undefined || halves.delete(entry)) return false;
    halves.add(entry);
    return true;
  };
}

function timersIn(snapshot: Snapshot): number[] {
  return Array.from({ length: snapshot.size - 1 }, (_, i) => i + 1).filter((node) => snapshot.name(node) === 'Timeout');
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
