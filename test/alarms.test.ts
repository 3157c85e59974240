import { describe, expect, test } from 'vitest';
import type { PoolSample, Recording, SampleLine } from '../probe/recording/format.ts';
import { alarmsIn } from '../reports/alarms.ts';
import { generator } from '../reports/database/correlation.ts';
import { makeRecording } from './support/reports.ts';

// Statements about gauges: a steady rise, a pool near its limit, more waiting than use. Silent on a run that is well.

interface Moment extends Partial<Omit<SampleLine, 'pools'>> {
  pool?: [used: number, idle: number, pending: number, released?: number, waitedMs?: number, heldMs?: number];
}

/** Five minutes of a process with one pool of `max`, a sample a second. */
function recorded(moment: (second: number, random: () => number) => Moment, max = 20): Recording {
  const random = generator(11);
  const base = makeRecording({ samples: 1 });
  const [first] = base.samples as [SampleLine];
  const samples = Array.from({ length: 300 }, (_, second): SampleLine => {
    const { pool = [2, 2, 0], ...changes } = moment(second, random);
    return {
      ...first,
      nativeContexts: 1,
      open: {},
      ...changes,
      at: second * 1000,
      pools: [[1, ...pool] as PoolSample],
    };
  });
  return { ...base, pools: new Map([[1, { ...base.pools.get(1)!, max }]]), samples };
}

const namesOf = (recording: Recording) => alarmsIn([recording]).map(({ name, subject }) => `${name}: ${subject}`);
/** Every ten seconds a major collection leaves so many bytes. */
const collected = (recording: Recording, heapUsed: (at: number) => number): Recording => ({
  ...recording,
  collections: Array.from({ length: 30 }, (_, n) => ({ t: 'gc', at: n * 10_000, heapUsed: heapUsed(n * 10_000) })),
});

describe('a steady rise', () => {
  test('of used connections is said with where it began and ended', () => {
    const [alarm] = alarmsIn([
      recorded((second, random) => ({ pool: [Math.floor(second / 25) + Math.floor(3 * random()), 1, 0] }), 0),
    ]);
    expect(alarm).toMatchObject({ name: 'steady-rise', subject: 'used connections', pid: 4211 });
    expect(alarm!.sentence).toMatch(
      /^The least number of used connections in process 4211 rose steadily, from \d+ to 11 in 4 min 9 s\.$/,
    );
    expect(alarm!.threshold).toContain('p < 0.001');
  });

  test('of contexts counts only when garbage was collected meanwhile', () => {
    const rising = (second: number) => ({ nativeContexts: 1 + Math.floor(second / 20) });
    expect(namesOf(collected(recorded(rising), () => 5e7))).toEqual(['steady-rise: native contexts']);
    expect(namesOf(recorded(rising))).toEqual([]);
  });

  test('of the heap is seen after collections, also where the leak is most of it', () => {
    const leaking = recorded((second) => ({ heapUsed: 5e7 + second * 1e6, rss: 1.5e8 + second * 1e6 }));
    expect(namesOf(collected(leaking, (at) => 5e7 + at * 1000))).toEqual([
      'steady-rise: MB on the heap after a collection',
      'steady-rise: MB in the resident set',
    ]);
    const garbage = recorded((second) => ({ heapUsed: 5e7 + (second % 20) * 4e6, rss: 1.5e8 + (second % 20) * 4e6 }));
    expect(namesOf(collected(garbage, () => 5e7))).toEqual([]);
  });

  test('of worker threads is seen in one process', () => {
    expect(namesOf(recorded((second) => ({ open: { worker: Math.floor(second / 30) } })))).toEqual([
      'steady-rise: worker threads',
    ]);
  });

  test.each<[string, (second: number, random: () => number) => Moment]>([
    ['that ends with the warm-up', (second) => ({ pool: [Math.min(8, second), 0, 0] })],
    [
      'and fall, as of load',
      (second, random) => ({ pool: [Math.round(6 + 4 * Math.sin(second / 30) + random()), 0, 0] }),
    ],
    ['of a gauge that wanders', (_, random) => ({ pool: [Math.floor(10 * random()), 0, 0] })],
    ['of one', (second) => ({ pool: [second > 150 ? 3 : 2, 0, 0] })],
  ])('%s is none', (_, moment) => {
    expect(namesOf(recorded(moment))).toEqual([]);
  });
});

describe('a pool near its limit', () => {
  test('for a quarter of the time is said, with how often somebody waited', () => {
    const [alarm] = alarmsIn([
      recorded((second) => ({ pool: [second % 3 === 0 ? 19 : 4, 1, second % 6 === 0 ? 5 : 0] })),
    ]);
    expect(alarm).toMatchObject({ name: 'pool-near-limit', subject: 'orders' });
    expect(alarm!.sentence).toContain(
      'at least 90 % of its 20 connections in use in 33.3 % of the time; in 16.7 % somebody waited',
    );
  });

  test.each<[string, (second: number) => Moment, number]>([
    ['below it', () => ({ pool: [17, 1, 0] }), 20],
    ['seldom', (second) => ({ pool: [second % 10 === 0 ? 20 : 4, 1, 1] }), 20],
    ['without a limit', () => ({ pool: [19, 1, 0] }), 0],
    ['of one connection, while nobody waits', () => ({ pool: [1, 0, 0] }), 1],
  ])('but not %s', (_, moment, max) => {
    expect(namesOf(recorded(moment, max))).toEqual([]);
  });
});

describe('wait time above use time', () => {
  const turnover = (second: number, waitMs: number, useMs: number): Moment => {
    const released = second * 20;
    return { pool: [4, 1, 0, released, released * waitMs, released * useMs] };
  };

  test('is said with both, for a lease', () => {
    const [alarm] = alarmsIn([recorded((second) => turnover(second, 30, 12))]);
    expect(alarm).toMatchObject({ name: 'wait-above-use', subject: 'orders' });
    expect(alarm!.sentence).toMatch(/in 29 of 29 windows: 30 ms against 12 ms for a lease\.$/);
  });

  test.each<[string, (second: number) => Moment]>([
    ['when it is shorter', (second) => turnover(second, 10, 12)],
    ['when both are hardly anything', (second) => turnover(second, 2, 1)],
    [
      'while the first connections open',
      (second) => {
        const warm = Math.min(second, 12) * 20 * 90;
        return { pool: [4, 1, 0, second * 20, warm, second * 20 * 12] };
      },
    ],
  ])('but not %s', (_, moment) => {
    expect(namesOf(recorded(moment))).toEqual([]);
  });
});

test('a run of the reports’ own example, leaking and clean', () => {
  expect(namesOf(makeRecording({ leaked: 0 }))).toEqual([]);
  expect(namesOf(makeRecording({ leaked: 14 }))).toContain('steady-rise: used connections');
});
