/**
 * Maps, sets and arrays that only grow, by the line that adds. Opt-in, since it stands around `Map.prototype.set`,
 * `Set.prototype.add` and `Array.prototype.push`, whose calls cost some ten nanoseconds more; V8 no longer inlines them.
 *
 * A collection is looked at from 32 elements on. A stack is taken each time that it has become twice as large in another
 * turn than before; so what is filled in one go takes none.
 *
 * False negatives: plain objects, arrays that grow by their length or anew by spreading, and WeakMaps, on purpose.
 */
import { types } from 'node:util';
import type { Growth, GrowthWatch } from '../../account/growth.ts';
import { isOfNode, type Site } from '../../account/site.ts';
import { around, type Method } from '../../process/around.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import { isOfUser } from '../handles/callers.ts';

const PART = 'growth';
/** Elements from which on a collection is known. */
const FEW = 32;
/** Collections that are known at once: the first ones are those that live longest. */
const MOST = 10_000;

type Collection = Map<unknown, unknown> | Set<unknown> | unknown[];

interface Known {
  name: string;
  ref: WeakRef<Collection>;
  /** Since when it is known: its elements then, and what was added since. */
  base: number;
  added: number;
  turn: number;
  turns: number;
  firstAt: number;
  lastAt: number;
  doubleAt: number;
  site: Site | null;
}

/** Of what is no such collection: a call that will fail, a list that is merely like an array. */
const UNKNOWN = -1;

const sizeOfMap = Object.getOwnPropertyDescriptor(Map.prototype, 'size')?.get as Method;
const sizeOfSet = Object.getOwnPropertyDescriptor(Set.prototype, 'size')?.get as Method;

export function watchCollections(desk: Desk, isOwnCall: (wrapper: Method) => boolean): GrowthWatch {
  const known = new WeakMap<Collection, Known>();
  const ignored = new WeakSet<Collection>();
  const all = new Set<Known>();
  /** The account itself adds to collections of its own. */
  let isInside = false;

  const grew = (collection: Collection, name: string, size: number, by: number, wrapper: Method): void => {
    if (size < FEW || isInside) return;
    isInside = true;
    try {
      const one = known.get(collection);
      if (one) added(one, size, by, wrapper);
      else if (all.size < MOST && !ignored.has(collection)) begin(collection, name, size, wrapper);
    } finally {
      isInside = false;
    }
  };
  const begin = (collection: Collection, name: string, size: number, wrapper: Method): void => {
    if (isOwnCall(wrapper)) {
      ignored.add(collection);
      return;
    }
    const at = now();
    const one: Known = {
      ...{ name, ref: new WeakRef(collection), base: size, added: 0, turn: desk.turn(), turns: 1 },
      ...{ firstAt: at, lastAt: at, doubleAt: 2 * size, site: null },
    };
    known.set(collection, one);
    all.add(one);
  };
  const added = (one: Known, size: number, by: number, wrapper: Method): void => {
    one.added += by;
    one.lastAt = now();
    const turn = desk.turn();
    if (turn === one.turn) return;
    one.turn = turn;
    one.turns++;
    if (size < one.doubleAt) return;
    one.doubleAt = 2 * size;
    const site = desk.siteHere(wrapper);
    // Node keeps listeners so, for one
    if (isOfUser(site) && !isOfNode(site) && !desk.isOfLibrary(site)) one.site = site;
  };

  keyed(Map.prototype, 'set', { name: 'Map', is: types.isMap, sizeIn: sizeOfMap }, grew);
  keyed(Set.prototype, 'add', { name: 'Set', is: types.isSet, sizeIn: sizeOfSet }, grew);
  around<unknown[], number>(PART, Array.prototype, 'push', {
    before: (self) => (Array.isArray(self) && !types.isProxy(self) ? self.length : UNKNOWN),
    after: (self, length: number, before = UNKNOWN, wrapper) => {
      if (before !== UNKNOWN) grew(self, 'Array', length, length - before, wrapper);
    },
  });

  const hasMatter = (): boolean => {
    for (const { site } of all) if (site !== null) return true;
    return false;
  };
  function* read(): Iterable<Growth> {
    for (const one of all) {
      const collection = one.ref.deref();
      const count = collection === undefined ? 0 : sizeNow(collection);
      // something was removed: it is kept in bounds by somebody
      if (count < one.base + one.added) all.delete(one);
      else if (one.site !== null) {
        const { name, site, turns, lastAt } = one;
        yield { nature: 'collection', name, site, count, turns, lastAt, sentence: inWords(one, count) };
      }
    }
  }
  return { hasMatter, read };
}

function inWords({ name, turns, firstAt, lastAt }: Known, count: number): string {
  const what = name === 'Array' ? 'an array' : `a ${name}`;
  const size = count.toLocaleString('en-US');
  return `Adds to ${what} of ${size} elements, from which nothing was ever removed: in ${turns.toLocaleString('en-US')} turns of the program, over ${Math.round(lastAt - firstAt).toLocaleString('en-US')} ms.`;
}

type Grew = (collection: Collection, name: string, size: number, by: number, wrapper: Method) => void;

interface Keyed {
  name: string;
  is(value: unknown): boolean;
  sizeIn: Method;
}

function keyed(prototype: object, method: 'set' | 'add', { name, is, sizeIn }: Keyed, grew: Grew): void {
  around<Map<unknown, unknown>, number>(PART, prototype, method, {
    before: (self) => (is(self) ? Reflect.apply(sizeIn, self, []) : UNKNOWN),
    after: (self, _, before = UNKNOWN, wrapper) => {
      if (before === UNKNOWN) return;
      const size: number = Reflect.apply(sizeIn, self, []);
      if (size > before) grew(self, name, size, size - before, wrapper);
    },
  });
}

function sizeNow(collection: Collection): number {
  if (Array.isArray(collection)) return collection.length;
  return types.isMap(collection) ? Reflect.apply(sizeOfMap, collection, []) : Reflect.apply(sizeOfSet, collection, []);
}
