/** How things are done with sequelize-pool. It lends whatever is made for it. */
import { Pool as Own } from 'sequelize-pool';
import { anotherCopy } from './another-copy.mjs';

const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let made = 0;

export const poolName = (n) => `pool ${n}`;
export const finds = ['unreachable', 'proven'];
/** It fills no minimum, it only keeps one. */
export const minimum = 1;

export function createPool(n, { waitMs, isSubclass, isCopy, min = 0, ...options }) {
  const { Pool } = isCopy ? anotherCopy('sequelize-pool') : { Pool: Own };
  class Counting extends Pool {
    calls = 0;
    acquire() {
      this.calls++;
      return super.acquire();
    }
    release(connection) {
      this.calls++;
      return super.release(connection);
    }
  }
  return new (isSubclass ? Counting : Pool)({
    name: poolName(n),
    create: async () => ({ id: ++made, isValid: true }),
    destroy: async () => {},
    validate: ({ isValid }) => isValid,
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
export const use = async () => {};
export const giveBackForeign = async (pool) => pool.release({ id: 0 });
export const close = async (pool) => {
  await pool.drain();
  await pool.destroyAllNow();
};
/** It waits for connections that never come up. */
export const dispose = (pool) => Promise.race([close(pool), soon(50)]);
export const counts = (pool) => ({ used: pool.using, idle: pool.available, pending: pool.waiting });
export const calls = (pool) => pool.calls;

export function waitsAtMost(pool, ms) {
  pool.acquireTimeoutMillis = ms;
}
export const refusing = () => ({
  create: async () => {
    await soon(20);
    throw new Error('refused');
  },
});
export const hanging = () => ({ create: () => new Promise(() => {}) });
export const validating = {};
export const evicting = { idleTimeoutMillis: 20 };
export const queueing = null;
function breakConnection(_, connection) {
  connection.isValid = false;
}

export { breakConnection as break };
