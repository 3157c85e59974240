import { Pool, AggregateError as Several, TimeoutError } from 'sequelize-pool';
import { maker, rowsOf } from './made-by.mjs';
import { errorOf, outcomeOf } from './outcomes.mjs';

const poolOf = (options) => new Pool({ name: 'own', ...maker, ...options });
const counts = ({ size, available, using, waiting }) => [size, available, using, waiting];
const acquire = (pool) => pool.acquire();

export async function open() {
  return { pool: poolOf() };
}

export async function close() {}

export const documented = {
  ...rowsOf({ poolOf, acquire, counts, TimeoutError }),
  'acquire and release': async ({ pool }) => {
    const resource = await pool.acquire();
    const lent = counts(pool);
    return [resource, lent, pool.release(resource), counts(pool)];
  },
  'names and arities': ({ pool }) => [pool.acquire, pool.release, pool.destroy, pool.drain, pool.destroyAllNow],
  'released twice, and what is not its own': async ({ pool }) => {
    const resource = await pool.acquire();
    pool.release(resource);
    return [await outcomeOf(() => pool.release(resource)), await outcomeOf(() => pool.release({}))];
  },
  destroy: async ({ pool }) => {
    const resource = await pool.acquire();
    await pool.destroy(resource);
    return [resource.isDestroyed, counts(pool)];
  },
  maxUses: async () => {
    const pool = poolOf({ max: 1, maxUses: 1 });
    const first = await pool.acquire();
    pool.release(first);
    const second = await pool.acquire();
    pool.release(second);
    return first === second;
  },
  'a factory that fails': async () => {
    const pool = poolOf({ create: () => Promise.reject(new RangeError('none')) });
    return [await errorOf(() => pool.acquire()), counts(pool)];
  },
  'a minimum is made at once': async () => {
    const pool = poolOf({ min: 2 });
    const resource = await pool.acquire();
    pool.release(resource);
    const { size } = pool;
    await pool.drain();
    await pool.destroyAllNow();
    return [size, pool.size];
  },
  'wrong options': async () => [
    await errorOf(() => poolOf({ create: null })),
    await errorOf(() => poolOf({ max: -1 })),
  ],
  'errors of several': () => new Several([new Error('a'), new Error('b')]).errors.length,
  'a drained pool lends nothing': async ({ pool }) => [
    await pool.drain(),
    await errorOf(() => pool.acquire()),
    pool.size,
  ],
};
