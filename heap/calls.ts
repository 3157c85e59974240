/**
 * Code of the program that runs when something happens that only machinery waits for: a listener of a socket that nobody
 * holds, the callback of its timer, a function that awaits its answer. Nothing but machinery leads to these, and yet they
 * may give it back: `setInterval(() => { if (isReady()) clearInterval(poll); })`.
 *
 * What such code can get at is held, as long as it names that: a variable of its context by its own text, and a property
 * by the text of anything that it may call, by whose name it calls that. Text that cannot be read names everything; text
 * that goes through an object's keys names those; methods that the language or Node.js calls need no name.
 * Listeners for an error or the end may end other things, and not that which they listen to: it is over by then.
 */
import { type FunctionText, functionText } from './function-text.ts';
import { codeOf, isOfProgram } from './methods.ts';
import type { Snapshot } from './snapshot.ts';

/** Events after which nothing is left to give back of what has them. */
const ENDS: ReadonlySet<string> = new Set(['error', 'close', 'exit']);
const LISTENERS = '_events';
/** Edges to what has a class's methods: these are called by name. */
export const PROTOTYPE: ReadonlySet<string> = new Set(['__proto__', 'prototype']);
const NAME = /^#?[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
/** Methods that the language or Node.js calls by itself: of iterators, of what is awaited, of streams and listeners. */
const UNNAMED: ReadonlySet<string> = new Set([
  ...['then', 'next', 'return', 'toString', 'valueOf', 'toJSON', 'handleEvent', 'emit'],
  ...['_construct', '_read', '_write', '_writev', '_transform', '_flush', '_final'],
]);
const GENERATORS = ['Generator', 'AsyncGenerator'];

export interface Call {
  code: number;
  /** Of what leads to it, and by which edge. */
  from: number;
  edge: number;
  /** What has them is over by then. */
  isEnd: boolean;
}

/**
 * `leads`: whether an edge holds what it leads to; `isMet`: something else leads there. Of code that does, what it is
 * called on may be nobody's else. `instances`: objects with methods that are called without a name.
 */
export function callsFrom(
  snapshot: Snapshot,
  sources: Iterable<number>,
  isMet: (node: number) => boolean,
  leads: (node: number, edge: number) => boolean,
): { calls: Call[]; instances: number[]; from: ReadonlyMap<number, number> } {
  const from = new Map<number, number>();
  const listeners = new Set<number>();
  const prototypes = new Set<number>();
  const calls: Call[] = [];
  const ends: [node: number, edge: number][] = [];
  const take = (node: number, edge: number, isEnd: boolean, queue: number[]): void => {
    const [target, name] = [snapshot.target(edge), snapshot.edgeName(edge)];
    if (from.has(target)) return;
    const isCall = isCode(snapshot, target) && isOfProgram(snapshot, target);
    if (isCall && !prototypes.has(node) && !PROTOTYPE.has(name)) calls.push({ code: target, from: node, edge, isEnd });
    if (isCall || isMet(target)) return;
    from.set(target, node);
    queue.push(target);
    if (name === LISTENERS) listeners.add(target);
    if (PROTOTYPE.has(name)) prototypes.add(target);
  };
  const follow = (queue: number[], isEnd: boolean): void => {
    for (const node of queue) {
      const [first, last] = snapshot.edgesOf(node);
      for (let edge = first; edge < last; edge++) {
        if (snapshot.edgeType(edge) === 'weak' || isNameless(snapshot, edge) || !leads(node, edge)) continue;
        if (listeners.has(node) && ENDS.has(snapshot.edgeName(edge))) ends.push([node, edge]);
        else take(node, edge, isEnd, queue);
      }
    }
  };
  const free = new Set([...sources].filter((node) => !isMet(node)));
  for (const node of free) from.set(node, node);
  follow([...free], false);
  // what leads there in another way was taken as such
  const late: number[] = [];
  for (const [node, edge] of ends.splice(0)) take(node, edge, true, late);
  follow(late, true);
  const isCalled = calledUnnamed(snapshot);
  return { calls, instances: [...from.keys()].filter(isCalled), from };
}

/** Whether one of the classes that an object is of has such methods, and is the program's. */
function calledUnnamed(snapshot: Snapshot): (node: number) => boolean {
  const known = new Map<number, boolean>();
  const hasOwn = (prototype: number): boolean => {
    const [first, last] = snapshot.edgesOf(prototype);
    for (let edge = first; edge < last; edge++) {
      if (UNNAMED.has(snapshot.edgeName(edge)) && isOfProgram(snapshot, snapshot.target(edge))) return true;
    }
    return false;
  };
  return function isCalled(node): boolean {
    const prototype = snapshot.follow(node, '__proto__');
    if (prototype === null) return false;
    const is = known.get(prototype) ?? (hasOwn(prototype) || isCalled(prototype));
    known.set(prototype, is);
    return is;
  };
}

/** To what V8 keeps of an object beside its properties, and has once more by their names. */
export function isNameless(snapshot: Snapshot, edge: number): boolean {
  return snapshot.edgeType(edge) === 'internal' && ['map', 'properties'].includes(snapshot.edgeName(edge));
}

export function isCode(snapshot: Snapshot, node: number): boolean {
  return snapshot.type(node) === 'closure' || GENERATORS.includes(snapshot.name(node));
}

/** What code names, and what it calls by its name. */
export class Names {
  readonly #snapshot: Snapshot;
  readonly #named: Set<string> = new Set();
  readonly #texts: Map<number, FunctionText | null> = new Map();
  #byName: Map<string, number[]> | null = null;
  #namesAll = false;
  #goesThroughKeys = false;
  #callsAny = false;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#read([...UNNAMED].flatMap((name) => this.#calledBy(name)));
  }

  /** Null where its text cannot be read. */
  textOf(code: number): FunctionText | null {
    let text = this.#texts.get(code);
    if (text === undefined) {
      const place = this.#snapshot.placeOf(codeOf(this.#snapshot, code));
      text = place === null ? null : functionText(place);
      this.#texts.set(code, text);
    }
    return text;
  }

  /** Code that may run, and with it whatever has a name that it uses. */
  add(code: number): void {
    this.#read([code]);
  }

  #read(todo: number[]): void {
    for (let next = todo.pop(); next !== undefined && !this.#namesAll; next = todo.pop()) {
      const text = this.textOf(next);
      this.#namesAll = text === null;
      this.#goesThroughKeys ||= text?.goesThroughKeys === true;
      this.#callsAny ||= text?.callsAny === true;
      for (const word of text?.words ?? []) todo.push(...this.#calledBy(word));
    }
  }

  /** Whether a method is called by its name, or by one that is worked out. */
  calls(edge: number): boolean {
    return this.#callsAny || this.#has(edge);
  }

  /** Whether what an edge of `from` leads to is got at: of an object without a class, its key may stand for a name. */
  leadsTo(edge: number, from: number): boolean {
    const hasKeys = this.#snapshot.type(from) === 'object' && this.#snapshot.name(from) === 'Object';
    return (this.#goesThroughKeys && hasKeys) || this.#has(edge);
  }

  /** Whether what an edge leads to is got at by a name that is used, or without any. */
  #has(edge: number): boolean {
    const [type, name] = [
      this.#snapshot.edgeType(edge),
      this.#snapshot.edgeName(edge).replace(/^<symbol (#.*)>$/, '$1'),
    ];
    const isNamed = (type === 'property' || type === 'context') && NAME.test(name);
    return this.#namesAll || !isNamed || this.#named.has(name.replace('#', ''));
  }

  /** Functions of the program by a name that nothing has used before. */
  #calledBy(name: string): number[] {
    if (this.#named.has(name)) return [];
    this.#named.add(name);
    return this.#functions(name);
  }

  #functions(name: string): number[] {
    if (this.#byName === null) {
      const byName = new Map<string, number[]>();
      for (let node = 0; node < this.#snapshot.size; node++) {
        if (this.#snapshot.type(node) !== 'closure' || !isOfProgram(this.#snapshot, node)) continue;
        const called = this.#snapshot.name(node).replace(/^[gs]et |#/g, '');
        const known = byName.get(called);
        if (known === undefined) byName.set(called, [node]);
        else known.push(node);
      }
      this.#byName = byName;
    }
    return this.#byName.get(name) ?? [];
  }
}
