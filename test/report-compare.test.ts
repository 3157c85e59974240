import { describe, expect, test } from 'vitest';
import type { Recording } from '../probe/recording/format.ts';
import { compare } from '../reports/compare.ts';
import { browser, ReportPage } from './support/report-page.ts';
import {
  makeCleanReport,
  makeFinding,
  makeRecording,
  makeReport,
  SUSPECT_FINDING,
  TIMER_FINDING,
} from './support/reports.ts';

/** A run in which `name` acquired and released a connection. */
function running(name: string, file = '/srv/shop/src/fixed.ts'): Recording {
  const recording = makeRecording({ leaked: 0 });
  recording.sites.set(1, [{ file, line: 3, column: 1, function: name, user: true }]);
  recording.totals.push([1, 'connection', 'pg', 'orders', 200, 200]);
  return recording;
}

const before = makeReport({ findings: [makeFinding(), SUSPECT_FINDING] });

test('what is gone though its code ran is fixed; what is there again, or for the first time, is told apart', () => {
  const after = makeReport({ findings: [{ ...SUSPECT_FINDING, count: 3 }, TIMER_FINDING] });
  const { fixed, added, remaining } = compare(before, after, [running('reserve')]);
  expect(fixed).toEqual([makeFinding()]);
  expect(added).toEqual([TIMER_FINDING]);
  expect(remaining.map(({ before, after }) => [before.count, after.count])).toEqual([[1, 3]]);
});

test.each([
  ['its function, in another file', running('reserve', '/srv/shop/src/other.ts'), 'fixed'],
  ['its file, under another function, compiled', running('take', '/srv/shop/dist/rules.js'), 'fixed'],
  ['nothing of it', running('take'), 'unreached'],
] as const)('a leak is only fixed when its code ran: %s', (_, recording, outcome) => {
  const comparison = compare(makeReport({ findings: [makeFinding()] }), makeCleanReport(), [recording]);
  expect({ fixed: 0, unreached: 0, ...{ [outcome]: 1 } }).toEqual({
    fixed: comparison.fixed.length,
    unreached: comparison.unreached.length,
  });
});

test('runs that did about the same are comparable, and the work is named', () => {
  const after = makeCleanReport({ scopes: [{ name: 'rules', kind: 'job', began: 190, ended: 190, failed: 0 }] });
  const earlier = makeReport({ scopes: [{ name: 'rules', kind: 'job', began: 200, ended: 200, failed: 0 }] });
  const { isComparable, work } = compare({ ...earlier, watched: after.watched }, after, []);
  expect(isComparable).toBe(true);
  expect(work).toBe('Both runs did about the same work: 18,440 pg connections acquired, 200 and 190 runs of rules.');
});

test('runs that did not are not, whichever did less', () => {
  const less = makeCleanReport({
    scopes: [{ name: 'rules', kind: 'job', began: 12, ended: 12, failed: 0 }],
    watched: [],
  });
  for (const [a, b] of [
    [before, less],
    [less, before],
  ] as const) {
    const { isComparable, work } = compare(a, b, []);
    expect(isComparable).toBe(false);
    const effect =
      b === less ? 'what is gone may only not have happened' : 'what is new may only not have happened before';
    expect(work.startsWith(`The runs did different work, so ${effect}: `)).toBe(true);
    expect(work).toMatch(/200 runs of rules before, 12 now|12 runs of rules before, 200 now/);
  }
  const nothing = { ...less, scopes: [] };
  expect(compare(nothing, nothing, []).work).toBe('Neither run did anything that was watched.');
});

describe.skipIf(!browser)('in the HTML report', () => {
  const view = new ReportPage();

  test('both runs stand side by side, and those still there lead to their cards', async () => {
    const after = makeReport({ findings: [{ ...SUSPECT_FINDING, count: 3 }, TIMER_FINDING], verdict: 'leak' });
    const recordings = [running('reserve')];
    await view.open(after, recordings, '', compare(before, after, recordings));
    expect(await view.page.locator('.counts').innerText()).toMatch(
      /compared with the baseline: 1 fixed, 1 new, 1 still there$/,
    );
    const rows = await view.page.locator('.compared tbody tr').allInnerTexts();
    expect(rows.map((row) => row.split(/\s*\t\s*/).filter((_, i) => i !== 2))).toEqual([
      ['+ new', 'src/session.ts:31', '–', '200 acquired · 0 released · 200 leaked'],
      [
        '= still there',
        'src/export.ts:88',
        '12 acquired · 11 released · 1 still held',
        '12 acquired · 11 released · 3 still held',
      ],
      ['✓ fixed', 'src/rules.ts:12', '200 acquired · 186 released · 14 leaked', 'nothing found'],
    ]);
    await view.page.locator('.compared .still-there a').click();
    await expect.poll(() => view.page.locator('.finding:target .place').innerText()).toBe('src/export.ts:88');
    for (const colorScheme of ['light', 'dark'] as const) {
      await view.page.emulateMedia({ colorScheme });
      expect(await view.complaints()).toEqual([]);
    }
    view.silent();
  });
});
