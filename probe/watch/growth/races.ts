/**
 * Races against a promise that never settles: each race leaves a reaction there, which keeps what won. Opt-in, since it
 * stands around `Promise.race` and `Promise.any`, and waits for each promise that is raced once.
 *
 * A race is over when a promise has settled that was new in it; then it is counted at those that were there before.
 *
 * False negatives: `await` and `then` on such a promise, and races over iterables that are no arrays.
 */
import { types } from 'node:util';
import type { Growth, GrowthWatch } from '../../account/growth.ts';
import type { Site } from '../../account/site.ts';
import { around, type Method } from '../../process/around.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import { isOfUser } from '../handles/callers.ts';

const PART = 'growth';
/** Races on one promise from which on it is told of. */
const FEW = 8;

interface Raced {
  name: string;
  isSettled: boolean;
  /** Races that it was in, and those that are over while it is not. */
  races: number;
  over: number;
  lastAt: number;
  doubleAt: number;
  site: Site | null;
}

/** `then` of a subclass makes another of it. */
function isPlain(member: unknown): member is Promise<unknown> {
  return types.isPromise(member) && member.constructor === Promise;
}

/** Of one race: what to do when a promise has settled that was new in it. The first of them counts. */
function overOnce(all: readonly Raced[]): (record: Raced) => () => void {
  let others = all;
  return (record) => () => {
    record.isSettled = true;
    for (const other of others) if (!other.isSettled) other.over++;
    others = [];
  };
}

export function watchRaces(desk: Desk): GrowthWatch {
  const { then } = Promise.prototype;
  const raced = new WeakMap<Promise<unknown>, Raced>();
  const many = new Set<{ ref: WeakRef<Promise<unknown>>; record: Raced }>();

  const race = (members: readonly unknown[], name: string, wrapper: Method): void => {
    const promises = members.filter(isPlain);
    if (promises.length < 2) return;
    const old = promises.flatMap((promise) => raced.get(promise) ?? []);
    const fresh = promises.filter((promise) => !raced.has(promise));
    const at = now();
    const records = fresh.map((promise) => {
      const record = {
        ...{ name, isSettled: false, races: 0, over: 0, lastAt: at, doubleAt: FEW, site: null },
      };
      raced.set(promise, record);
      return record;
    });
    const all = [...old, ...records];
    for (const record of all) record.races++;
    const settles = overOnce(all);
    for (const [i, promise] of fresh.entries()) {
      const settled = settles(records[i] as Raced);
      Reflect.apply(then, promise, [settled, settled]);
    }
    for (const promise of promises) {
      const record = raced.get(promise);
      if (record === undefined || record.races < record.doubleAt) continue;
      if (record.doubleAt === FEW) many.add({ ref: new WeakRef(promise), record });
      record.doubleAt *= 2;
      const site = desk.siteHere(wrapper);
      if (isOfUser(site)) record.site = site;
    }
    for (const record of old) record.lastAt = at;
  };

  for (const name of ['race', 'any'] as const) {
    around<object>(PART, Promise, name, {
      before: (_, members, __, wrapper) => {
        if (Array.isArray(members)) race(members, `Promise.${name}`, wrapper);
      },
    });
  }

  function* read(): Iterable<Growth> {
    for (const one of many) {
      const { name, isSettled, over, site, lastAt } = one.record;
      if (isSettled || one.ref.deref() === undefined) many.delete(one);
      else if (site !== null) {
        yield { nature: 'reaction', name, site, count: over, turns: over, lastAt, sentence: inWords(one.record) };
      }
    }
  }
  return { hasMatter: () => many.size > 0, read };
}

function inWords({ name, over }: Raced): string {
  return `${over.toLocaleString('en-US')} times this ${name} was over while one of its promises, the same each time, has never settled: that promise keeps what each of them waited for.`;
}
