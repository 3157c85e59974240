import tarn from 'tarn';
import { maker, rowsOf } from './made-by.mjs';
import { errorOf, ownOf } from './outcomes.mjs';

const { Pool, TimeoutError } = tarn;
const poolOf = (options) => new Pool({ ...maker, ...options });
const counts = (pool) => [pool.numUsed(), pool.numFree(), pool.numPendingAcquires(), pool.numPendingCreates()];
const acquire = (pool) => pool.acquire().promise;

export async function open() {
  return { pool: poolOf() };
}

export async function close() {}

export const documented = {
  ...rowsOf({ poolOf, acquire, counts, TimeoutError }),
  'acquire gives a pending operation': async ({ pool }) => {
    const pending = pool.acquire();
    const names = [pending.constructor.name, ownOf(pending), pending.promise instanceof Promise, pending.abort];
    const resource = await pending.promise;
    return [names, counts(pool), pool.release(resource), counts(pool)];
  },
  'names and arities': ({ pool }) => [pool.acquire, pool.release, pool.destroy, pool.on, pool.isEmpty, pool.check],
  'released twice, and what is not its own': async ({ pool }) => {
    const resource = await pool.acquire().promise;
    return [pool.release(resource), pool.release(resource), pool.release({})];
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
  'a factory that calls back': async () => {
    const pool = poolOf({ create: (done) => done(null, { id: 'told' }) });
    return [await acquire(pool), counts(pool)];
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
