/** How things are done with generic-pool. It lends whatever its factory makes. */
import genericPool from 'generic-pool';
import { anotherCopy } from './another-copy.mjs';
import { countingIn, refusing as failing, maker, soon } from './made-by.mjs';

export { break, calls, use } from './made-by.mjs';

const tell = (then) => (connection) => {
  then?.();
  return connection;
};
const settings = { min: 0, evictionRunIntervalMillis: 0 };

export const poolName = (n) => `generic-pool #${n}`;
export const finds = ['unreachable', 'proven'];
export const minimum = 2;

export function createPool(_, { max, min = 0, waitMs, isSubclass, isCopy, factory = {}, ...options }) {
  const own = {
    ...maker,
    validate: async ({ isValid }) => isValid,
    ...factory,
  };
  const config = { ...settings, max, min, ...(waitMs && { acquireTimeoutMillis: waitMs }), ...options };
  const { createPool, Pool, DefaultEvictor, Deque, PriorityQueue } = isCopy ? anotherCopy('generic-pool') : genericPool;
  if (!isSubclass) return createPool(own, config);
  return new (countingIn(Pool))(DefaultEvictor, Deque, PriorityQueue, own, config);
}

export const acquires = {
  'acquire()': (pool, then) => pool.acquire().then(tell(then)),
  'acquire(priority)': (pool) => pool.acquire(1),
  'acquire().then(callback)': (pool, then) =>
    new Promise((resolve) => {
      pool.acquire().then((connection) => {
        then?.();
        resolve(connection);
      });
    }),
};
export const takeForJob = (pool) => pool.acquire();
export const releases = {
  'release()': (pool, connection) => pool.release(connection),
  'destroy()': (pool, connection) => pool.destroy(connection),
};
export const borrows = {
  'use()': (pool) => pool.use(async () => {}),
  'use() that fails': (pool) =>
    pool.use(async () => {
      throw new Error('no');
    }),
};
export const giveBackForeign = (pool) => pool.release({ id: 0 });
export const close = async (pool) => {
  await pool.drain();
  await pool.clear();
};
/** Clearing waits for connections that never come up. */
export const dispose = (pool) => Promise.race([pool.clear(), soon(50)]);
/** A pool that was cleared still says that what it destroyed is available. */
export const counts = ({ borrowed: used, available, size, pending }) => ({
  used,
  idle: Math.min(available, size - used),
  pending,
});

export function waitsAtMost(pool, ms) {
  pool._config.acquireTimeoutMillis = ms;
}
export const refusing = () => ({ factory: failing() });
export const hanging = () => ({ factory: { create: () => new Promise(() => {}) } });
export const validating = { testOnBorrow: true };
export const evicting = { evictionRunIntervalMillis: 20, idleTimeoutMillis: 20, softIdleTimeoutMillis: -1 };
export const queueing = { maxWaitingClients: 1 };
