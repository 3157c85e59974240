import { describe, expect, test } from 'vitest';
import { json } from '../reports/html/html.ts';
import { makeExhaustion, recognise, recorded } from './support/pool-reports.ts';
import { browser, ReportPage } from './support/report-page.ts';
import {
  makeCleanReport,
  makeFinding,
  makeProcess,
  makeRecording,
  makeReport,
  TIMER_FINDING,
} from './support/reports.ts';

describe.skipIf(!browser)('the HTML report in a browser', () => {
  const view = new ReportPage();

  test('says the verdict, what ran and what to do before anything else', async () => {
    await view.open(makeReport(), [makeRecording()]);
    expect(await view.page.locator('h1').innerText()).toMatch(
      /^2 leaks\.\s+rules\.ts:12 keeps 1 connection in 14 of 200 runs of rules\.$/,
    );
    expect(await view.page.locator('.outlook').innerText()).toBe(
      '14 of the 20 connections that the pool allows are gone; at this rate the rest last about 86 more runs.',
    );
    expect(await view.page.locator('.ran').innerText()).toBe(
      'node src/server.ts --port 3000 · 12 min 4 s · 200 job runs · 18,240 requests · 27,624 acquired · 22 Nov 2026 14:03 UTC',
    );
    expect(await view.page.locator('.counts').innerText()).toMatch(/1 proven\s+1 likely\s+1 suspect/);
    expect(await view.page.locator('.next').innerText()).toMatch(/src\/rules\.ts:12: Release it in a finally block/);
    view.silent();
  });

  test('shows each finding with its certainty in words, its counts, its line in the source and its evidence', async () => {
    await view.open(makeReport(), [makeRecording()]);
    const cards = view.page.locator('.finding');
    expect(await cards.locator('h3').allInnerTexts()).toEqual([
      'src/rules.ts:12 reserve #1',
      'src/session.ts:31 open #2',
      'src/export.ts:88 stream #3',
    ]);
    const card = cards.first();
    expect(await card.locator('.certainty').innerText()).toMatch(/proven/);
    expect(await card.locator('.means').innerText()).toMatch(/^Proven: nothing left in the program can give it back\./);
    expect(await card.locator('figcaption').innerText()).toMatch(/200 acquired\s*186 released\s*14 leaked/);
    const marked = card.locator('mark.line');
    expect(await marked.innerText()).toMatch(/^12\s*const client = await pool\.connect\(\);\s*← acquired here\s*$/);
    expect(await marked.locator('u').innerText()).toBe('connect');
    expect(await card.locator('.excerpt .line').count()).toBe(9);
    expect(await card.locator('dd li').allInnerTexts()).toContain(
      'Left open by 14 of 200 runs of rules, all of which failed with OutOfStock; no other did',
    );
    expect(await cards.nth(2).locator('figcaption').innerText()).toMatch(/11 released\s*1 still held$/);
    await card.locator('summary').click();
    expect(await card.locator('.stack .user span').allInnerTexts()).toEqual(['reserve', 'JobRunner.run']);
    expect(await card.locator('.stack .dependency').count()).toBe(2);
  });

  test('a clean run says what the verdict rests on', async () => {
    await view.open(makeCleanReport(), [makeRecording({ leaked: 0 })]);
    expect(await view.page.locator('h1').innerText()).toMatch(
      /^No leak found\.\s+All 18,440 connections acquired were released\.$/,
    );
    const sure = await view.page.locator('.sure').innerText();
    expect(sure).toContain('node timers: 9,120 acquired, 9,118 released, 2 still open and not objected to.');
    expect(sure).toContain('Watched through pg 8.23.1, timers.');
    expect(sure).toContain('nothing was dropped');
    view.silent();
  });

  test('of an inconclusive run says why before anything else, and lists what is open', async () => {
    const site = { file: '/srv/shop/src/session.ts', line: 31, column: 16, function: 'open' };
    const row = { held: null, stack: [], function: 'open', about: null, oldestMs: 42_000 };
    const report = makeCleanReport({
      verdict: 'inconclusive',
      unseen: [{ what: 'mysql2 3.11.0', why: 'It holds connections to databases, and no adapter watches them.' }],
      open: [
        { ...row, kind: 'timer', library: 'setInterval', count: 14, site, owner: null },
        {
          ...row,
          kind: 'stream',
          library: 'oracledb',
          count: 2,
          site: null,
          about: 'to nowhere',
          owner: { ...row, kind: 'timer', library: 'setInterval', site },
        },
      ],
    });
    await view.open(report, [makeRecording({ leaked: 0 })]);
    expect(await view.page.locator('h1.inconclusive').innerText()).toMatch(/^Inconclusive\.\s+Nothing was found, but/);
    expect(await view.page.locator('.masthead .unseen li').allInnerTexts()).toEqual([
      'mysql2 3.11.0 It holds connections to databases, and no adapter watches them.',
    ]);
    expect(await view.page.locator('section.open tbody tr').allInnerTexts()).toEqual([
      '14 setInterval timers\tsrc/session.ts:31 open\t42 s',
      'on it: 2 oracledb streams\tto nowhere\t42 s',
    ]);
    expect(await view.complaints()).toEqual([]);
    view.silent();
  });

  test('says what was not watched', async () => {
    const report = makeCleanReport({
      processes: [makeProcess({ end: 'signal', exitCode: null, faults: 2, unsupported: ['flow-ended: Node 20'] })],
      dropped: { stacks: 1200 },
      problems: ['The last line of 4212-0-1.jsonl is torn.'],
    });
    await view.open(report, []);
    expect(await view.page.locator('.missing li').allInnerTexts()).toEqual([
      'The last line of 4212-0-1.jsonl is torn.',
      'Dropped to stay cheap: 1,200 stacks.',
      'Process 4211: the probe caught 2 faults of its own and went on without.',
      'Process 4211 was ended by a signal: its last second may be missing.',
      'Not available here: flow-ended: Node 20.',
    ]);
    expect(await view.page.locator('.sure').innerText()).toContain('5 things could not be seen');
    view.silent();
  });

  test('text from the service stays text, wherever it stands', async () => {
    const hostile = `</script></style><img src=x onerror="document.title='owned'">'"&\u2028\u202e`;
    const sql = `select '<b>' from "t" where x = '<script>document.title="owned"</script>'`;
    const finding = makeFinding({
      id: hostile,
      library: hostile,
      pool: hostile,
      site: { file: `/srv/${hostile}.ts`, line: 12, column: 29, function: hostile },
      siteUnknown: hostile,
      stack: [{ file: hostile, line: 1, column: 1, function: hostile, user: true }],
      evidence: [sql, hostile],
      scopes: [{ name: hostile, ended: 2, leaked: 1, failedWith: hostile }],
      excerpt: { first: 12, lines: [hostile, sql], column: 1 },
    });
    const report = makeReport({
      findings: [finding],
      processes: [
        makeProcess({ argv: [hostile, hostile], node: hostile, adapters: [hostile], unsupported: [hostile] }),
      ],
      watched: [{ kind: 'connection', library: hostile, acquired: 1, released: 0 }],
      settings: { [hostile]: hostile },
      dropped: { [hostile]: 1 },
      problems: [hostile],
    });
    const text = await view.open(report, [makeRecording({ pool: hostile, name: hostile })]);
    expect(await view.page.locator('img').count()).toBe(0);
    expect(await view.page.locator('script').count()).toBe(4);
    expect(await view.page.title()).not.toBe('owned');
    expect(await view.page.locator('.finding dd').first().innerText()).toContain(sql);
    expect(await view.page.locator('.plot canvas').count()).toBe(6);
    for (const character of ['\u2028', '\u202e']) expect(text.includes(character)).toBe(false);
    view.silent();
  });

  test('dragging over one chart zooms all, and a double click shows everything again', async () => {
    await view.open(makeReport(), [makeRecording()]);
    const before = await ink();
    const box = (await view.page.locator('.plot .u-over').nth(1).boundingBox())!;
    await view.page.locator('.time').scrollIntoViewIfNeeded();
    const chart = view.page.locator('.plot .u-over').nth(1);
    await chart.scrollIntoViewIfNeeded();
    const { x, y } = (await chart.boundingBox())!;
    await view.page.mouse.move(x + box.width * 0.5, y + 20);
    await view.page.mouse.down();
    await view.page.mouse.move(x + box.width * 0.7, y + 30, { steps: 4 });
    await view.page.mouse.up();
    await expect.poll(async () => differing(before, await ink())).toEqual([0, 1, 2, 3, 4, 5]);
    const seeAll = view.page.getByRole('button', { name: 'see all' });
    expect(await seeAll.isEnabled()).toBe(true);
    await chart.dblclick();
    await expect.poll(() => seeAll.isDisabled()).toBe(true);
    await view.page.mouse.move(0, 0);
    await expect.poll(async () => differing(before, await ink())).toEqual([]);
    view.silent();
  });

  /** What is drawn on each canvas. */
  function ink(): Promise<string[]> {
    return view.page.evaluate("[...document.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL())");
  }
  function differing(before: string[], after: string[]): number[] {
    return before.flatMap((drawn, i) => (drawn === after[i] ? [] : [i]));
  }

  test('the legend shows the values under the cursor in all charts', async () => {
    await view.open(makeReport(), [makeRecording()]);
    const heap = view.page.locator('figure.chart', { hasText: 'Memory' }).locator('output').first();
    const atTheEnd = await heap.innerText();
    await view.page
      .locator('.plot .u-over')
      .nth(1)
      .hover({ position: { x: 20, y: 20 } });
    await expect.poll(() => heap.innerText()).not.toBe(atTheEnd);
    expect(await view.page.locator('.hint output').innerText()).toMatch(/^0:\d\d$/);
  });

  test('each chart is also said in words', async () => {
    await view.open(makeReport(), [makeRecording({ samples: 10 })]);
    const words = await view.page
      .locator('figure.chart', { hasText: 'Native contexts' })
      .locator('.range')
      .textContent();
    expect(words).toMatch(/^1 to \d+, at the end \d+$/);
  });

  test('a permalink opens the page at its finding', async () => {
    await view.open(makeReport(), [makeRecording()], `#${encodeURIComponent(`finding-${TIMER_FINDING.id}`)}`);
    const top = () =>
      view.page
        .locator('.finding')
        .nth(1)
        .evaluate((card) => card.getBoundingClientRect().top);
    await expect.poll(top).toBeLessThan(100);
    expect(await top()).toBeGreaterThan(-1);
    expect(await view.page.locator('.finding:target h3').innerText()).toMatch(/^src\/session\.ts:31/);
    const own = await view.page.locator('.finding').nth(1).locator('a.hash').getAttribute('href');
    expect(new URL(view.page.url()).hash).toBe(own);
  });

  test('a pool that ran out shows how full it was and who held it, instead of what leaked', async () => {
    await view.open(makeReport({ findings: [makeExhaustion()], verdict: 'suspect' }), [makeRecording()]);
    const card = view.page.locator('.finding');
    expect(await card.locator('figcaption').innerText()).toMatch(/^4 of 4 in use\s*1 of them idle\s*15 waiting$/);
    const rows = card.locator('.holders tbody tr');
    expect((await rows.allInnerTexts()).map((row) => row.split(/\s*\t\s*/))).toEqual([
      ['src/orders.ts:12 reserve', '3', 'busy', '4.2 s', '–'],
      ['src/export.ts:88 stream', '1', 'idle', '12 s', '9.1 s'],
    ]);
    expect(await card.innerText()).toContain('raise the limit as far as the database allows');
    expect(await card.innerText()).not.toMatch(/leaked|finally/);
    view.silent();
  });

  test('shows the strongest evidence first and folds the rest', async () => {
    const [strong, weak] = ['It stayed.', '14 not used for more than 1.0 s, the oldest open for 1.5 s.'];
    await view.open(makeReport({ findings: [makeFinding({ evidence: [weak, strong] })] }), []);
    const evidence = view.page.locator('.finding dd').first();
    expect(await evidence.innerText()).toMatch(/OutOfStock; no other did\s*It stayed\.\s*more evidence$/);
    await evidence.locator('summary').click();
    expect(await evidence.innerText()).toContain(weak);
  });

  test('a flag on the time line leads from the moment a finding was first seen to its card', async () => {
    const recording = makeRecording();
    recognise(recording, TIMER_FINDING, 42_000);
    await view.open(makeReport(), [recording]);
    const flags = view.page.locator('figure.flags');
    expect(await flags.locator('li').allInnerTexts()).toEqual([expect.stringMatching(/^2\s+session\.ts:31\s+42 s$/)]);
    const flag = flags.locator('.plot .flag');
    const lane = (await flags.locator('.u-over').boundingBox())!;
    const { x } = (await flag.boundingBox())!;
    expect((x - lane.x) / lane.width).toBeCloseTo(42 / 724, 1);
    await flag.click();
    await expect
      .poll(() => view.page.locator('.finding:target').evaluate((card) => card.getBoundingClientRect().top))
      .toBeLessThan(100);
    expect(await view.page.locator('.finding:target .place').innerText()).toBe('src/session.ts:31');
    view.silent();
  });

  test('what came back is told apart from what stands, with its reason', async () => {
    const recording = makeRecording({ leaked: 0 });
    const { holders: _, ...withdrawn } = { ...makeExhaustion(), why: 'the pool recovered' };
    recording.withdrawn.push({ at: 100_000, finding: recorded(makeExhaustion()), why: withdrawn.why });
    await view.open(makeCleanReport({ withdrawn: [withdrawn] }), [recording]);
    expect(await view.page.locator('.came-back li').innerText()).toMatch(
      /^src\/orders\.ts:12 reserve [\s\S]*pool-exhausted\s+92 acquires [\s\S]*Withdrawn: the pool recovered\.$/,
    );
    expect(await view.page.locator('.sure').innerText()).toContain('1 finding came back and no longer stands.');
    expect(await view.page.locator('figure.flags li').innerText()).toMatch(
      /pool orders: the pool recovered\s+1 min 40 s$/,
    );
    await view.page.locator('figure.flags .plot .flag').click();
    await expect.poll(() => view.page.evaluate('location.hash')).toBe('#came-back');
    view.silent();
  });

  test('traps of libraries stand with their remedy, the load round by round, a fault of the probe at its time', async () => {
    const recording = makeRecording({ leaked: 0 });
    recording.faults.push({ at: 60_000, count: 1 });
    const latency = { p50: 12, p99: 140, max: 201 };
    const round = { startedMs: 0, endedMs: 10_000, errors: 2, latency, open: 3, findings: 0 };
    const rounds = [0, 1].map((n) => {
      const targets = [{ target: 0, statuses: { 200: 1204, 500: n }, failed: n }];
      return { ...round, round: n, requests: 1204 + n, targets };
    });
    const load = {
      kind: 'requests' as const,
      targets: ['POST http://127.0.0.1:3000/orders'],
      connections: 20,
      planned: 6,
    };
    const notices = [
      {
        ...{ library: 'oracledb', pool: 'orders', name: 'hung-logon', count: 3 },
        sentence: 'A logon has hung for 9 s, and others wait behind it.',
        remedy: 'Set connectTimeout.',
      },
    ];
    const fault = { kind: 'query' as const, site: makeFinding().site!, ordinal: 2, test: null, fix: null };
    const faults = [
      { ...fault, outcome: 'returned' as const, sentence: 'All came back.' },
      { ...fault, outcome: 'dies' as const, sentence: 'The service ends if the 2nd query fails.' },
    ];
    await view.open(makeCleanReport({ notices, load: { ...load, rounds, faults } }), [recording]);
    expect(await view.page.locator('.load').innerText()).toMatch(
      /2 operations failed once each, in turn; [\s\S]*dies The service ends if the 2nd query fails\.$/,
    );
    expect(await view.page.locator('.notices li').innerText()).toMatch(
      /^oracledb pool "orders" hung-logon · 3 times\s+A logon has hung[\s\S]*Remedy: Set connectTimeout\.$/,
    );
    const rows = await view.page.locator('.load tbody tr').allInnerTexts();
    expect(await view.page.locator('.load .more').innerText()).toMatch(/^1 of 6 rounds, 20 at once\. /);
    expect(await view.page.locator('.counts a').allInnerTexts()).toEqual(['1 trap of libraries']);
    expect(rows.map((row) => row.split(/\s*\t\s*/))).toEqual([
      ['warm-up', '10 s', '1,204', '200: 1,204, 500: 0', '2', '12 ms', '140 ms', '3', '0'],
      ['1', '10 s', '1,205', '200: 1,204, 500: 1', '3', '12 ms', '140 ms', '3', '0'],
    ]);
    expect(await view.page.locator('figure.flags li').innerText()).toMatch(
      /^!\s+the probe had 1 fault of its own\s+1 min$/,
    );
    expect(await view.complaints()).toEqual([]);
    view.silent();
  });

  test('as many samples as a reader keeps stay under 500 kB and are drawn with their peaks', async () => {
    const recording = makeRecording({ samples: 40_000 });
    recording.samples[20_000]!.loopDelay = 987;
    const text = await view.open(makeReport(), [recording]);
    expect(text.length).toBeLessThan(500_000);
    expect(await view.page.locator('.plot canvas').count()).toBe(6);
    const delay = await view.page
      .locator('figure.chart', { hasText: 'Event-loop delay' })
      .locator('.range')
      .textContent();
    expect(delay).toContain('to 987 ms');
    const data = JSON.parse((await view.page.locator('#time').textContent())!);
    expect(Math.max(...data.charts.at(-1).series[0])).toBe(987);
    view.silent();
  });

  test('a report without recordings has its findings and no charts', async () => {
    await view.open(makeReport(), []);
    expect(await view.page.locator('.finding').count()).toBe(3);
    expect(await view.page.locator('.time').count()).toBe(0);
    view.silent();
  });

  test('draws the four busiest of many processes and names what it leaves out', async () => {
    const recordings = Array.from({ length: 200 }, (_, i) => {
      const recording = makeRecording({ samples: 20 + i });
      recording.process = { ...recording.process, pid: 5000 + i, parent: i ? 5000 : 0 };
      return recording;
    });
    const text = await view.open(makeReport(), recordings);
    expect(await view.page.locator('.process').first().innerText()).toBe('Process 5199 · node src/server.ts');
    expect(await view.page.locator('.time .more').innerText()).toBe('Not drawn: 196 more processes.');
    expect(text.length).toBeLessThan(500_000);
    view.silent();
  });
});

test('data in the page cannot end the script element it stands in', () => {
  expect(json({ sql: '</script>\u2028&' }).text).toBe('{"sql":"\\u003c/script\\u003e\\u2028\\u0026"}');
});
