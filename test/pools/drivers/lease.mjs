/** A pool that no adapter knows and that makes itself watchable by `outlive/lease`. It lends whatever is made for it. */
import { createRequire } from 'node:module';
import { Leases as Own } from 'outlive/lease';
import { countingIn, maker, soon } from './made-by.mjs';

export { calls, hanging, queueing, refusing, use, validating } from './made-by.mjs';

/** What a pool's author has copied. */
function copied() {
  const require = createRequire(import.meta.url);
  const file = require.resolve('outlive/lease');
  delete require.cache[file];
  return require(file).Leases;
}

class Late extends Error {
  name = 'Late';
}

class Desks {
  calls = 0;
  #options;
  #leases;
  #free = [];
  #used = new Set();
  #waiting = [];
  #making = 0;
  #isClosed = false;
  #whenEmpty = () => {};

  constructor(options) {
    this.#options = options;
    const { Leases, name, max } = options;
    this.#leases = new Leases({ library: 'desks', name, max, isFresh: true }, (error) => error instanceof Late);
  }

  get used() {
    return this.#used.size;
  }

  get pending() {
    return this.#waiting.length + this.#making;
  }

  set waitMs(ms) {
    this.#options.waitMs = ms;
  }

  acquire(then) {
    return this.#leases.acquire(async () => {
      if (this.#isClosed) throw new Error('closed');
      const place = await this.#place();
      then?.();
      // each borrow has its own
      const desk = { place };
      this.#used.add(place);
      return desk;
    });
  }

  release(desk) {
    const { place } = desk;
    if (!this.#used.delete(place)) throw new Error('not lent');
    this.#leases.released(desk);
    const next = this.#waiting.shift();
    if (next) next(place);
    else this.#free.push(place);
    if (this.#used.size === 0) this.#whenEmpty();
  }

  async close() {
    this.#isClosed = true;
    if (this.#used.size > 0) await new Promise((resolve) => (this.#whenEmpty = resolve));
  }

  async #place() {
    const { max, create, waitMs } = this.#options;
    const free = this.#free.pop();
    if (free?.isValid) return free;
    if (this.#used.size + this.#making >= max) return this.#wait(waitMs);
    this.#making++;
    try {
      return await Promise.race([create(), soon(waitMs).then(() => Promise.reject(new Late('none came')))]);
    } finally {
      this.#making--;
    }
  }

  #wait(ms) {
    return new Promise((resolve, reject) => {
      const served = (place) => {
        clearTimeout(timer);
        resolve(place);
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(served), 1);
        reject(new Late('no desk is free'));
      }, ms);
      this.#waiting.push(served);
    });
  }
}

export const poolName = (n) => `room ${n}`;
export const finds = ['collected', 'proven'];
/** It has none. */
export const minimum = 0;

export function createPool(n, { waitMs = 500, isSubclass, isCopy, min, ...options }) {
  return new (isSubclass ? countingIn(Desks) : Desks)({
    ...{ Leases: isCopy ? copied() : Own, name: poolName(n), waitMs },
    create: maker.create,
    ...options,
  });
}

export const acquires = { 'acquire()': (pool, then) => pool.acquire(then) };
export const takeForJob = (pool) => pool.acquire();
export const releases = { 'release()': async (pool, desk) => pool.release(desk) };
export const borrows = {};
export const giveBackForeign = async (pool) => pool.release({ place: null });
export const close = (pool) => pool.close();
/** Some are never given back. */
export const dispose = (pool) => Promise.race([pool.close(), soon(50)]);
/** Of idle ones no message tells. */
export const counts = ({ used, pending }) => ({ used, idle: 0, pending });

export function waitsAtMost(pool, ms) {
  pool.waitMs = ms;
}
export const evicting = null;
function breakConnection(_, { place }) {
  place.isValid = false;
}

export { breakConnection as break };
