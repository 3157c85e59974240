import { expect, test } from 'vitest';
import { Ledger, Resource } from '../probe/account/ledger.ts';
import { shutDown, shutDownSentence, whyNot } from '../probe/judge/withdrawals.ts';
import type { RecordedFinding } from '../probe/recording/format.ts';
import type { NatureName } from '../probe/recording/natures.ts';

// A withdrawal says its true reason; and what comes back only because its pool is shut down is none.

const NOW = 10_000;

function standing({ count = 4, nature = 'lease' as NatureName, certainty = 'likely', detector = 'superseded' } = {}) {
  const ledger = new Ledger();
  const pool = { endingAt: 0, name: 'orders' };
  const source = ledger.source({ adapter: 'pg', nature, library: 'pg', pool: pool as never });
  const account = ledger.account(source, null);
  const leaked = Array.from({ length: count }, () => new Resource(account, null, 0));
  for (const resource of leaked) ledger.open(resource);
  const finding = { certainty, detector, nature } as RecordedFinding;
  return { ledger, pool, leaked, standing: { finding, leaked, at: NOW - 500 } };
}

test('it was given back; an interval is closed', () => {
  const lease = standing();
  for (const resource of lease.leaked) lease.ledger.close(resource, NOW - 100);
  expect(whyNot(lease.standing)).toBe('it was given back after all');
  const interval = standing({ nature: 'interval' });
  for (const resource of interval.leaked) interval.ledger.close(resource, NOW - 100);
  expect(whyNot(interval.standing)).toBe('it was closed after all');
});

test('nothing was given back: it is in use, it waits, it stopped growing, or it is part of a deadlock', () => {
  const used = standing();
  used.leaked[0]!.lastUsedAt = NOW;
  expect(whyNot(used.standing)).toBe('it was in use after all');
  const waits = standing();
  waits.leaked[0]!.elsewhere = { what: '`fetch`', since: 1, isPending: () => true };
  expect(whyNot(waits.standing)).toBe('its code still waits, in `fetch`');
  expect(whyNot(standing({ detector: 'growth' }).standing)).toBe('it stopped growing: what is open stays as it is');
  const locked = standing();
  locked.leaked[0]!.isDeadlocked = true;
  expect(whyNot(locked.standing)).toMatch(/^it is part of a deadlock/);
  expect(whyNot({ ...standing().standing, leaked: null })).toBe('the pool recovered');
});

test('what comes back as its pool is shut down, or as the process ends, has not come back', () => {
  const { ledger, pool, leaked, standing: own } = standing();
  for (const resource of leaked) ledger.close(resource, NOW - 100);
  expect(shutDown(own, NOW, false)).toEqual([]);
  expect(shutDown(own, NOW, true)).toEqual(leaked);
  expect(shutDownSentence(new Set(leaked), 4)).toBe('They came back only when the process ended, which is no release.');
  pool.endingAt = NOW - 50;
  expect(shutDown(own, NOW, false)).toEqual(leaked);
  expect(shutDownSentence(new Set(leaked), 6)).toBe(
    '4 of them came back only when their pool was shut down, which is no release.',
  );
});

test('… but work under way that a shutdown waits for has: of a mere suspect, and of what came back long before', () => {
  const suspect = standing({ certainty: 'suspect' });
  for (const resource of suspect.leaked) suspect.ledger.close(resource, NOW - 100);
  expect(shutDown(suspect.standing, NOW, true)).toEqual([]);
  const early = standing();
  for (const resource of early.leaked) early.ledger.close(resource, NOW - 3000);
  expect(shutDown(early.standing, NOW, true)).toEqual([]);
});
