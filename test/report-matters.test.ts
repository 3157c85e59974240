import { describe, expect, test } from 'vitest';
import type { Finding, Report } from '../probe/recording/report.ts';
import { advice } from '../reports/advice.ts';
import { renderTerminal } from '../reports/terminal.ts';
import { verdictSentence } from '../reports/verdict.ts';
import { makeDeadlock, makeExhaustion, makeOpenTransaction, makePoolsPerCall } from './support/pool-reports.ts';
import { makeCleanReport, makeFinding, makeReport } from './support/reports.ts';

const FULL = { used: 4, limit: 4, waiting: 15 };
const reportOf = (...findings: Finding[]) => makeReport({ findings });
const terminal = (report: Report) => renderTerminal(report, { color: false, width: 200 });

describe('a pool that ran out', () => {
  test('keeps nothing: the verdict names the cause and who held most', () => {
    expect(verdictSentence(reportOf(makeExhaustion()))).toBe(
      '1 suspect, no certain leak. Pool orders ran out: too small for this work, most of it held by orders.ts:12.',
    );
  });

  test('by a leak that is a finding of its own is not counted as a second leak', () => {
    const leak = makeExhaustion({ certainty: 'likely', exhausted: { ...FULL, cause: 'leak' } });
    expect(verdictSentence(reportOf(makeFinding(), leak))).toBe(
      '1 leak, and pool orders ran out. rules.ts:12 keeps 1 connection in 14 of 200 runs of rules.',
    );
    expect(verdictSentence(reportOf(leak))).toBe(
      '1 leak. Pool orders ran out: its connections lie idle, most of it held by orders.ts:12.',
    );
  });

  test('shows in the terminal how full it was, and who held it, by line', () => {
    expect(terminal(reportOf(makeExhaustion()))).toContain(`  connection · pg pool "orders"
  4 of 4 in use · 15 waiting · too small
    10 │ const sku = order.lines[0].sku;
    11 │
  > 12 │ const client = await pool.connect();  ← acquired here
    13 │ const stock = await client.query('select left from stock where sku = $1', [sku]);
    14 │ if (stock.rows[0].left < order.quantity) throw new OutOfStock(sku);
    15 │ await client.query('update stock set left = left - $2 where sku = $1', [sku, order.quantity]);
    16 │ client.release();
  · held by reserve orders.ts:12: 3, oldest 4.2 s, busy
  · held by stream export.ts:88: 1, oldest 12 s, idle
`);
  });

  test.each([
    ['leak', 'a larger pool would only run out later'],
    ['slow database', 'Find out what the holders wait for'],
    ['storm', 'Limit how many of these run at once'],
    ['too small', 'Hold each connection for a shorter time'],
  ] as const)('has its own advice by cause: %s', (cause, remedy) => {
    expect(advice(makeExhaustion({ exhausted: { ...FULL, cause } }))).toContain(remedy);
  });
});

test('a deadlock says who waits for what', () => {
  expect(verdictSentence(reportOf(makeDeadlock()))).toBe(
    '1 deadlock. All 4 connections of pool orders are held by code that waits for one more, orders.ts:30.',
  );
  const text = terminal(reportOf(makeDeadlock()));
  expect(text).toContain('  4 of 4 in use · 4 waiting · deadlock\n');
  expect(text).toContain('held by reserve orders.ts:12: 4, oldest 1.2 s\n');
});

test('a transaction left open is no connection kept', () => {
  expect(verdictSentence(reportOf(makeOpenTransaction()))).toBe(
    '1 leak. rules.ts:12 leaves 3 transactions open in connections that it gave back.',
  );
  expect(terminal(reportOf(makeOpenTransaction()))).toContain(
    '  transaction · pg\n  5 given back inside a transaction · 2 ended by somebody else · 3 still open\n',
  );
  expect(advice(makeOpenTransaction())).toBe('Commit or roll back on every path before release.');
});

test('what is left in a session is named as what it is', () => {
  const finding = { ...makeOpenTransaction(), nature: 'advisory lock' as const };
  expect(verdictSentence(reportOf(finding))).toBe(
    '1 leak. rules.ts:12 leaves 3 advisory locks in sessions that it gave back.',
  );
  expect(terminal(reportOf(finding))).toContain(
    '  advisory lock · pg\n  5 done here · 2 undone · 3 left in sessions\n',
  );
  expect(advice(finding)).toMatch(/^Unlock it in a finally block/);
});

test('pools made call by call are counted as pools', () => {
  expect(verdictSentence(reportOf(makePoolsPerCall()))).toBe(
    '1 leak. rules.ts:12 uses a new pool for each call: 26 are open and idle.',
  );
  expect(terminal(reportOf(makePoolsPerCall()))).toContain('  pool · pg\n  26 pools made here · 0 ended');
  expect(advice(makePoolsPerCall())).toMatch(/^Make one pool for all, created once/);
});

test('the terminal counts what came back', () => {
  const { holders: _, ...seen } = makeExhaustion();
  const report = makeCleanReport({ withdrawn: [{ ...seen, why: 'the pool recovered' }] });
  expect(terminal(report)).toContain('came back  1 finding that no longer stands, see the HTML report\n');
});
