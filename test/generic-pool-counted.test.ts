/** What is told of leases that are only counted: here no stack is granted, and a look is taken by hand. */
import { createPool, Pool } from 'generic-pool';
import { afterEach, expect, test } from 'vitest';
import { Flows } from '../probe/account/flow.ts';
import { Ledger } from '../probe/account/ledger.ts';
import { Scopes } from '../probe/account/scope.ts';
import { takeBack } from '../probe/process/leaving.ts';
import { now } from '../probe/process/runtime.ts';
import { Desk, type DeskParts } from '../probe/watch/desk.ts';
import { attachments } from '../probe/watch/pools/generic-pool.ts';

const factory = { create: async () => ({}), destroy: async () => {} };

afterEach(() => takeBack());

function watching(late?: Pool<object>): Ledger {
  const ledger = new Ledger();
  const parts = { scopes: new Scopes('off', ledger.stakes), flows: new Flows(ledger.stakes) };
  const stacks = { take: () => false, hasNow: () => false, whenGranted: [] };
  const desk = new Desk({ ...parts, ledger, stacks, isLate: late !== undefined } as unknown as DeskParts);
  attachments(desk)['generic-pool']?.({ Pool }, '');
  if (late !== undefined) desk.poolKinds[0]?.meet(late);
  return ledger;
}

/** Until what is asked for is only counted, all but now and then. */
async function warm(pool: Pool<object>): Promise<void> {
  for (let n = 0; n < 100; n++) await pool.release(await pool.acquire());
}

function poolOf(ledger: Ledger) {
  for (const { pool } of ledger.sources) if (pool !== null) return pool;
  throw new Error('no pool');
}

/** Leases that were entered, where none of those that are only counted was looked for. */
async function enteredBy(ledger: Ledger, work: () => Promise<unknown>): Promise<number> {
  const before = ledger.opens;
  await work();
  return ledger.opens - before;
}

test('who waits is met by a look, with the moment that the pool has noted, and not for longer than it waits', async () => {
  const ledger = watching();
  const pool = createPool(factory, { max: 1 });
  await warm(pool);
  const first = await pool.acquire();
  const second = pool.acquire();
  const asked = now();
  await new Promise((resolve) => setTimeout(resolve, 50));
  ledger.settle();
  const { waiting } = poolOf(ledger);
  expect([...waiting].map(({ askedAt }) => Math.abs(askedAt - asked) < 5)).toEqual([true]);
  await pool.release(first);
  await pool.release(await second);
  expect([...waiting]).toEqual([]);
});

test('the first lease of each object is entered, also of one that has lain idle over several looks', async () => {
  const ledger = watching();
  const pool = createPool(factory, { min: 2, max: 2, fifo: false });
  await pool.ready();
  await warm(pool);
  ledger.settle();
  ledger.settle();
  const lent: object[] = [];
  // the one is known, the other is not
  expect(await enteredBy(ledger, async () => lent.push(await pool.acquire(), await pool.acquire()))).toBe(1);
  for (const one of lent) await pool.release(one);
  expect(await enteredBy(ledger, () => warm(pool))).toBeLessThan(5);
});

test('who waited already when the probe came does so until it is served, though others are only counted by then', async () => {
  const pool = createPool(factory, { max: 2 });
  const lent = [await pool.acquire(), await pool.acquire()];
  const waiting = Array.from({ length: 8 }, () => pool.acquire());
  const ledger = watching(pool);
  const served = waiting.map(async (one) => pool.release(await one));
  expect(poolOf(ledger).waiting.size).toBe(8);
  await pool.release(lent[0] as object);
  await Promise.all(served);
  expect(poolOf(ledger).waiting.size).toBe(0);
});

test('what was checked for somebody who has gone meanwhile is lent to nobody', async () => {
  const ledger = watching();
  let isSlow = false;
  const validate = async () => {
    if (isSlow) await new Promise((resolve) => setTimeout(resolve, 80));
    return true;
  };
  const pool = createPool({ ...factory, validate }, { max: 1, testOnBorrow: true, acquireTimeoutMillis: 30 });
  await warm(pool);
  isSlow = true;
  const gone = pool.acquire();
  await expect(gone).rejects.toThrow('timed out');
  ledger.settle();
  await new Promise((resolve) => setTimeout(resolve, 80));
  ledger.settle();
  let [acquired, released] = [0, 0];
  for (const source of ledger.sources) {
    if (source.pool !== null) for (const account of source.accounts.values()) acquired += account.acquired;
    if (source.pool !== null) for (const account of source.accounts.values()) released += account.released;
  }
  expect([acquired, released]).toEqual([100, 100]);
});
