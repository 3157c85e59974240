/**
 * Two snapshots compared: who holds what is new. It counts for what was there before and leads to it: an object used as a
 * map, a list, a promise that is awaited, or a timer's callback, with the lines that add to it as far as sources show them.
 *
 * False positives: what is under way as the later one is written, and what is still being filled. False negatives: of two
 * ways to the same thing only the shorter one is told.
 */
import { mask } from '../probe/recording/mask.ts';
import type { Holder } from '../probe/recording/reach.ts';
import { isOfProbe } from './own.ts';
import type { Reach } from './reach.ts';
import { callbackOf, type Heap, isContext, type Share, sharesOf, weighed } from './shares.ts';
import { isGlobal, type Place, type Snapshot } from './snapshot.ts';
import { hop, isStore, nameOf } from './words.ts';
import { writesTo } from './writes-to.ts';

const MOST = 12;
/** Bytes that are worth a word, and their share of what the largest holds. */
const FEWEST = { bytes: 50_000, share: 0.05 };
/** Hops that are told, nearest last. */
const HOPS = 3;
/** The way into what is new is followed as long as one thing leads to so much of it. */
const MAIN_SHARE = 0.5;

/** Functions that wait. */
const WAITING = new Set(['Generator', 'AsyncGenerator']);
/** Sources that are searched for a global variable. */
const MOST_FILES = 300;

/** `known`: ids of what was there before. Most bytes first. */
export function holdersOf(known: ReadonlySet<number>, snapshot: Snapshot, reach: Reach): Holder[] {
  const heap = weighed(known, snapshot, reach);
  const holders = sharesOf(heap)
    .filter(({ bytes, parts }) => bytes >= FEWEST.bytes && parts.length > 0)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, MOST)
    .flatMap((share) => told(heap, share));
  return holders.filter(({ bytes }) => bytes >= FEWEST.share * (holders[0]?.bytes ?? 0));
}

/** None where the probe alone holds it. */
function told(heap: Heap, { holder, parts, bytes }: Share): Holder[] {
  const { snapshot, reach } = heap;
  const main = parts.reduce((most, node) => ((heap.bytes[node] ?? 0) > (heap.bytes[most] ?? 0) ? node : most));
  const path = reach.pathTo(main);
  if (isOfOwn(snapshot, path)) return [];
  const timer = callbackOf(snapshot, main);
  const upTo = path.findIndex((edge) => snapshot.target(edge) === holder) + 1;
  const words = timer
    ? [`timers at ${timer.file.split('/').at(-1)}:${timer.line}`]
    : path.slice(0, upTo).flatMap((edge, i) => hop(snapshot, edge, path[i - 1] ?? null) ?? []);
  const known = words.length > 0 ? words : [mask(snapshot.name(main))];
  const held = [...[...new Set(known)].slice(-HOPS), ...insideOf(heap, main)].join(' → ');
  // each that waits for a promise is several parts
  const isCounted = snapshot.name(holder) !== 'Promise';
  const count = isCounted ? mostAlike(parts.map((node) => snapshot.name(node))) : 0;
  return [{ held, count, bytes, lines: timer ? [timer] : linesOf(heap, holder, path.slice(0, upTo)) }];
}

/** Where code waits for the promise, or what adds to the object by the name that it has. */
function linesOf(heap: Heap, holder: number, path: readonly number[]): Place[] {
  const { snapshot, reach } = heap;
  if (snapshot.name(holder) === 'Promise') return waitingFor(heap, holder);
  const nodes = path.map((edge) => snapshot.target(edge)).toReversed();
  const [last] = path.slice(-1);
  if (last === undefined) return [];
  // a global variable is anybody's
  const files = isGlobal(snapshot, reach.from(holder))
    ? [...snapshot.files()].slice(0, MOST_FILES)
    : nodes.flatMap((node) => fileOf(snapshot, node));
  return writesTo(nameOf(snapshot, last), files);
}

/** Of the function or class; of variables, of the functions that see them. */
function fileOf(snapshot: Snapshot, node: number): string[] {
  if (!isContext(snapshot, node)) return [snapshot.placeOf(node)?.file ?? ''];
  for (let closure = 0; closure < snapshot.size; closure++) {
    if (snapshot.type(closure) !== 'closure' || snapshot.follow(closure, 'context') !== node) continue;
    const place = snapshot.placeOf(closure);
    if (place !== null) return [place.file];
  }
  return [];
}

function waitingFor({ snapshot, reach, isNew }: Heap, promise: number): Place[] {
  for (const node of reach.met()) {
    if (!isNew[node] || !WAITING.has(snapshot.name(node))) continue;
    let at = node;
    while (isNew[at]) at = reach.from(at);
    const place = at === promise ? snapshot.placeOf(node) : null;
    if (place !== null) return [place];
  }
  return [];
}

/** The probe's, with no function of the service's nearer to what is new. */
function isOfOwn(snapshot: Snapshot, path: readonly number[]): boolean {
  const nodes = path.map((edge) => snapshot.target(edge)).toReversed();
  const isUsers = (node: number) => snapshot.type(node) === 'closure' && snapshot.placeOf(node) !== null;
  const nearest = nodes.find((node) => isOfProbe(snapshot, node) || isUsers(node));
  return nearest !== undefined && isOfProbe(snapshot, nearest);
}

/** How many are of the most frequent name. */
function mostAlike(names: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Math.max(...counts.values());
}

/** What the most of it is in, where that is no mere data. */
function insideOf(heap: Heap, part: number): string[] {
  const { snapshot, reach, bytes } = heap;
  const words: string[] = [];
  for (let node: number | undefined = part; node !== undefined; ) {
    const edge = reach.edgeTo(node);
    if (isStore(snapshot, edge) || WAITING.has(snapshot.name(node))) words.push(hop(snapshot, edge, null) ?? '');
    const [from, to] = snapshot.edgesOf(node);
    const inside: number = node;
    const targets = Array.from({ length: to - from }, (_, i) => snapshot.target(from + i));
    node = targets.find((each) => reach.from(each) === inside && (bytes[each] ?? 0) > MAIN_SHARE * (bytes[part] ?? 0));
  }
  return words;
}
