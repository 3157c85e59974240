import { expect, test } from 'vitest';
import { Tallies } from '../probe/account/tallies.ts';

const emitter = {};

test('a few at a holder are mere numbers; beyond sixteen each one more than ever is to be opened', () => {
  const tallies = new Tallies();
  const counts = Array.from({ length: 19 }, (_, i) => i + 1);
  expect(counts.filter((count) => tallies.isMost(emitter, count))).toEqual([17, 18, 19]);
});

test('what comes and goes is hardly ever opened, however many there are: as many as ever may stay', () => {
  const tallies = new Tallies();
  for (let count = 1; count <= 50; count++) tallies.isMost(emitter, count);
  const opened = Array.from({ length: 1000 }, (_, i) => 30 + (i % 21)).filter((count) =>
    tallies.isMost(emitter, count),
  );
  // of 47 times that there were 50 again: the second, fourth, eighth, sixteenth and thirty-second that there were
  expect(opened).toEqual([50, 50, 50, 50, 50]);
  expect(tallies.isMost(emitter, 51)).toBe(true);
});

test('what nobody takes away again is counted here', () => {
  const tallies = new Tallies();
  expect(Array.from({ length: 18 }, () => tallies.add(emitter)).filter(Boolean)).toEqual([true, true]);
  expect(tallies.add({})).toBe(false);
});
