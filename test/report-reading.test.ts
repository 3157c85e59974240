import { describe, expect, test } from 'vitest';
import { compare } from '../reports/compare.ts';
import {
  makeDeadlock,
  makeExhaustion,
  makeOpenTransaction,
  makePoolsPerCall,
  recognise,
} from './support/pool-reports.ts';
import { browser, ReportPage } from './support/report-page.ts';
import { makeSurroundings } from './support/report-surroundings.ts';
import { makeCleanReport, makeFinding, makeRecording, makeReport, TIMER_FINDING } from './support/reports.ts';

// By whom and how ever it is read: any theme and width, paper, keyboard alone, a screen reader.
describe.skipIf(!browser)('the HTML report', () => {
  const view = new ReportPage();

  async function openMany(): Promise<void> {
    const recording = makeRecording();
    recognise(recording, TIMER_FINDING, 42_000);
    recording.collections = [10, 300, 700].map((at) => ({ t: 'gc', at: at * 1000, heapUsed: 4e7 + at * 1e4 }));
    const pools = [makeExhaustion(), makeDeadlock(), makeOpenTransaction(), makePoolsPerCall()];
    const other = makeFinding({ id: 'x', callers: [...makeFinding().callers, ...makeFinding().callers] });
    const report = makeReport({ findings: [...makeReport().findings, ...pools, other], ...makeSurroundings() });
    const baseline = makeReport({ findings: [makeFinding({ id: 'gone' }), TIMER_FINDING] });
    await view.open(report, [recording], '', compare(baseline, report, [recording]));
  }

  test.each(['light', 'dark'] as const)(
    'leaves a screen reader and a weak eye nothing to miss, %s',
    async (colorScheme) => {
      await openMany();
      await view.page.emulateMedia({ colorScheme });
      const [paper, ink] = await view.page.evaluate<number[]>(
        'const { backgroundColor, color } = getComputedStyle(document.body); [backgroundColor, color].map((c) => Number(/\\d+/.exec(c)[0]))',
      );
      expect(paper! > ink!).toBe(colorScheme === 'light');
      await view.page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
      for (const name of ['compared', 'notices', 'alarms', 'database', 'load'])
        expect(await view.page.locator(`section:has(> #${name})`).count()).toBe(1);
      expect(await view.complaints()).toEqual([]);
      await view.page.keyboard.press('?');
      expect(await view.complaints()).toEqual([]);
      for (const width of [1280, 360]) {
        await view.page.setViewportSize({ width, height: 900 });
        expect(await view.page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      }
      await view.page.close();
      await view.open(makeCleanReport(), [makeRecording({ leaked: 0 })]);
      await view.page.emulateMedia({ colorScheme });
      expect(await view.complaints()).toEqual([]);
      view.silent();
    },
  );

  test('j and k go from finding to finding', async () => {
    await view.open(makeReport(), [makeRecording()]);
    const seen: (string | null)[] = [];
    for (const key of ['j', 'j', 'j', 'j', 'k']) {
      await view.page.keyboard.press(key);
      seen.push(await focused());
    }
    expect(seen).toEqual([
      'src/rules.ts:12',
      'src/session.ts:31',
      'src/export.ts:88',
      'src/export.ts:88',
      'src/session.ts:31',
    ]);
  });

  const focused = () =>
    view.page.evaluate<string | null>("document.activeElement?.querySelector('.place')?.textContent ?? null");
  const shown = () => view.page.locator('.finding:visible .place').allInnerTexts();

  test('/ filters the findings by any words in them; j stays among those; Escape shows all', async () => {
    await view.open(makeReport(), [makeRecording()]);
    await view.page.keyboard.press('/');
    await view.page.keyboard.type('Timer setinterval');
    expect(await shown()).toEqual(['src/session.ts:31']);
    expect(await view.page.locator('.filter output').innerText()).toBe('1 of 3 shown');
    await view.page.keyboard.press('Enter');
    expect(await focused()).toBe('src/session.ts:31');
    await view.page.keyboard.press('j');
    expect(await focused()).toBe('src/session.ts:31');
    await view.page.keyboard.press('Escape');
    expect(await shown()).toHaveLength(3);
    view.silent();
  });

  test('a link to a finding that is filtered out shows it', async () => {
    await view.open(makeReport(), [makeRecording()]);
    await view.page.locator('.filter input').fill('timer');
    await view.page.locator('.next a').click();
    await expect.poll(() => shown()).toHaveLength(3);
  });

  test('? tells the keys, and while it does, they do nothing', async () => {
    await view.open(makeReport(), [makeRecording()]);
    await view.page.keyboard.press('?');
    expect(await view.page.getByRole('dialog', { name: 'Keys' }).isVisible()).toBe(true);
    await view.page.keyboard.press('j');
    expect(await focused()).toBe(null);
    await view.page.keyboard.press('Escape');
    expect(await view.page.getByRole('dialog').isVisible()).toBe(false);
    view.silent();
  });

  test('all charts are zoomed and moved by buttons too', async () => {
    await view.open(makeReport(), [makeRecording()]);
    const press = (name: string) => view.page.getByRole('button', { name, exact: true }).press('Enter');
    const isDisabled = (name: string) => view.page.getByRole('button', { name, exact: true }).isDisabled();
    const ink = () => view.page.evaluate("document.querySelectorAll('canvas')[2].toDataURL()");
    const whole = await ink();
    expect(await isDisabled('later')).toBe(true);
    await press('zoom in');
    await expect.poll(ink).not.toBe(whole);
    const near = await ink();
    await press('later');
    await expect.poll(ink).not.toBe(near);
    await press('earlier');
    await expect.poll(ink).toBe(near);
    await press('see all');
    await expect.poll(ink).toBe(whole);
  });

  test('on paper everything that is folded is open, and nothing is cut off', async () => {
    await openMany();
    await view.page.emulateMedia({ media: 'print' });
    await view.page.evaluate("dispatchEvent(new Event('beforeprint'))");
    expect(await view.page.locator('details:not([open])').count()).toBe(0);
    expect(await view.page.locator('.filter:visible, .zoom:visible, footer:visible').count()).toBe(0);
    await view.page.setViewportSize({ width: 360, height: 900 });
    const cut = await view.page.evaluate<string[]>(
      "[...document.querySelectorAll('pre, .scroll')].filter((box) => getComputedStyle(box).overflowX !== 'visible' || (box.matches('pre') && box.scrollWidth > box.clientWidth)).map((box) => box.outerHTML)",
    );
    expect(cut).toEqual([]);
    await view.page.evaluate("dispatchEvent(new Event('afterprint'))");
    expect(await view.page.locator('details[open]').count()).toBe(0);
  });
});
