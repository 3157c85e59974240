/** When a heap that fills up will be full, told by the third round. */
import { expect, test } from 'vitest';
import { forecastOf, type HeapAtRest } from '../probe/record/forecast.ts';
import { checkLeak, type LeakVariant } from '../scenarios/check.ts';

const MB = 1e6;
const heap = (...megabytes: number[]): HeapAtRest[] =>
  megabytes.map((used, i) => ({ round: i + 1, heapUsed: used * MB }));

test('three rounds that rise evenly tell the first round that finds no room', () => {
  // 90 of 100 MB can be used: 56 more, 6 each, so that nine rounds find room
  expect(forecastOf(heap(22, 28, 34), 100 * MB)).toEqual({ fullAt: 13, each: 6 * MB });
  expect(forecastOf(heap(80, 84, 88), 100 * MB)).toEqual({ fullAt: 4, each: 4 * MB });
});

test.each([
  ['two rounds', heap(22, 28)],
  ['a heap that falls', heap(34, 28, 22)],
  ['a cache that fills', heap(22, 34, 36)],
  ['what is loaded late', heap(22, 22.5, 40)],
  ['a drift of less than a megabyte', heap(22, 22.4, 22.8)],
])('nothing is told of %s', (_, rounds) => {
  expect(forecastOf(rounds, 100 * MB)).toBeNull();
});

test('a finding that comes with the leak is allowed, and not demanded', () => {
  const file = new URL('../scenarios/orphan-worker/leaking.ts', import.meta.url);
  const leak = { kind: 'worker', library: 'Worker', certainty: 'likely', file, call: 'new Worker(' } as const;
  const also = { ...leak, kind: 'context', library: 'node:vm' } as const;
  const found = (kind: string, library: string) => ({
    ...{ kind, library, certainty: 'likely', count: 1, acquired: 1, site: { file: file.pathname, line: 6 } },
  });
  const ran = (findings: unknown[]): LeakVariant => ({
    ...{ report: { findings, watched: [] } as never, recordings: [], errors: [], work: {} },
  });
  const silent = (findings: unknown[]) =>
    checkLeak({ mustFind: [leak], comesWith: [also], mustUse: 'Worker' }, ran(findings), ran([]))[1]?.passed;
  const worker = found('worker', 'Worker');
  expect(silent([worker])).toBe(true);
  expect(silent([worker, found('context', 'node:vm')])).toBe(true);
  expect(silent([worker, found('timer', 'setInterval')])).toBe(false);
});
