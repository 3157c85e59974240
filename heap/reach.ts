/**
 * Who can still reach a resource: a walk through a heap snapshot from the roots, without the edges of machinery. What is
 * not met is held by nothing but the library's or Node's own lists.
 *
 * Machinery, as PROOF needs it: a pool's own containers; the links between timers (all timers that are not judged are
 * roots of their own, since each is reached through its neighbours); the edge from the native world to the wrapper of a
 * judged handle; what the probe itself keeps. Weak edges hold nothing; an entry of a WeakMap holds its value when both its
 * key and the map are met, as V8's own caches are such maps.
 */
import { belongingsOf } from './belongings.ts';
import { callsFrom, isCode, isNameless, Names, PROTOTYPE } from './calls.ts';
import {
  CALL_SITE,
  containersWithin,
  cutOf,
  isPipeOfWorker,
  NATIVE,
  NATIVE_EDGE,
  nativeHandlesOf,
  partsOf,
} from './machinery.ts';
import { isMethodOf, isOfLibrary, isOfProgram, isSetByProgram } from './methods.ts';
import { isOfProbe } from './own.ts';
import type { Snapshot } from './snapshot.ts';

/** A resource that the probe marked, see probe/proof/marks.ts. */
export interface Marked {
  /** The object in the snapshot; null: it was collected as that was made, for nobody reached it. */
  node: number | null;
  /** Key of the group it belongs to. */
  key: string;
}

type Edge = [node: number, from: number, edge: number];

const MARK = 'outliveMark';
/** What an entry of a WeakMap is called, after a number, at its key and at the map's table alike. */
const ENTRY = / part of key .* pair in WeakMap .*/;

export class Reach {
  readonly marked: Marked[];
  readonly #snapshot: Snapshot;
  /** By object, the edge that it was first met by, and from where; 0: not met. */
  readonly #via: Uint32Array;
  readonly #from: Int32Array;
  readonly #judged: ReadonlySet<number>;
  /** Judged objects that something but machinery holds. */
  readonly #held: Set<number> = new Set();
  /** In the order in which they were met. */
  readonly #queue: Uint32Array;
  #met = 0;
  #visited = 0;
  readonly #natives: ReadonlySet<number>;
  /** A pipe of a child does not hold the child. */
  readonly #owners: ReadonlyMap<number, number>;
  readonly #containers: ReadonlySet<number>;
  readonly #isHalf: (edge: number, name: string) => boolean;
  /** What only Node.js holds, met later: see `#walk`. */
  #native: Edge[] = [];
  readonly #ofJudged: Edge[] = [];
  readonly #ofProbe: number[] = [];
  /** While what machinery calls is walked: what code names, and methods that nothing has named yet. */
  #names: Names | null = null;
  #methods: Edge[] = [];
  readonly #classes: Set<number> = new Set();
  /** … and by which edges judged objects were come upon. */
  readonly #comeUpon: [...Edge, ending: number | null][] = [];
  /** What is over as the code that is walked runs. */
  #ending: number | null = null;

  /** `judges`: of what is marked it is asked who holds it beside Node's own lists; else those hold it, too. */
  constructor(snapshot: Snapshot, judges = true) {
    this.#snapshot = snapshot;
    this.marked = judges ? marksIn(snapshot) : [];
    this.#queue = new Uint32Array(snapshot.size);
    this.#via = new Uint32Array(snapshot.size);
    this.#from = new Int32Array(snapshot.size).fill(-1);
    const judged = new Set(this.marked.flatMap(({ node }) => node ?? []));
    this.#judged = judged;
    this.#natives = nativeHandlesOf(snapshot, judged);
    this.#owners = new Map([...judged].flatMap((node) => partsOf(snapshot, node).map((part) => [part, node])));
    this.#containers = containersWithin(snapshot);
    this.#isHalf = halvesIn(snapshot);
    this.#walk();
  }

  isReachable(node: number | null): node is number {
    return node !== null && this.#held.has(node);
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
    const judged = this.#judged;
    this.#meet(0, 0, 0);
    this.#visitAll();
    // who holds something is told by a variable rather than by what Node.js has of it, or by a timer
    const timers = timersIn(this.#snapshot);
    const ofLoop = new Set(this.#native.map(([node]) => node));
    for (const timer of timers) if (!judged.has(timer) && isOfLibrary(this.#snapshot, timer)) ofLoop.add(timer);
    const { clients, own } = belongingsOf(
      this.#snapshot,
      judged,
      (node) => this.#isMet(node),
      (node) => ofLoop.has(node),
    );
    const isOwn = (node: number) => own.has(node) && ofLoop.has(node);
    const isOwnTimer = (timer: number) =>
      (own.has(timer) && isOfLibrary(this.#snapshot, timer)) ||
      (!isSetByProgram(this.#snapshot, timer) && isMethodOf(this.#snapshot, timer, own));
    const ofOwn = this.#meetNative(isOwn);
    for (const timer of timers) {
      if (judged.has(timer) || isOwnTimer(timer) || isMethodOf(this.#snapshot, timer, judged)) continue;
      this.#meet(timer, 0, 0);
    }
    this.#visitAll();
    // … and by anything rather than by the probe, which keeps for a while what it looks at
    for (let node = this.#ofProbe.pop(); node !== undefined; node = this.#ofProbe.pop()) {
      this.#visit(node);
      this.#visitAll();
      ofOwn.push(...this.#meetNative(isOwn));
    }
    for (const node of judged) if (this.#isMet(node)) this.#held.add(node);
    // what keeps or lends a thing may call what that has, too
    this.#walkCalls([...judged, ...ofOwn, ...this.#ofJudged.map(([node]) => node), ...timers]);
    ofOwn.push(...this.#meetNative(isOwn));
    const passedBy = new Set(this.#comeUpon.flatMap(([node]) => (this.#held.has(node) ? [] : node)));
    // a judged timer or socket may be what ends a client
    for (const [node, from, edge] of this.#ofJudged) if (!own.has(node)) this.#meet(node, from, edge);
    for (const timer of timers) if (judged.has(timer) && !isOwnTimer(timer)) this.#meet(timer, 0, 0);
    this.#visitAll();
    for (const node of clients) if (this.#isMet(node) && !passedBy.has(node)) this.#held.add(node);
  }

  /** What code of the program gets at that machinery alone calls. */
  #walkCalls(sources: readonly number[]): void {
    const names = new Names(this.#snapshot);
    const isMet = (node: number) => this.#isMet(node);
    const { calls, instances, from } = callsFrom(this.#snapshot, sources, isMet, (node, edge) =>
      this.#leads(node, edge, cutOf(this.#snapshot, node)),
    );
    this.#names = names;
    for (const { code, from: caller, edge } of calls.filter(({ isEnd }) => !isEnd)) {
      // a root, as what calls it may be met from here later
      this.#meet(code, 0, edge);
      const isBound = this.#snapshot.follow(code, 'bound_function') !== null;
      const self = !isBound && usesSelf(names, code) ? whose(caller, from, this.#judged) : null;
      if (self === null) continue;
      this.#held.add(self);
      this.#meet(self, code, edge);
    }
    for (const node of instances) this.#meet(node, 0, 0);
    this.#visitCalled(names);
    for (const { code, from: caller, edge } of calls.filter(({ isEnd }) => isEnd)) {
      this.#ending = whose(caller, from, this.#judged);
      this.#meet(code, 0, edge);
      this.#visitCalled(names);
    }
    this.#names = null;
    for (const [node, from, edge, ending] of this.#comeUpon) {
      if (node !== ending && names.leadsTo(edge, from)) this.#held.add(node);
    }
  }

  #visitCalled(names: Names): void {
    do this.#visitAll();
    while (this.#meetMethods(names));
  }

  /** Those that are called by their name. */
  #meetMethods(names: Names): boolean {
    const called = this.#methods.filter(([, , edge]) => names.calls(edge));
    this.#methods = this.#methods.filter(([, , edge]) => !names.calls(edge));
    for (const [node, from, edge] of called) {
      this.#meet(node, from, edge);
      names.add(node);
    }
    return called.length > 0;
  }

  #isMet(node: number): boolean {
    return this.#from[node] !== -1;
  }

  #meet(node: number, from: number, edge: number): void {
    if (this.#names !== null && this.#judged.has(node) && !this.#held.has(node))
      this.#comeUpon.push([node, from, edge, this.#ending]);
    if (this.#isMet(node)) return;
    this.#from[node] = from;
    this.#via[node] = edge;
    this.#queue[this.#met++] = node;
  }

  /** But for what judged objects have, which is what it returns. */
  #meetNative(isOwn: (node: number) => boolean): number[] {
    const own: number[] = [];
    while (this.#native.length > 0) {
      for (const [node, from, edge] of this.#native.splice(0)) {
        if (isOwn(node)) own.push(node);
        else this.#meet(node, from, edge);
      }
      this.#visitAll();
    }
    return own;
  }

  #visitAll(): void {
    while (this.#visited < this.#met) {
      const node = this.#queue[this.#visited++] as number;
      if (this.#snapshot.type(node) === 'closure' && isOfProbe(this.#snapshot, node)) this.#ofProbe.push(node);
      else this.#visit(node);
    }
  }

  #visit(node: number): void {
    if (this.#snapshot.name(node) === CALL_SITE) return;
    const context = this.#names && this.#contextOf(node, this.#names);
    const cut = cutOf(this.#snapshot, node);
    const [from, to] = this.#snapshot.edgesOf(node);
    for (let edge = from; edge < to; edge++) {
      if (!this.#leads(node, edge, cut) || this.#isHalf(edge, this.#snapshot.edgeName(edge))) continue;
      const target = this.#snapshot.target(edge);
      if (target === context || (this.#names && isNameless(this.#snapshot, edge))) continue;
      if (this.#names && this.#snapshot.edgeName(edge) === '__proto__') this.#noteMethods(target);
      if (this.#names && PROTOTYPE.has(this.#snapshot.edgeName(this.edgeTo(node))) && this.#isOfProgram(target)) {
        this.#methods.push([target, node, edge]);
        continue;
      }
      const isNative = this.#snapshot.edgeName(edge) === NATIVE_EDGE || this.#snapshot.name(node) === NATIVE;
      if (!isNative) this.#meet(target, node, edge);
      else (this.#natives.has(target) ? this.#ofJudged : this.#native).push([target, node, edge]);
    }
  }

  /** Of a class that something else leads to, which was visited before its objects: these may be called, too. */
  #noteMethods(prototype: number): void {
    if (!this.#isMet(prototype) || this.#classes.has(prototype)) return;
    this.#classes.add(prototype);
    const [from, to] = this.#snapshot.edgesOf(prototype);
    for (let edge = from; edge < to; edge++) {
      const target = this.#snapshot.target(edge);
      if (this.#snapshot.edgeName(edge) === '__proto__') this.#noteMethods(target);
      else if (this.#isOfProgram(target)) this.#methods.push([target, prototype, edge]);
    }
  }

  /** Of code of the program whose text is known, the context of which it meets the variables that it names. */
  #contextOf(code: number, names: Names): number | null {
    if (!this.#isOfProgram(code)) return null;
    names.add(code);
    const words = names.textOf(code)?.words;
    const own = this.#snapshot.type(code) === 'closure' ? this.#snapshot.follow(code, 'context') : null;
    if (words === undefined || words.has('eval')) return null;
    for (let at = own; at !== null && !this.#isMet(at); at = this.#snapshot.follow(at, 'previous')) {
      const [from, to] = this.#snapshot.edgesOf(at);
      for (let edge = from; edge < to; edge++) {
        // a block's variables have no names in a snapshot
        const isNamed = this.#snapshot.edgeType(edge) === 'context' && words.has(this.#snapshot.edgeName(edge));
        if (isNamed || this.#snapshot.edgeType(edge) === 'hidden') this.#meet(this.#snapshot.target(edge), code, edge);
      }
    }
    return own;
  }

  #isOfProgram(node: number): boolean {
    return isCode(this.#snapshot, node) && isOfProgram(this.#snapshot, node);
  }

  /** Whether an edge holds what it leads to. */
  #leads(node: number, edge: number, cut: readonly string[] | undefined): boolean {
    if (this.#snapshot.edgeType(edge) === 'weak' || cut?.includes(this.#snapshot.edgeName(edge))) return false;
    const target = this.#snapshot.target(edge);
    const isOfOther = (this.#owners.get(target) ?? node) !== node;
    return !isOfOther && !this.#containers.has(target) && !isPipeOfWorker(this.#snapshot, edge);
  }
}

/** Whether what it is called on is what it may end. */
function usesSelf(names: Names, code: number): boolean {
  const text = names.textOf(code);
  return text === null || (!text.isArrow && text.words.has('this'));
}

/** The nearest judged object on the way to `caller`. */
function whose(caller: number, from: ReadonlyMap<number, number>, judged: ReadonlySet<number>): number | null {
  for (let at = caller; ; ) {
    if (judged.has(at)) return at;
    const before = from.get(at);
    if (before === undefined || before === at) return null;
    at = before;
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
