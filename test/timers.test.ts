import { expect, test } from 'vitest';
import { fixture, lineOf, NODE_MAJOR, placeOf, probed, watched } from './support/probed.ts';

const program = fixture('timers.cjs');

test('an interval that outlives its job is found at the line that set it', async () => {
  const { report } = await probed(program, ['leak']);
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// every second')]);
  expect(report.findings[0]).toMatchObject({
    kind: 'timer',
    certainty: 'likely',
    count: 6,
    acquired: 24,
    released: 18,
  });
});

test('a heartbeat for life, a singleton made in a job and timers that end by themselves are no leak', async () => {
  const { report } = await probed(program, ['clean']);
  expect(report.findings).toEqual([]);
  expect(watched(report, 'setInterval').acquired).toBeGreaterThanOrEqual(26);
  expect(watched(report, 'setTimeout').acquired).toBeGreaterThanOrEqual(24);
});

test('a timeout that its job leaves behind setting itself again and again is found', async () => {
  const { report } = await probed(program, ['loop']);
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// and again')]);
  expect(report.findings[0]).toMatchObject({
    kind: 'timer',
    detector: 'outlived-scope',
    certainty: 'likely',
    count: 5,
  });
});

/** What a promise's continuation follows from is known from Node.js 24 on. */
const LOOPS =
  NODE_MAJOR < 24
    ? []
    : [
        'awaits // a look',
        'sleeps // a pause',
        // more of them than there are stacks for
        'jitters // now shorter, now longer',
        'promises // a rest',
        'varies // each another delay',
      ];
test.concurrent.each(LOOPS)('a loop that is told to go on and on, %s, is found where it goes on', async (kind) => {
  const loops = fixture('loops.mjs');
  const [name = '', line = ''] = kind.split(/ (?=\/\/)/);
  const [left, stopped] = await Promise.all(['leak', 'stopped'].map((variant) => probed(loops, [name, variant])));
  expect(left?.report.findings.map(placeOf)).toEqual([lineOf(loops, line)]);
  expect(left?.report.findings[0]).toMatchObject({ kind: 'timer', certainty: 'likely', count: 8 });
  expect(stopped?.report.findings).toEqual([]);
});

/** What a promise's continuation follows from is known from Node.js 24 on. */
const GOING_ON = ['again // once more', 'refreshed // the same one', ...(NODE_MAJOR < 24 ? [] : ['flow // as long'])];
test.concurrent.each(GOING_ON)(
  'among thousands of timers that are only counted, those that go on are found: %s',
  async (which) => {
    const busy = fixture('busy-timers.cjs');
    const [kind = '', line = ''] = which.split(/ (?=\/\/)/);
    const { report } = await probed(busy, [kind]);
    expect(report.findings.map(placeOf)).toEqual([lineOf(busy, line)]);
    expect(report.findings[0]).toMatchObject({ kind: 'timer', certainty: 'likely', count: 8 });
    expect(watched(report, 'setTimeout').acquired).toBeGreaterThan(10_000);
  },
);

test('… and nothing where they are stopped', async () => {
  const { report } = await probed(fixture('busy-timers.cjs'), ['stopped']);
  expect(report.findings).toEqual([]);
});

test.each(['0', '2000'])('what Node refuses to set is not counted, with %s stacks', async (OUTLIVE_STACKS) => {
  const { report, stdout } = await probed(fixture('refused-timers.cjs'), [], { env: { OUTLIVE_STACKS } });
  expect(stdout).toBe('200\n');
  expect(watched(report, 'setTimeout')).toEqual({ acquired: 200, released: 200 });
});

test("what a watched library sets for itself is the library's", async () => {
  const { report } = await probed(program, ['library']);
  expect(report.findings).toEqual([]);
});

test('a timeout that sets itself again, outside of any job, once for each object that has one', async () => {
  const { report } = await probed(program, ['pollers']);
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// for each object')]);
  expect(report.findings[0]).toMatchObject({ kind: 'timer', library: 'setTimeout', certainty: 'likely', count: 8 });
});

test('a timeout that is refreshed whenever it has fired goes on as well', async () => {
  const { report } = await probed(program, ['refreshed']);
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// the same one again')]);
  expect(report.findings[0]).toMatchObject({ kind: 'timer', library: 'setTimeout', certainty: 'likely', count: 8 });
  expect(report.open.filter(({ library }) => library === 'setTimeout')).toMatchObject([{ count: 8 }]);
});

test.each([
  ['stopped', 'one that is stopped'],
  ['put-off', 'one that is refreshed before it fires'],
  ['cleared', 'one that is refreshed once it was cleared, which does nothing'],
])('%s: %s is none', async (variant) => {
  const { report } = await probed(program, [variant]);
  expect(report.findings).toEqual([]);
});

test('a heartbeat stays with its connection, while those of others have ended', async () => {
  const { report } = await probed(fixture('heartbeats.mjs'));
  expect(watched(report, 'setInterval')).toEqual({ acquired: 10, released: 6 });
  expect(report.findings.filter(({ kind }) => kind === 'timer')).toEqual([]);
});
