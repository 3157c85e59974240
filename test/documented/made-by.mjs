/** What the documentation of pools that lend whatever a function of the service's makes has in common. */
import { errorOf, ownOf } from './outcomes.mjs';

let made = 0;

/** What such a pool is made with, beside its options. */
export const maker = {
  create: async () => ({ id: ++made }),
  destroy: async (resource) => {
    resource.isDestroyed = true;
  },
  validate: (resource) => !resource.isBad,
  ...{ min: 0, max: 2 },
};

/** `poolOf(options)`, `acquire(pool)`, `counts(pool)`, the class of its time-outs. */
export const rowsOf = ({ poolOf, acquire, counts, TimeoutError }) => ({
  'own properties of a pool': ({ pool }) => ownOf(pool),
  'methods are those of the prototype': ({ pool }) =>
    ['acquire', 'release', 'destroy'].map((name) => Object.hasOwn(pool, name)),
  'the same one is lent again': async ({ pool }) => {
    const first = await acquire(pool);
    pool.release(first);
    const second = await acquire(pool);
    pool.release(second);
    return first === second;
  },
  'who waits is served in order': async ({ pool }) => {
    const lent = [await acquire(pool), await acquire(pool)];
    const order = [];
    const waiting = ['a', 'b'].map(async (name) => {
      const resource = await acquire(pool);
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
    const resource = await acquire(pool);
    const error = await errorOf(() => acquire(pool));
    pool.release(resource);
    return [error, error instanceof TimeoutError];
  },
  'one that is not valid is replaced': async () => {
    const pool = poolOf({ max: 1 });
    const first = await acquire(pool);
    first.isBad = true;
    pool.release(first);
    const second = await acquire(pool);
    pool.release(second);
    return [first === second, first.isDestroyed];
  },
});
