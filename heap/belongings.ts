/**
 * What belongs to a client: sockets and timers that lie in its properties, arrays and maps. The event loop holds those,
 * and through their listeners the client; nobody can end it by that. What a function of the client's refers to is not its
 * own, nor a timer that the program has set: those may be what ends it. A client that is a function, as that of
 * postgres.js, has its properties in variables: what functions of its package refer to is its own.
 */
import { TIMER_LINKS } from './machinery.ts';
import { packageFolderOf } from './methods.ts';
import type { Snapshot } from './snapshot.ts';

/** How a function refers to its context, and that to variables. */
const BY_CODE: ReadonlySet<string> = new Set(['context']);
/** Edges and objects that lead out of a client: to variables, whoever waits for it, its request's store, other timers. */
const LEADS_OUT: ReadonlySet<string> = new Set([
  ...['weak', 'context', 'Promise', 'Generator', 'AsyncGenerator'],
  '<symbol kResourceStore>',
  ...TIMER_LINKS,
]);

export interface Belongings {
  /** Those of the given objects that are clients: something that the event loop holds is theirs. */
  clients: ReadonlySet<number>;
  /** What they have, themselves among it. */
  own: ReadonlySet<number>;
}

/** `isHeld`: some variable leads to it, so that it belongs to nobody. `isOfLoop`: the event loop holds it. */
export function belongingsOf(
  snapshot: Snapshot,
  objects: Iterable<number>,
  isHeld: (node: number) => boolean,
  isOfLoop: (node: number) => boolean,
): Belongings {
  const free = [...objects].filter((node) => !isHeld(node));
  const owners = ownersIn(snapshot, free, isHeld);
  const leading = new Set([...owners.keys()].filter(isOfLoop));
  for (const node of leading) for (const owner of owners.get(node) ?? []) leading.add(owner);
  const clients = new Set(free.filter((node) => leading.has(node)));
  return { clients, own: new Set(ownersIn(snapshot, clients, isHeld).keys()) };
}

/** Of each object that belongs to one of these, what has it. */
function ownersIn(
  snapshot: Snapshot,
  seeds: Iterable<number>,
  isHeld: (node: number) => boolean,
): Map<number, number[]> {
  const owners = new Map<number, number[]>([...seeds].map((node) => [node, []]));
  const packages = new Set([...owners.keys()].flatMap((node) => packageFolderOf(snapshot, node) ?? []));
  for (const node of owners.keys()) {
    const isCode = snapshot.type(node) === 'closure';
    if (LEADS_OUT.has(snapshot.name(node)) || (isCode && !packages.has(packageFolderOf(snapshot, node) ?? '')))
      continue;
    // contexts are met by such functions alone
    const isOfCode = isCode || snapshot.name(node) === 'system / Context';
    const [from, to] = snapshot.edgesOf(node);
    for (let edge = from; edge < to; edge++) {
      const name = snapshot.edgeName(edge);
      const leadsOut = LEADS_OUT.has(snapshot.edgeType(edge)) || LEADS_OUT.has(name);
      if (leadsOut && !(isOfCode && (BY_CODE.has(snapshot.edgeType(edge)) || BY_CODE.has(name)))) continue;
      const target = snapshot.target(edge);
      if (isHeld(target)) continue;
      const of = owners.get(target);
      if (of === undefined) owners.set(target, [node]);
      else of.push(node);
    }
  }
  return owners;
}
