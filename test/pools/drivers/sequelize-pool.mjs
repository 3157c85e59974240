/** How things are done with sequelize-pool. It lends whatever is made for it. */
import { Pool as Own } from 'sequelize-pool';
import { anotherCopy } from './another-copy.mjs';
import { countingIn, maker, soon } from './made-by.mjs';

export { break, calls, evicting, hanging, queueing, refusing, use, validating, waitsAtMost } from './made-by.mjs';

export const poolName = (n) => `pool ${n}`;
export const finds = ['unreachable', 'proven'];
/** It fills no minimum, it only keeps one. */
export const minimum = 1;

export function createPool(n, { waitMs, isSubclass, isCopy, min = 0, ...options }) {
  const { Pool } = isCopy ? anotherCopy('sequelize-pool') : { Pool: Own };
  return new (isSubclass ? countingIn(Pool) : Pool)({
    name: poolName(n),
    ...maker,
    ...{ min, acquireTimeoutMillis: waitMs ?? 500, reapIntervalMillis: 20 },
    ...options,
  });
}

export const acquires = {
  'acquire()': async (pool, then) => {
    const connection = await pool.acquire();
    then?.();
    return connection;
  },
};
export const takeForJob = (pool) => pool.acquire();
export const releases = {
  'release()': async (pool, connection) => pool.release(connection),
  'destroy()': (pool, connection) => pool.destroy(connection),
};
export const borrows = {};
export const giveBackForeign = async (pool) => pool.release({ id: 0 });
export const close = async (pool) => {
  await pool.drain();
  await pool.destroyAllNow();
};
/** It waits for connections that never come up. */
export const dispose = (pool) => Promise.race([close(pool), soon(50)]);
export const counts = (pool) => ({ used: pool.using, idle: pool.available, pending: pool.waiting });
