import tarn from 'tarn';
import { errorOf, ownOf } from './outcomes.mjs';

const { Pool, TimeoutError } = tarn;
let made = 0;
const poolOf = (options) =>
  new Pool({
    create: (done) => done(null, { id: ++made }),
    destroy: (resource) => {
      resource.isDestroyed = true;
    },
    validate: (resource) => !resource.isBad,
    ...{ min: 0, max: 2, ...options },
  });
const counts = (pool) => [pool.numUsed(), pool.numFree(), pool.numPendingAcquires(), pool.numPendingCreates()];

export async function open() {
  made = 0;
  return { pool: poolOf() };
}

export async function close() {}

export const documented = {
  'acquire gives a pending operation': async ({ pool }) => {
    const pending = pool.acquire();
    const names = [pending.constructor.name, ownOf(pending), pending.promise instanceof Promise, pending.abort];
    const resource = await pending.promise;
    return [names, counts(pool), pool.release(resource), counts(pool)];
  },
  'names and arities': ({ pool }) => [pool.acquire, pool.release, pool.destroy, pool.on, pool.isEmpty, pool.check],
  'own properties of a pool': ({ pool }) => ownOf(pool),
  'methods are those of the prototype': ({ pool }) =>
    ['acquire', 'release', 'destroy'].map((name) => Object.hasOwn(pool, name)),
  'the same one is lent again': async ({ pool }) => {
    const first = await pool.acquire().promise;
    pool.release(first);
    const second = await pool.acquire().promise;
    pool.release(second);
    return first === second;
  },
  'released twice, and what is not its own': async ({ pool }) => {
    const resource = await pool.acquire().promise;
    return [pool.release(resource), pool.release(resource), pool.release({})];
  },
  'who waits is served in order': async ({ pool }) => {
    const lent = [await pool.acquire().promise, await pool.acquire().promise];
    const order = [];
    const waiting = ['a', 'b'].map(async (name) => {
      const resource = await pool.acquire().promise;
      order.push(name);
      pool.release(resource);
    });
    const before = counts(pool);
    for (const resource of lent) pool.release(resource);
    await Promise.all(waiting);
    return [before, order];
  },
  acquireTimeoutMillis: async () => {
    const pool = poolOf({ max: 1, acquireTimeoutMillis: 50 });
    const resource = await pool.acquire().promise;
    const error = await errorOf(() => pool.acquire().promise);
    pool.release(resource);
    return [error, error instanceof TimeoutError];
  },
  'an acquire that is aborted': async () => {
    const pool = poolOf({ max: 1 });
    const resource = await pool.acquire().promise;
    const pending = pool.acquire();
    pending.abort();
    const error = await errorOf(() => pending.promise);
    pool.release(resource);
    return [error, pending.isRejected, counts(pool)];
  },
  'one that is not valid is replaced': async () => {
    const pool = poolOf({ max: 1 });
    const first = await pool.acquire().promise;
    first.isBad = true;
    pool.release(first);
    const second = await pool.acquire().promise;
    return [first === second, first.isDestroyed, pool.release(second)];
  },
  'a factory that fails': async () => {
    const pool = poolOf({ create: () => Promise.reject(new RangeError('none')), propagateCreateError: true });
    return errorOf(() => pool.acquire().promise);
  },
  createTimeoutMillis: async () => {
    const pool = poolOf({ create: () => new Promise(() => {}), createTimeoutMillis: 50, acquireTimeoutMillis: 2000 });
    return errorOf(() => pool.acquire().promise);
  },
  events: async () => {
    const pool = poolOf({ max: 1 });
    const seen = [];
    const names = [
      'acquireRequest',
      'acquireSuccess',
      'createRequest',
      'createSuccess',
      'release',
      'poolDestroySuccess',
    ];
    for (const name of names) pool.on(name, (...values) => seen.push([name, values.length]));
    pool.release(await pool.acquire().promise);
    await pool.destroy();
    return seen;
  },
  'wrong options': async () => [
    await errorOf(() => poolOf({ create: null })),
    await errorOf(() => poolOf({ extra: 1 })),
  ],
  'a destroyed pool': async ({ pool }) => {
    await pool.destroy();
    return [await errorOf(() => pool.acquire().promise), counts(pool), pool.isEmpty()];
  },
};
