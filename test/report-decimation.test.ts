import { describe, expect, test } from 'vitest';
import { axisOf, mergeBands, Series } from '../reports/html/decimate.ts';

describe('decimation', () => {
  test('few samples are kept as they are', () => {
    const axis = axisOf([2, 0, 1], 2, 10);
    const series = new Series('used', axis);
    for (const [at, value] of [
      [0, 5],
      [1, 7],
      [2, 6],
    ] as const)
      series.add(at, value);
    expect(axis.x).toEqual([0, 1, 2]);
    expect(series.values()).toEqual([5, 7, 6]);
  });

  test('many samples keep the least and the greatest of every bucket, in their order', () => {
    const axis = axisOf(
      Array.from({ length: 100 }, (_, i) => i),
      100,
      4,
    );
    const series = new Series('used', axis);
    for (let at = 0; at < 100; at++)
      series.add(at, at === 10 ? 90 : at === 20 ? 0 : at === 60 ? 1 : at === 70 ? 80 : 50);
    expect(axis.x).toHaveLength(4);
    expect(series.values()).toEqual([90, 0, 1, 80]);
    expect([series.min, series.max, series.last]).toEqual([0, 90, 50]);
  });

  test('bands are merged only when there are more than can be told apart', () => {
    expect(
      mergeBands(
        [
          [0, 1],
          [1, 2],
        ],
        100,
        2,
      ),
    ).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(
      mergeBands(
        [
          [0, 1],
          [2, 3],
          [90, 91],
        ],
        100,
        2,
      ),
    ).toEqual([
      [0, 3],
      [90, 91],
    ]);
  });
});
