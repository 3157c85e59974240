import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../probe/recording/report.ts';
import { type Oracle, startOracle } from './support/oracle.ts';
import { fixture, lineOf, placeOf, probed, watched } from './support/probed.ts';

const program = fixture('oracledb.mjs');
let oracle: Oracle;
const reports = {} as Record<'leaks' | 'clean' | 'internal', Report>;
let said = '';
beforeAll(async () => {
  oracle = await startOracle();
  await Promise.all(
    (['leaks', 'clean', 'internal'] as const).map(async (variant) => {
      const { report, code, stdout, stderr } = await probed(program, [variant], { env: oracle.env });
      expect([code, stderr]).toEqual([0, '']);
      reports[variant] = report;
      if (variant === 'internal') said = stdout;
    }),
  );
});
afterAll(() => oracle.stop());

describe('what is dropped is proven to leak, at its line', () => {
  const found = (marker: string) => reports.leaks.findings.find((each) => placeOf(each) === lineOf(program, marker));
  const three = { certainty: 'proven', count: 3, acquired: 12, released: 9 };

  test.each([
    ['// takes a connection', 'connection', 'oracledb', 'orders'],
    ["oracledb.getConnection('orders', (_,", 'connection', 'oracledb', 'orders'],
    ['// logs on', 'connection', 'oracledb', null],
    ['// opens a result set', 'stream', 'oracledb result set', null],
    ['// opens a query stream', 'stream', 'oracledb query stream', null],
    ['// makes a temporary LOB', 'stream', 'oracledb LOB', null],
  ])('%s', (marker, kind, library, pool) => {
    expect(found(marker)).toMatchObject({ ...three, detector: 'collected', kind, library, pool });
  });

  test('a result set whose connection went back to the pool, though the program still has it', () => {
    const finding = found('// leaves a result set behind');
    expect(finding).toMatchObject({ ...three, detector: 'outlived-scope', library: 'oracledb result set' });
    expect(finding?.evidence[0]).toContain('when their connections went back to the pool');
  });

  test('what is forgotten with its connection is told there, and is no finding of its own', () => {
    const finding = found('// forgets both');
    expect(finding).toMatchObject({ ...three, detector: 'collected', library: 'oracledb' });
    expect(finding?.evidence).toContain('Opened on them and not closed either: 3 result sets.');
    expect(reports.leaks.findings).toHaveLength(8);
  });
});

test('what is closed, read to its end, destroyed or ends with its session is no leak', () => {
  expect(reports.clean.findings).toEqual([]);
  for (const library of ['oracledb', 'oracledb result set', 'oracledb query stream', 'oracledb LOB']) {
    const { acquired, released } = watched(reports.clean, library);
    expect([library, released]).toEqual([library, acquired]);
    expect(acquired).toBeGreaterThanOrEqual(12);
  }
  expect(reports.clean.notices).toEqual([]);
});

test('connections that the driver closes by itself, for nobody, are no leases', () => {
  const [, received] = /received (\d+)/.exec(said) ?? [];
  expect(reports.internal.findings).toEqual([]);
  expect(watched(reports.internal, 'oracledb')).toEqual({ acquired: Number(received), released: Number(received) });
});
