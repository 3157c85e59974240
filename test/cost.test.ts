/** The probe keeps an account of its own cost, and does less when that is too much. */
import { expect, test } from 'vitest';
import { fixture, probed, watched } from './support/probed.ts';

const BUSY = fixture('busy-pool.mjs');

test('above its share of CPU time the probe does less, step by step, and the report says what it left out', async () => {
  // nothing is allowed: each second of work takes one more step
  const { code, report } = await probed(BUSY, ['6'], { env: { OUTLIVE_CPU_PERCENT: '0' } });
  expect(code).toBe(0);
  // timers were left out: nobody can say that there is nothing
  expect(report.verdict).toBe('inconclusive');
  expect(report.unseen).toMatchObject([{ what: 'timers' }]);
  const why = 'the probe took more than 0 % of CPU time (OUTLIVE_CPU_PERCENT)';
  expect(report.processes[0]?.unsupported).toEqual([
    `stacks beyond a few each second, also of suspects: ${why}`,
    `judging more often than every ten seconds: ${why}`,
    `new timers: ${why}`,
  ]);
  // leases are still counted, timers no more
  const leases = watched(report, 'generic-pool').acquired;
  expect(watched(report, 'setTimeout').acquired).toBeLessThan(leases);
  expect(watched(report, 'generic-pool').released).toBe(leases);
});

test('within its share it watches everything', async () => {
  const { report } = await probed(BUSY, ['2'], { env: { OUTLIVE_CPU_PERCENT: '100' } });
  expect(report.processes[0]?.unsupported).toEqual([]);
  expect(watched(report, 'setTimeout').acquired).toBe(watched(report, 'generic-pool').acquired);
});

test('its account grows with the work that it watched, also where no stack was taken', async () => {
  const env = { OUTLIVE_STACKS: '0' };
  const few = await probed(BUSY, ['0', '10'], { env });
  const many = await probed(BUSY, ['0', '200000'], { env });
  const cost = ({ report }: typeof few): number => report.processes[0]?.cost.cpuMs ?? 0;
  expect(watched(many.report, 'generic-pool')).toEqual({ acquired: 200_000, released: 200_000 });
  // more than half a microsecond a lease
  expect(cost(many) - cost(few)).toBeGreaterThan(120);
});

test('a bad share is named, and the default is used', async () => {
  const { report } = await probed(BUSY, ['0', '10'], { env: { OUTLIVE_CPU_PERCENT: '2.5' } });
  expect(report.processes[0]?.unsupported).toContain(
    'OUTLIVE_CPU_PERCENT must be a whole number from 0 to 100, not "2.5".',
  );
});

test('hundreds of thousands of open leases do not break it', async () => {
  const { code, report } = await probed(fixture('many-open.mjs'), ['200000']);
  expect(code).toBe(0);
  expect(report.processes[0]?.faults).toBe(0);
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 200_001, released: 1 });
});
