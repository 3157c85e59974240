/**
 * What a service may do with a pool, in the terms of any library: a driver says how it is done there. `lent` says how
 * many leases the ledger must have seen, `open` how many of them are still out when the program ends.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { scope } from 'outlive';
import { giveBackElsewhere } from './elsewhere.mjs';

/** Jobs as a service has them: each from the event loop, none from another. */
async function jobs(count, job) {
  const running = [];
  for (let n = 0; n < count; n++) {
    await turn();
    running.push(new Promise((resolve) => setImmediate(() => resolve(job(n)))));
  }
  await Promise.all(running);
}

export const behaviours = {
  'one job in four forgets': {
    lent: () => 20,
    open: () => 5,
    async run({ driver, pool, give, use }) {
      const busy = await pool({ max: 20 });
      await jobs(20, async (n) => {
        await scope('job', async () => {
          const connection = await driver.takeForJob(busy); // forgotten here
          await use(connection);
          if (n % 4 !== 3) await give(busy, connection);
        });
      });
    },
  },

  'every way to acquire with every way to release': {
    lent: ({ acquires, releases }) => Object.keys(acquires).length * Object.keys(releases).length,
    async run({ driver, pool, use, see }) {
      const own = await pool();
      for (const [acquire, take] of Object.entries(driver.acquires)) {
        for (const [release, give] of Object.entries(driver.releases)) {
          const connection = await take(own);
          await use(connection);
          see(acquire, release, await give(own, connection));
        }
      }
    },
  },

  'borrowed and given back by the library itself': {
    lent: ({ borrows }) => Object.keys(borrows).length,
    async run({ driver, pool, outcome, see }) {
      const own = await pool();
      for (const [name, borrow] of Object.entries(driver.borrows)) see(name, await outcome(() => borrow(own)));
    },
  },

  'given back twice, and something else given back': {
    lent: () => 1,
    async run({ driver, pool, take, give, outcome, see }) {
      const own = await pool();
      const connection = await take(own);
      see(await outcome(() => give(own, connection)));
      see(await outcome(() => give(own, connection)));
      see(await outcome(() => driver.giveBackForeign(own)));
      see(driver.counts(own));
    },
  },

  'an acquire times out in the queue': {
    lent: ({ waitsAtMost }) => (waitsAtMost ? 2 : 0),
    async run({ driver, pool, take, give, outcome, see }) {
      if (!driver.waitsAtMost) return;
      const own = await pool({ max: 1, ...driver.waiting });
      const only = await take(own);
      await driver.waitsAtMost(own, 40);
      see(await outcome(() => take(own)));
      await give(own, only);
      // it is not served after all
      await sleep(20);
      see(driver.counts(own));
      await give(own, await take(own));
    },
  },

  'errors that nobody handles': {
    lent: ({ waitsAtMost }) => (waitsAtMost ? 1 : 0),
    async run({ driver, pool, take, give, see }) {
      if (!driver.waitsAtMost) return;
      const own = await pool({ max: 1, ...driver.waiting });
      const only = await take(own);
      await driver.waitsAtMost(own, 30);
      const unhandled = once(process, 'unhandledRejection');
      take(own);
      const [{ name, message }] = await unhandled;
      see(name, message.replace(/ after \d+ms.*/s, ''));
      await give(own, only);
    },
  },

  'an acquire is given up, and what comes late is given back': {
    lent: () => 2,
    async run({ pool, take, give, see, driver }) {
      const own = await pool({ max: 1 });
      const only = await take(own);
      const late = take(own);
      see(await Promise.race([late.then(() => 'served'), sleep(20, 'given up')]));
      const isBack = late.then((connection) => give(own, connection));
      await give(own, only);
      await isBack;
      see(driver.counts(own));
    },
  },

  'no connection can be made': {
    lent: () => 0,
    async run({ driver, pool, take, outcome, see }) {
      const own = await pool({ waitMs: 150, ...(await driver.refusing()) });
      see(await outcome(() => take(own)));
      see(await outcome(() => take(own)));
    },
  },

  'a connection never comes up': {
    lent: () => 0,
    async run({ driver, pool, take, outcome, see }) {
      const own = await pool({ max: 1, waitMs: 60, ...(await driver.hanging()) });
      see(await outcome(() => take(own)));
    },
  },

  'a connection is found broken and replaced': {
    lent: () => 2,
    async run({ driver, pool, take, give, use, see, outcome }) {
      const own = await pool({ max: 1, ...driver.validating });
      const connection = await take(own);
      await give(own, connection);
      await driver.break(own, connection);
      see(
        await outcome(async () => {
          const next = await take(own);
          await use(next);
          await give(own, next);
        }),
      );
      see(driver.counts(own));
    },
  },

  'idle connections are evicted': {
    lent: ({ evicting }) => (evicting ? 2 : 0),
    async run({ driver, pool, take, give, see }) {
      if (!driver.evicting) return;
      const own = await pool({ ...driver.evicting });
      const both = [await take(own), await take(own)];
      for (const connection of both) await give(own, connection);
      for (let n = 0; n < 200 && driver.counts(own).idle > 0; n++) await sleep(20);
      see(driver.counts(own));
    },
  },

  'the pool keeps a minimum': {
    lent: () => 1,
    async run({ driver, pool, take, give, see }) {
      const own = await pool({ min: 2 });
      await give(own, await take(own));
      for (let n = 0; n < 100 && driver.counts(own).idle < driver.minimum; n++) await sleep(10);
      see(driver.counts(own));
    },
  },

  'closed while leases are out': {
    lent: ({ servesWhenClosed }) => (servesWhenClosed ? 3 : 2),
    async run({ driver, pool, take, give, outcome, see }) {
      const own = await pool();
      const both = [await take(own), await take(own)];
      const closing = outcome(() => driver.close(own));
      see(await Promise.race([closing, sleep(20, 'waits')]));
      for (const connection of both) see(await outcome(() => give(own, connection)));
      see(await closing, await outcome(() => driver.close(own)));
      see(await outcome(async () => give(own, await take(own))));
    },
  },

  'more ask than there are': {
    lent: () => 12,
    async run({ pool, take, give, use, see, driver }) {
      const own = await pool({ max: 3 });
      const served = await Promise.all(
        Array.from({ length: 12 }, async (_, n) => {
          const connection = await take(own);
          await use(connection);
          await give(own, connection);
          return n;
        }),
      );
      // how many connections it took is a matter of time in some
      const { used, pending } = driver.counts(own);
      see(served, used, pending);
    },
  },

  'the queue is full': {
    lent: ({ queueing }) => (queueing ? 2 : 0),
    async run({ driver, pool, take, give, outcome, see }) {
      if (!driver.queueing) return;
      const own = await pool({ max: 1, ...driver.queueing });
      const only = await take(own);
      const queued = take(own);
      see(await outcome(() => take(own)));
      await give(own, only);
      await give(own, await queued);
    },
  },

  'handed over to other flows and modules': {
    lent: () => 24,
    async run({ pool, take, give }) {
      const own = await pool({ max: 20 });
      const bus = new EventEmitter();
      bus.on('done', (connection) => give(own, connection));
      const parked = [];
      await jobs(8, async () => bus.emit('done', await take(own)));
      await jobs(8, async () => setTimeout(async (connection) => give(own, connection), 1, await take(own)));
      await jobs(8, async () => parked.push(await take(own)));
      await Promise.all(parked.map((connection) => giveBackElsewhere(() => give(own, connection))));
      await sleep(10);
    },
  },

  'a subclass of the pool': {
    lent: () => 2,
    async run({ driver, pool, take, give, see }) {
      const own = await pool({ isSubclass: true });
      for (let n = 0; n < 2; n++) await give(own, await take(own));
      see(driver.calls(own));
    },
  },

  'a second copy of the library': {
    lent: () => 2,
    async run({ pool, take, give, use }) {
      const own = await pool({ isCopy: true });
      for (let n = 0; n < 2; n++) {
        const connection = await take(own);
        await use(connection);
        await give(own, connection);
      }
    },
  },

  'stores of the service, in promises and callbacks': {
    lent: ({ acquires }) => 2 * Object.keys(acquires).length,
    async run({ driver, pool, take, give, see }) {
      const store = new AsyncLocalStorage();
      const own = await pool({ max: 1 });
      for (const [name, acquire] of Object.entries(driver.acquires)) {
        const only = await take(own);
        const served = store.run('waiter', async () => {
          const connection = await acquire(own, () => see(name, 'callback', store.getStore()));
          see(name, 'served', store.getStore());
          await give(own, connection);
          see(name, 'given back', store.getStore());
        });
        await store.run('releaser', () => give(own, only));
        await served;
      }
      see(store.getStore());
    },
  },

  'left as it is at the end: some out, some idle': {
    lent: () => 3,
    open: () => 2,
    async run({ driver, pool, take, give, see }) {
      const own = await pool({ max: 3 });
      const held = [await take(own), await take(own), await take(own)];
      await give(own, held.pop());
      globalThis.heldForLife = held;
      see(driver.counts(own));
    },
  },

  'left as it is at the end: one out, some waiting': {
    lent: () => 1,
    open: () => 1,
    async run({ driver, pool, take, see }) {
      const own = await pool({ max: 1 });
      globalThis.alsoHeldForLife = await take(own);
      globalThis.waiting = [take(own), take(own)];
      await turn();
      see(driver.counts(own));
    },
  },
};
