import { describe, expect, test } from 'vitest';
import { associate } from '../reports/database/associations.ts';
import { generator } from '../reports/database/correlation.ts';

// What moved with what, by seeded series: found with its lag where one drives the other, silent where none does.

type Random = () => number;
const MOMENTS = 240;
const over = (value: (i: number) => number) => Array.from({ length: MOMENTS }, (_, i) => value(i));

/** How gauges of real services behave. */
const SERIES: Record<string, (random: Random) => number[]> = {
  noise: (random) => over(() => random()),
  'slow drift': (random) => {
    let at = 0;
    return over(() => {
      at = 0.9 * at + random() - 0.5;
      return at;
    });
  },
  'random walk': (random) => {
    let at = 0;
    return over(() => {
      at += random() - 0.5;
      return at;
    });
  },
  rise: (random) => over((i) => i + 3 * random()),
  bursts: (random) => {
    let left = 0;
    return over(() => {
      if (left > 0) left--;
      else if (random() < 0.08) left = 3 + Math.floor(6 * random());
      return left > 0 ? 10 + 3 * random() : random();
    });
  },
  'heap that fills and is collected': (random) => {
    let heap = 0;
    return over(() => {
      heap = heap > 20 ? 0 : heap + 1 + random();
      return heap;
    });
  },
  'rare steps': (random) => {
    let at = 5;
    return over(() => {
      if (random() < 0.08) at += random() < 0.5 ? 1 : -1;
      return at;
    });
  },
};

const drawn = (seed: number, side: string) =>
  Object.entries(SERIES).map(([name, make], i) => ({
    name: `${name} of ${side}`,
    values: make(generator(seed * 1000 + i)),
  }));

describe('unrelated series', () => {
  test.each([1, 2, 3])('are silent, all %# with all', (seed) => {
    expect(associate(drawn(seed, 'ours'), drawn(seed + 500, 'theirs'), 1000)).toEqual([]);
  });

  test('that both rise all the time are silent', () => {
    const rising = (seed: number) => [{ name: 'rise', values: SERIES.rise!(generator(seed)) }];
    expect(associate(rising(1), rising(2), 1000)).toEqual([]);
  });

  test('of which one never moves are silent', () => {
    expect(associate([{ name: 'flat', values: over(() => 3) }], drawn(1, 'theirs'), 1000)).toEqual([]);
  });
});

describe('a driven series', () => {
  const bursts = SERIES.bursts!(generator(9));
  const others = drawn(4, 'ours');
  const driven = (make: (i: number) => number) =>
    associate(
      [{ name: 'used connections', values: bursts }, ...others],
      [{ name: 'CPU time', values: over(make) }, ...drawn(700, 'theirs')],
      1000,
    );

  test('is found with its lag, its strength and a sentence that blames nobody', () => {
    const random = generator(5);
    const [first, ...more] = driven((i) => 3 * (bursts[i - 2] ?? 0) + 8 * random());
    expect(first).toMatchObject({ application: 'used connections', database: 'CPU time', lag: 2 });
    expect(first!.strength).toBeGreaterThan(0.5);
    expect(first!.p).toBeLessThanOrEqual(0.01);
    expect(first!.sentence).toMatch(
      /^The application’s used connections and the database’s CPU time moved together, the database 2 s later: rank correlation 0\.\d\d over \d+ moments, p (= 0\.00\d|< 0\.001) after \d+ comparisons\.$/,
    );
    expect(more).toEqual([]);
  });

  test('is found when it moves the other way, and when moments are missing', () => {
    const random = generator(6);
    const [first] = driven((i) => (i > 100 && i < 130 ? Number.NaN : 60 - 3 * (bursts[i] ?? 0) + 6 * random()));
    expect(first).toMatchObject({ database: 'CPU time', lag: 0 });
    expect(first!.strength).toBeLessThan(-0.5);
    expect(first!.sentence).toContain('moved in opposite ways, at the same time, to 1 s');
  });
});
