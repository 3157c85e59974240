/** How things are done with tarn. It lends whatever is made for it. */
import tarn from 'tarn';
import { anotherCopy } from './another-copy.mjs';
import { countingIn, maker, soon } from './made-by.mjs';

export { break, calls, evicting, hanging, queueing, refusing, use, validating, waitsAtMost } from './made-by.mjs';

const settings = { acquireTimeoutMillis: 500, reapIntervalMillis: 20 };

export const poolName = (n) => `tarn #${n}`;
export const finds = ['unreachable', 'proven'];
/** It fills no minimum, it only keeps one. */
export const minimum = 1;

export function createPool(_, { waitMs, isSubclass, isCopy, ...options }) {
  const { Pool } = isCopy ? anotherCopy('tarn') : tarn;
  return new (isSubclass ? countingIn(Pool) : Pool)({
    ...maker,
    ...settings,
    min: 0,
    ...(waitMs && { acquireTimeoutMillis: waitMs }),
    ...options,
  });
}

export const acquires = {
  'acquire()': async (pool, then) => {
    const connection = await pool.acquire().promise;
    then?.();
    return connection;
  },
  'acquire(), and its promise later': async (pool) => {
    const pending = pool.acquire();
    await soon(1);
    return pending.promise;
  },
};
export const takeForJob = (pool) => pool.acquire().promise;
export const releases = {
  'release()': (pool, connection) => pool.release(connection),
};
export const borrows = {
  'acquire(), and another that is aborted': async (pool) => {
    const connection = await pool.acquire().promise;
    const pending = pool.acquire();
    pending.abort();
    pool.release(connection);
    await pending.promise;
  },
};
export const giveBackForeign = (pool) => pool.release({ id: 0 });
export const close = (pool) => pool.destroy();
/** It waits for connections that never come up. */
export const dispose = (pool) => Promise.race([pool.destroy(), soon(50)]);
export const counts = (pool) => ({
  used: pool.numUsed(),
  idle: pool.numFree(),
  // from 3.0.0 an acquire also waits for the validation of its connection
  pending: pool.numPendingAcquires() + (pool.numPendingValidations?.() ?? 0),
});
