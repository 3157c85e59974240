import { setFlagsFromString } from 'node:v8';
import { runInNewContext, Script } from 'node:vm';
import { expect, test } from 'vitest';
import { Collector } from '../probe/process/gc.ts';
import { fixture, probed } from './support/probed.ts';

const MINUTE = 60_000;
const policy = { enabled: true, wait: MINUTE, maxHeapBytes: 4 * 1024 ** 3 };

test('at most one forced collection a minute, less and less often while it finds nothing', () => {
  const collector = new Collector(policy);
  expect(collector.collect(0, false)).toBe(true);
  collector.learned(true);
  expect(collector.collect(MINUTE - 1, false)).toBe(false);
  expect(collector.collect(MINUTE, false)).toBe(true);
  collector.learned(false);
  expect(collector.collect(2 * MINUTE, false)).toBe(false);
  expect(collector.collect(3 * MINUTE, false)).toBe(true);
  expect(collector.forced).toBe(3);
  expect(collector.cost).toBeGreaterThan(0);
});

test('what cannot wait does so for ever longer, up to a minute, while nothing is proven', () => {
  const collector = new Collector(policy);
  const collected: number[] = [];
  const hurryFor = (from: number, seconds: number) => {
    for (let at = from; at <= from + seconds * 1000; at += 1000) {
      collector.hurry(at);
      if (collector.collect(at, false)) collected.push(at / 1000);
    }
  };
  hurryFor(0, 200);
  expect(collected).toEqual([0, 5, 15, 35, 75, 135, 195]);
  collector.proved();
  hurryFor(201_000, 10);
  expect(collected.slice(7)).toEqual([201, 206]);
});

test('never above a heap size, and never when switched off; at the end of the process there is nothing to wait for', () => {
  expect(new Collector({ ...policy, maxHeapBytes: 1 }).collect(0, true)).toBe(false);
  expect(new Collector({ ...policy, enabled: false }).collect(0, true)).toBe(false);
  const collector = new Collector(policy);
  collector.collect(0, false);
  expect(collector.collect(1, true)).toBe(true);
});

test('what a collection has left is held for certain once another one left it too, some seconds later', () => {
  const collector = new Collector({ ...policy, wait: 0 });
  const sureAfter = [10_000, 12_000, 14_999, 15_000, 17_500].map((at) => {
    collector.collect(at, false);
    return collector.sureAt;
  });
  expect(sureAfter).toEqual([
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    10_000,
    12_000,
  ]);
});

test('and at once, where the collection waited for V8’s compilers', () => {
  const collector = new Collector({ ...policy, wait: 0 });
  collector.waitForCompilers();
  collector.collect(10_000, true);
  collector.collect(11_000, true);
  expect(collector.sureAt).toBe(10_000);
});

test('only an aged, idle, open suspect makes it force one: clean work forces none', async () => {
  const { report } = await probed(fixture('shapes.mjs'), ['warm-up']);
  expect(report.processes[0]?.cost.forcedGc).toBe(0);
});

test('nor does a pool that is full and for which others wait, as long as its leases come back', async () => {
  const { report } = await probed(fixture('full-pool.mjs'));
  expect(report.processes[0]?.cost.forcedGc).toBe(0);
});

test('OUTLIVE_GC=off forces none; what only a collection could tell is then a suspect by other evidence', async () => {
  const { report } = await probed(fixture('shapes.mjs'), ['plain'], { env: { OUTLIVE_GC: 'off' } });
  expect(report.processes[0]?.cost.forcedGc).toBe(0);
  expect(report.findings).toMatchObject([{ detector: 'held-too-long', certainty: 'suspect', count: 20 }]);
});

test.each([
  ['that the program has set stays', '--expose-gc', 'function'],
  ['that nobody has set does not', '--no-expose-gc', 'undefined'],
])('the flag for a collection in new contexts %s, when the probe has collected', (_, flag, gc) => {
  setFlagsFromString(flag);
  try {
    expect(new Collector(policy).collect(0, true)).toBe(true);
    expect(runInNewContext('typeof gc')).toBe(gc);
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
});

test.each([
  ['that the program has set stays', '--allow-natives-syntax', true],
  ['that nobody has set does not', '--no-allow-natives-syntax', false],
])('the flag for functions of V8’s own %s, when the probe has waited for its compilers', (_, flag, isSet) => {
  setFlagsFromString(flag);
  const compiles = () => new Script(`() => %DebugPrint(${JSON.stringify(flag)})`);
  try {
    new Collector(policy).waitForCompilers();
    if (isSet) expect(compiles).not.toThrow();
    else expect(compiles).toThrow(SyntaxError);
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
});
