import { expect, test } from 'vitest';
import { ByChance } from '../probe/process/by-chance.ts';

/** How many others came between one that was taken and the next. */
function gaps(some: ByChance, offers: number): number[] {
  const found: number[] = [];
  for (let i = 0, gap = 0; i < offers; i++, gap++) {
    if (!some.takes()) continue;
    found.push(gap);
    gap = -1;
  }
  return found;
}

test.each([1, 4])('one in 256 is taken, %i in a row', (row) => {
  const found = gaps(new ByChance(256, row), 1_000_000);
  expect(found.length / 1_000_000).toBeGreaterThan(1 / 256 / 1.1);
  expect(found.length / 1_000_000).toBeLessThan(1.1 / 256);
  // the first ones come at once
  const others = found.slice(row).filter((_, i) => i % row !== 0);
  expect(new Set(others)).toEqual(new Set(row === 1 ? [] : [0]));
});

test('when the next row comes cannot be told from the last', () => {
  const found = gaps(new ByChance(256, 4), 1_000_000).filter((gap) => gap > 0);
  expect(new Set(found).size).toBeGreaterThan(found.length / 2);
  expect(Math.max(...found)).toBeLessThanOrEqual(8 * 255);
});
