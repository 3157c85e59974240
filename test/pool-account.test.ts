import { expect, test } from 'vitest';
import { Flows } from '../probe/account/flow.ts';
import { Ledger } from '../probe/account/ledger.ts';
import { now } from '../probe/process/runtime.ts';
import { Desk, type DeskParts } from '../probe/watch/desk.ts';
import { Lent } from '../probe/watch/pools/lent.ts';
import { type PoolAccount, PoolAccounts } from '../probe/watch/pools/pool-account.ts';

/** Of a pool that is full, whose acquires are only counted. */
function counting(
  ledger = new Ledger(),
  stacks = { take: () => false, hasNow: () => false },
  { flows = new Flows() as Pick<Flows, 'matters'>, timeoutMs = 0 } = {},
): PoolAccount {
  const parts = { ledger, scopes: { current: () => null, isAny: false }, flows, stacks };
  const gauges = () => ({ used: 1, idle: 0, pending: 1 });
  const accounts = new PoolAccounts<object>(new Desk(parts as unknown as DeskParts), 'pg', 'pg', () => ({
    ...{ name: null, max: 1, gauges, timeoutMs },
  }));
  const account = accounts.of({});
  account.enterPool();
  while (!account.counts()) account.askToLend(() => {});
  return account;
}

function lendsCounted(account: PoolAccount): Lent {
  const lent = new Lent(null);
  lent.isKnown = true;
  account.lend(lent, null, null, {});
  return lent;
}

function pause(milliseconds: number): void {
  for (const end = now() + milliseconds; now() < end; );
}

test('the first that waits for a full pool is told since when, though it was only counted', () => {
  const account = counting();
  const asked = now();
  while (!account.passesFirst()) account.askToLend(() => {});
  pause(20);
  expect(account.wait(null).askedAt - asked).toBeLessThan(10);
  expect(account.wait(null).askedAt - asked).toBeGreaterThan(19);
});

test('… not the next one, once the first has left the queue', () => {
  const account = counting();
  while (!account.passesFirst()) account.askToLend(() => {});
  pause(20);
  account.firstLeft();
  const looked = now();
  expect(account.wait(null).askedAt).toBeGreaterThanOrEqual(looked);
});

test('one acquire in 256 is measured all the same, four in a row', () => {
  const account = counting();
  const each = Array.from({ length: 40_000 }, () => {
    if (account.passes()) return ' ';
    return account.askToLend(() => {}) === null ? ' ' : 'x';
  });
  // the first 32 all are
  const rows = each.join('').replace(/^x+/, '').trim().split(/ +/);
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.length).toBeLessThan(60);
  expect(new Set(rows)).toEqual(new Set(['xxxx']));
});

test('of a lease that was only counted it is known before which look at the clock it was lent', () => {
  const account = counting();
  const earlier = lendsCounted(account);
  pause(30);
  account.ask(() => {});
  const looked = now();
  const later = lendsCounted(account);
  pause(10);
  expect(account.entered(earlier, {})?.openedAt).toBeLessThanOrEqual(looked);
  expect(account.entered(later, {})?.openedAt).toBeGreaterThan(looked);
});

test('of a lease that was only counted its own last operation is told, not that of who had the object before', () => {
  const account = counting();
  const lent = lendsCounted(account);
  lent.use('select 1');
  expect(account.entered(lent, {})).toMatchObject({ uses: 1, lastOperation: 'select 1' });
  lent.lease = null;
  account.lend(lent, null, null, {});
  lent.use('select 2');
  account.lend(lent, null, null, {});
  expect(account.entered(lent, {})).toMatchObject({ uses: 0, lastOperation: null });
});

test('an acquire is not only counted any more once a stack was granted for it', () => {
  const stacks = { take: () => false, hasNow: () => false };
  const ledger = new Ledger();
  const account = counting(ledger, stacks);
  while (!account.counts()) account.askToLend(() => {});
  stacks.hasNow = () => true;
  ledger.stakes.grants++;
  for (let n = 0; n < 100; n++) {
    expect(account.counts()).toBe(false);
    account.askToLend(() => {});
  }
});

test('whoever is served of whom nothing is known has a lease that is only counted, and is the first in the queue no more', () => {
  const account = counting();
  while (!account.passesFirst()) account.askToLend(() => {});
  pause(20);
  const lent = new Lent(null);
  lent.isKnown = true;
  expect(account.lendsCounted(lent, {})).toBe(true);
  expect(lent).toMatchObject({ countedBy: account, lease: null });
  const looked = now();
  expect(account.wait(null).askedAt).toBeGreaterThanOrEqual(looked);
});

test('… but not the first lease of an object, one in whose session something may be left, or one that is lent already', () => {
  const ledger = new Ledger();
  const account = counting(ledger);
  const lent = new Lent(null);
  expect(account.lendsCounted(lent, {})).toBe(false);
  account.lend(lent, null, null, {});
  expect(lent.lease?.closed).toBe(false);
  expect(account.lendsCounted(lent, {})).toBe(false);
  ledger.stakes.lent++;
  Object.assign(lent, { lease: null, session: { isToldOf: true } });
  expect(account.lendsCounted(lent, {})).toBe(false);
  Object.assign(lent, { session: { isToldOf: false } });
  expect(account.lendsCounted(lent, {})).toBe(true);
});

test('where its pool has noted when it was lent, by the wall clock, that is told: not before the last look, nor after now', () => {
  const account = counting();
  pause(20);
  expect(now() - account.noted(Date.now() - 10)).toBeGreaterThan(9);
  expect(now() - account.noted(Date.now() - 10)).toBeLessThan(15);
  expect(account.noted(Date.now() + 3_600_000)).toBeLessThanOrEqual(now());
  for (const unusable of [Date.now() - 3_600_000, undefined]) expect(account.noted(unusable)).toBe(account.noted(0));
  const looked = now();
  account.enterCounted({ name: null, max: 1, gauges: () => null });
  expect(account.noted(0)).toBeGreaterThanOrEqual(looked);
});

test('a lease of which nothing is looked at is counted, unless something may be unusual about it', () => {
  const ledger = new Ledger();
  const account = counting(ledger);
  expect(account.lendsUnseen()).toBe(true);
  account.unusual = 1;
  expect(account.lendsUnseen()).toBe(false);
  account.wasUnusual();
  account.wasUnusual();
  expect(account.unusual).toBe(0);
  ledger.stakes.lent++;
  expect(account.lendsUnseen()).toBe(false);
});

test('an acquire passes unless it may time out, or its flow holds something', () => {
  const ledger = new Ledger();
  const flows = { matters: false };
  const account = counting(ledger, undefined, { flows });
  while (!account.passes()) account.askToLend(() => {});
  ledger.stakes.contexts++;
  expect(account.passes()).toBe(true);
  flows.matters = true;
  expect(account.passes()).toBe(false);
  const timed = counting(ledger, undefined, { timeoutMs: 100 });
  while (!timed.counts()) timed.askToLend(() => {});
  expect(timed.passes()).toBe(false);
});
