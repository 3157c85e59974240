import { expect, test } from 'vitest';
import { Tallies } from '../probe/account/tallies.ts';

const emitter = {};
const add = (tallies: Tallies, times: number): boolean[] => Array.from({ length: times }, () => tallies.add(emitter));

test('a few at a holder are mere numbers; beyond sixteen it is armed, and each further one is to be opened', () => {
  const tallies = new Tallies();
  expect(add(tallies, 16)).not.toContain(true);
  expect(add(tallies, 3)).toEqual([true, true, true]);
  expect(tallies.countOf(emitter)).toBe(19);
});

test('what comes and goes never arms its holder, however often', () => {
  const tallies = new Tallies();
  for (let i = 0; i < 1000; i++) {
    expect(tallies.add(emitter)).toBe(false);
    tallies.remove(emitter);
  }
});

test('a holder that had many and lost them again is armed only beyond twice as many', () => {
  const tallies = new Tallies();
  add(tallies, 100);
  for (let i = 0; i < 95; i++) tallies.remove(emitter);
  expect(add(tallies, 195)).not.toContain(true);
  expect(add(tallies, 1)).toEqual([true]);
});
