/**
 * What is new in a later snapshot, shared out among what was there before and leads to it: an object used as a map, a
 * list, a promise that is awaited; what hangs at Node's own lists is told apart by what it is.
 */
import type { Reach } from './reach.ts';
import type { Place, Snapshot } from './snapshot.ts';

/** What so many parts of one object hold is told as that object's. */
const MANY_PARTS = 3;
/** How V8 stores what an object or a collection has. */
const STORES = ['array', 'hidden', 'code', 'object shape', 'synthetic'];

export interface Heap {
  snapshot: Snapshot;
  reach: Reach;
  isNew: Uint8Array;
  /** Of what is new, with all that is new beneath it. */
  bytes: Float64Array;
}

export interface Share {
  holder: number;
  /** What is new right beneath it, as the program sees it. */
  parts: number[];
  bytes: number;
}

/** `known`: ids of what was there before. */
export function weighed(known: ReadonlySet<number>, snapshot: Snapshot, reach: Reach): Heap {
  const isNew = Uint8Array.from({ length: snapshot.size }, (_, node) => (known.has(snapshot.id(node)) ? 0 : 1));
  const bytes = new Float64Array(snapshot.size);
  const met = reach.met();
  for (let i = met.length - 1; i >= 0; i--) {
    const node = met[i] as number;
    if (!isNew[node]) continue;
    bytes[node]! += snapshot.selfSize(node);
    const from = reach.from(node);
    if (isNew[from]) bytes[from]! += bytes[node] as number;
  }
  return { snapshot, reach, isNew, bytes };
}

export function sharesOf(heap: Heap): Share[] {
  const { snapshot, reach, isNew, bytes } = heap;
  const shares = new Map<string, Share>();
  for (const node of reach.met()) {
    const holder = above(heap, node);
    if (!isNew[node] || isNew[holder]) continue;
    const key = keyOf(heap, node, holder);
    const share = shares.get(key) ?? { holder, parts: [], bytes: 0 };
    shares.set(key, share);
    if (!isNew[reach.from(node)]) share.bytes += bytes[node] as number;
    if (!isBacking(snapshot, node)) share.parts.push(node);
  }
  return together(heap, shares);
}

/** What hangs at Node's or V8's own lists is told apart by what it is, a timer by its callback. */
function keyOf({ snapshot }: Heap, node: number, holder: number): string {
  if (holder !== 0 && !isBacking(snapshot, holder)) return String(holder);
  const { file, line } = callbackOf(snapshot, node) ?? {};
  return `${snapshot.name(node)} ${file}:${line}`;
}

/** Things of a kind that hold a share each, such as the lists of each customer, are one. */
function together(heap: Heap, shares: ReadonlyMap<string, Share>): Share[] {
  const byParent = new Map<number, Share[]>();
  for (const share of shares.values()) {
    const parent = above(heap, share.holder);
    byParent.set(parent, [...(byParent.get(parent) ?? []), share]);
  }
  return [...byParent].flatMap(([parent, group]) => {
    const bytes = group.reduce((sum, share) => sum + share.bytes, 0);
    const isOne = parent !== 0 && !isBacking(heap.snapshot, parent) && !isContext(heap.snapshot, parent);
    if (!isOne || group.length < MANY_PARTS || group.some((share) => share.bytes > bytes / 2)) return group;
    return [{ holder: parent, parts: group.flatMap(({ parts }) => parts), bytes }];
  });
}

/** What it is reached by, as the program sees it. */
function above({ snapshot, reach }: Heap, node: number): number {
  let at = reach.from(node);
  while (at !== 0 && isBacking(snapshot, at)) at = reach.from(at);
  return at;
}

function isBacking(snapshot: Snapshot, node: number): boolean {
  return STORES.includes(snapshot.type(node)) || /^system \/ (?!Context)/.test(snapshot.name(node));
}

export function isContext(snapshot: Snapshot, node: number): boolean {
  return snapshot.name(node) === 'system / Context';
}

/** Of a timer. */
export function callbackOf(snapshot: Snapshot, node: number): Place | null {
  const callback = snapshot.name(node) === 'Timeout' ? snapshot.follow(node, '_onTimeout') : null;
  return callback === null ? null : snapshot.placeOf(callback);
}
