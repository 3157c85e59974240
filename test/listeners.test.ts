import { expect, test } from 'vitest';
import { FOLLOWS_FLOWS, fixture, lineOf, NODE, placeOf, probed, start } from './support/probed.ts';

// What Node warns of, listeners beyond the limit, is a finding with its line; the warning itself goes its way.

const PROGRAM = fixture('listeners.mjs');

test('listeners that jobs leave on a shared emitter', async () => {
  const { report, stdout } = await probed(PROGRAM, ['leak']);
  expect(report.findings).toMatchObject([
    { kind: 'listener', certainty: 'likely', count: 30, library: 'EventEmitter "price"', origin: 'user' },
  ]);
  expect(report.findings.map(placeOf)).toEqual([lineOf(PROGRAM, '// for each job')]);
  expect(report.findings[0]?.evidence).toContain(
    'Node itself warned here of a possible leak: 11 listeners of "price" on one EventEmitter are more than its limit; this line added the last of them, in a request or a job. There are 30 now.',
  );
  // once, as ever, and nothing listens that did not before
  expect(stdout).toBe((await start(NODE, [PROGRAM, 'leak'])).stdout);
  expect(stdout).toContain('MaxListenersExceededWarning Possible EventEmitter memory leak detected');
});

test('a dozen added at the start, on an event target, are a suspect', async () => {
  const { report } = await probed(PROGRAM, ['setup'], { env: { NODE_NO_WARNINGS: '1' } });
  expect(report.findings).toMatchObject([{ kind: 'listener', certainty: 'suspect', count: 12 }]);
  expect(report.findings.map(placeOf)).toEqual([lineOf(PROGRAM, '// a dozen at the start')]);
});

test('listeners that are removed are none', async () => {
  const { report } = await probed(PROGRAM, ['clean']);
  expect(report.findings).toEqual([]);
});

// requests are scopes by themselves where flows can be followed
test.runIf(FOLLOWS_FLOWS).concurrent.each([
  ['emitter', '// hears of prices'],
  ['channel', '// hears of queries'],
])('all that requests leave, also those before there were many: %s', async (kind, line) => {
  const program = fixture('listeners-of-requests.mjs');
  const of = async (leaving: string) => (await probed(program, [kind, leaving])).report.findings;
  const [each, third, none] = await Promise.all(['each', 'third', 'none'].map(of));
  expect([each, third].map((findings) => findings?.map(placeOf))).toEqual([
    [lineOf(program, line)],
    [lineOf(program, line)],
  ]);
  expect(each).toMatchObject([{ kind: 'listener', certainty: 'likely', count: 120 }]);
  expect(third).toMatchObject([{ kind: 'listener', certainty: 'likely' }]);
  // the latest of those that stay may have come when there were as many before
  expect(third?.[0]?.count).toBeGreaterThanOrEqual(35);
  expect(third?.[0]?.count).toBeLessThanOrEqual(40);
  expect(none).toEqual([]);
});

// of others nobody sees a listener added, once there was a look
test.concurrent.each([
  ['allowed', '// after all others', false],
  ['unlimited', '// after all others', false],
  ['by-default', '// after all others', false],
  ['prepended', '// before all others', false],
  ['silenced', '// after all others', false],
  ['later', '// after all others', true],
])('what an emitter has beyond the usual number is found: %s', async (kind, line, isNodes) => {
  const program = fixture('more-listeners.cjs');
  const [left, none] = await Promise.all(['leak', 'clean'].map((variant) => probed(program, [kind, variant])));
  expect(left?.stdout).toBe(`${isNodes}\n`);
  expect(left?.report.findings).toMatchObject([
    { kind: 'listener', certainty: 'likely', library: 'EventEmitter "price"' },
  ]);
  expect(left?.report.findings.map(placeOf)).toEqual([lineOf(program, line)]);
  expect(none?.report.findings).toEqual([]);
});
