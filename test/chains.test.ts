import { expect, onTestFinished, test } from 'vitest';
import { Ledger } from '../probe/account/ledger.ts';
import type { Site } from '../probe/account/site.ts';
import { Desk, type DeskParts } from '../probe/watch/desk.ts';
import { Chains, type Timeout } from '../probe/watch/handles/chains.ts';

const SITE = { stack: [{ file: '/app/orders.js' }] } as unknown as Site;

function chains(): Chains {
  const ledger = new Ledger();
  const desk = new Desk({ ledger, scopes: { current: () => null } } as unknown as DeskParts);
  return new Chains(desk, ledger.source({ adapter: 'timers', nature: 'repeating timeout', library: 'setTimeout' }));
}

function timeout(): Timeout & NodeJS.Timeout {
  const timer = setTimeout(() => {}, 60_000).unref();
  onTestFinished(() => clearTimeout(timer));
  return timer as unknown as Timeout & NodeJS.Timeout;
}

test('once all that may go on are cleared, it is found out soon: most need no look', () => {
  const begun = Array.from({ length: 10 }, timeout);
  const all = chains();
  for (const timer of begun) all.begin(timer, SITE);
  expect(all.areNone).toBe(false);
  for (const timer of begun) clearTimeout(timer);
  for (let n = 0; n <= 20; n++) expect(all.isAlone(timeout())).toBe(true);
  expect(all.areNone).toBe(true);
});

test('… not as long as one of them waits', () => {
  const [first, second] = [timeout(), timeout()];
  const all = chains();
  for (const timer of [first, second]) all.begin(timer, SITE);
  clearTimeout(first);
  for (let n = 0; n <= 20; n++) expect(all.isAlone(timeout())).toBe(true);
  expect(all.areNone).toBe(false);
});
