/** A retaining path in the words of whoever wrote the program: `cache: Map at orders.ts:3`, `waiting in book() at orders.ts:40`. */
import { basename } from 'node:path';
import { mask } from '../probe/recording/mask.ts';
import { codeOf } from './methods.ts';
import { isOfProbe } from './own.ts';
import type { Reach } from './reach.ts';
import { isGlobal, type Place, type Snapshot } from './snapshot.ts';

/** Hops that are told of one path: the nearest to the resource say the most. */
const MOST = 4;
/** Containers whose insides are of no interest. */
const COLLECTIONS = ['Array', 'Map', 'Set', 'Object'];

/** From the root's side to the resource; empty when nothing holds it, or the probe alone. */
export function heldBy(snapshot: Snapshot, reach: Reach, node: number): string[] {
  const path = reach.pathTo(node);
  const words: string[] = [];
  let isOwn = false;
  // the last leads to the resource itself
  for (const [i, edge] of path.slice(0, -1).entries()) {
    const target = snapshot.target(edge);
    const isCode = isOfProbe(snapshot, target);
    // what the probe stands around leads on to the service's own
    if (snapshot.type(target) === 'closure') isOwn = isCode;
    const said = isOwn || isCode ? null : hop(snapshot, edge, path[i - 1] ?? null);
    if (said !== null) words.push(said);
  }
  return isOwn ? [] : [...new Set(words)].slice(-MOST);
}

/** What the object that an edge leads to is, as far as it means something to a reader. */
export function hop(snapshot: Snapshot, edge: number, before: number | null): string | null {
  const node = snapshot.target(edge);
  const [name, type] = [nameOf(snapshot, edge), snapshot.edgeType(edge)];
  const what = mask(snapshot.name(node));
  if (what === 'Generator' || what === 'AsyncGenerator') return `waiting in a function${at(snapshot.placeOf(node))}`;
  if (isGlobal(snapshot, node)) return null;
  if (what === 'Timeout') return 'a timer';
  if (isStore(snapshot, edge)) return 'a store of AsyncLocalStorage';
  if (snapshot.type(node) === 'closure') {
    const place = at(snapshot.placeOf(codeOf(snapshot, node)));
    if (name === '_onTimeout') return `timer${place}`;
    const isListener = before !== null && snapshot.edgeName(before) === '_events' && type === 'property';
    if (isListener) return `listener of "${mask(name)}"${place}`;
    return place ? `${what ? `${what}()` : 'a function'}${place}` : null;
  }
  if (type === 'context' && name === 'this') return what;
  if (type === 'context') return `${mask(name)}: ${what}`;
  if (snapshot.type(node) !== 'object' || what.startsWith('system / ')) return null;
  if (type === 'property' && /^#?[A-Za-z_$][\w$]*$/.test(name) && !name.startsWith('_'))
    return `${mask(name)}: ${what}`;
  return type === 'property' || what === '' || COLLECTIONS.includes(what)
    ? null
    : `${what}${at(snapshot.placeOf(node))}`;
}

/** A private field's as it is written. */
export function nameOf(snapshot: Snapshot, edge: number): string {
  const name = snapshot.edgeName(edge);
  return /^<symbol (#.*)>$/.exec(name)?.[1] ?? name;
}

function at(place: Place | null): string {
  return place === null || place.file.startsWith('node:') ? '' : ` at ${basename(place.file)}:${place.line}`;
}

/** Node.js 24 keeps stores in an object of their own, before that they were a property of each resource. */
export function isStore(snapshot: Snapshot, edge: number): boolean {
  return (
    snapshot.name(snapshot.target(edge)) === 'AsyncContextFrame' ||
    snapshot.edgeName(edge) === '<symbol kResourceStore>'
  );
}
