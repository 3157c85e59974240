import { Pool, AggregateError as Several, TimeoutError } from 'sequelize-pool';
import { errorOf, outcomeOf, ownOf } from './outcomes.mjs';

let made = 0;
const factory = {
  create: async () => ({ id: ++made }),
  destroy: async (resource) => {
    resource.isDestroyed = true;
  },
  validate: (resource) => !resource.isBad,
};
const poolOf = (options) => new Pool({ name: 'own', ...factory, min: 0, max: 2, ...options });
const counts = ({ size, available, using, waiting }) => [size, available, using, waiting];

export async function open() {
  made = 0;
  return { pool: poolOf() };
}

export async function close() {}

export const documented = {
  'acquire and release': async ({ pool }) => {
    const resource = await pool.acquire();
    const lent = counts(pool);
    return [resource, lent, pool.release(resource), counts(pool)];
  },
  'names and arities': ({ pool }) => [pool.acquire, pool.release, pool.destroy, pool.drain, pool.destroyAllNow],
  'own properties of a pool': ({ pool }) => ownOf(pool),
  'methods are those of the prototype': ({ pool }) =>
    ['acquire', 'release', 'destroy'].map((name) => Object.hasOwn(pool, name)),
  'the same one is lent again': async ({ pool }) => {
    const first = await pool.acquire();
    pool.release(first);
    const second = await pool.acquire();
    pool.release(second);
    return first === second;
  },
  'who waits is served in order': async ({ pool }) => {
    const lent = [await pool.acquire(), await pool.acquire()];
    const order = [];
    const waiting = ['a', 'b'].map(async (name) => {
      const resource = await pool.acquire();
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
    const resource = await pool.acquire();
    const error = await errorOf(() => pool.acquire());
    pool.release(resource);
    return [error, error instanceof TimeoutError];
  },
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
  'one that is not valid is replaced': async () => {
    const pool = poolOf({ max: 1 });
    const first = await pool.acquire();
    first.isBad = true;
    pool.release(first);
    const second = await pool.acquire();
    pool.release(second);
    return [first === second, first.isDestroyed];
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
