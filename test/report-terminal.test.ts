import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { renderMarkdown } from '../reports/markdown.ts';
import { renderTerminal } from '../reports/terminal.ts';
import { verdictSentence } from '../reports/verdict.ts';
import { processName } from '../reports/words.ts';
import { makeSurroundings } from './support/report-surroundings.ts';
import {
  makeCleanReport,
  makeFinding,
  makeProcess,
  makeReport,
  SUSPECT_FINDING,
  TIMER_FINDING,
} from './support/reports.ts';

describe('the verdict sentence', () => {
  test('names the worst line, and how many runs of how many leak', () => {
    expect(verdictSentence(makeReport({ findings: [makeFinding()] }))).toBe(
      '1 leak. rules.ts:12 keeps 1 connection in 14 of 200 runs of rules.',
    );
  });

  test('counts proven and likely findings as leaks, suspects not', () => {
    expect(verdictSentence(makeReport())).toMatch(/^2 leaks\. rules\.ts:12 keeps/);
    expect(verdictSentence(makeReport({ verdict: 'suspect', findings: [SUSPECT_FINDING] }))).toBe(
      '1 suspect, no certain leak. export.ts:88 may keep 1 of the 12 connections it acquired.',
    );
  });

  test('speaks of requests when the scope is one', () => {
    const scopes = [{ name: 'POST /orders', ended: 900, leaked: 14, failedWith: null }];
    expect(verdictSentence(makeReport({ findings: [makeFinding({ scopes })] }))).toBe(
      '1 leak. rules.ts:12 keeps 1 connection in 14 of 900 POST /orders requests.',
    );
  });

  test('does not claim one per run when it is more', () => {
    expect(verdictSentence(makeReport({ findings: [makeFinding({ count: 28 })] }))).toBe(
      '1 leak. rules.ts:12 keeps 28 connections, left by 14 of 200 runs of rules.',
    );
  });

  test('says so when counts are estimated and when the line is not known', () => {
    const finding = makeFinding({ site: null, siteUnknown: 'no stack was taken', estimated: true, scopes: [] });
    expect(verdictSentence(makeReport({ findings: [finding] }))).toBe(
      '1 leak. An unknown line keeps about 14 of the 200 connections it acquired.',
    );
  });

  test('a clean verdict rests on the work that was seen', () => {
    expect(verdictSentence(makeCleanReport())).toBe('No leak found. All 18,440 connections acquired were released.');
    const open = makeCleanReport({ watched: [{ kind: 'timer', library: 'node', acquired: 10, released: 8 }] });
    expect(verdictSentence(open)).toBe(
      'No leak found. 8 of 10 resources acquired were released; nothing suggests that the other 2 leaked.',
    );
  });

  test('nothing seen is not called clean without saying so', () => {
    expect(verdictSentence(makeCleanReport({ watched: [] }))).toBe(
      'No leak found, but the probe saw nothing being acquired.',
    );
    expect(verdictSentence(makeCleanReport({ processes: [] }))).toBe('Nothing to judge. No process was recorded.');
  });
});

describe('the summary in a terminal', () => {
  test('tells the leak on one screen', () => {
    expect(renderTerminal(makeReport({ findings: [makeFinding()] }), { color: false })).toBe(`
1 leak. rules.ts:12 keeps 1 connection in 14 of 200 runs of rules.

● proven  /srv/shop/src/rules.ts:12 reserve
  connection · pg pool "orders"
  200 acquired · 186 released · 14 leaked
    10 │ const sku = order.lines[0].sku;
    11 │
  > 12 │ const client = await pool.connect();  ← acquired here
    13 │ const stock = await client.query('select left from stock where sku = $…
    14 │ if (stock.rows[0].left < order.quantity) throw new OutOfStock(sku);
    15 │ await client.query('update stock set left = left - $2 where sku = $1',…
    16 │ client.release();
  · Left open by 14 of 200 runs of rules, all of which failed with OutOfStock;
    no other did
  · The 14 clients were garbage-collected while their leases were open.
  · The 186 that were released were released 3 to 41 ms after they were
    acquired.

  fix
      const client = await pool.connect();
  +   try {
        const stock = await client.query('select left from stock where sku = $1…
        if (stock.rows[0].left < order.quantity) throw new OutOfStock(sku);
        await client.query('update stock set left = left - $2 where sku = $1', …
  -   client.release();
  +   } finally {
  +     client.release();
  +   }
    }

watched    pg connections: 18,440 acquired, 18,425 released
           node timers: 9,120 acquired, 8,920 released
           node sockets: 64 acquired, 60 released
cost       0.4 % of CPU time (412 ms), 2 forced GCs
`);
  });

  test('accuses a suspect of nothing', () => {
    const text = renderTerminal(makeReport({ verdict: 'suspect', findings: [SUSPECT_FINDING] }), { color: false });
    expect(text).toContain('12 acquired · 11 released · 1 still held');
    expect(text).not.toMatch(/leaked|keeps/);
  });

  test('of the third finding and later ones it shows the line alone', () => {
    const findings = ['a', 'b', 'c'].map((id) => makeFinding({ id }));
    const text = renderTerminal(makeReport({ findings }), { color: false });
    expect(text.match(/^ {2}> 12 │ /gm)).toHaveLength(3);
    expect(text.match(/^ {4}11 │/gm)).toHaveLength(2);
    expect(text.match(/^ {2}fix$/gm)).toHaveLength(2);
  });

  test.each([
    ['source not found on this machine', {}, /No code is shown: source not found on this machine\./],
    ['what ran is not the text of the file', { compiled: true }, /The line is of compiled code: what ran is not/],
  ])('says why no code is shown: %s', (excerptUnknown, changes, expected) => {
    const site = { file: '/srv/a.ts', line: 3, column: 1, function: 'f', ...changes };
    const report = makeReport({ findings: [makeFinding({ site, excerpt: null, excerptUnknown })] });
    expect(renderTerminal(report, { color: false })).toMatch(expected);
    expect(renderMarkdown(report, '/srv', null)).toMatch(expected);
  });

  test('shows paths from the current directory when they lie inside it', () => {
    const site = { file: join(process.cwd(), 'src', 'a.ts'), line: 3, column: 1, function: 'f' };
    expect(renderTerminal(makeReport({ findings: [makeFinding({ site })] }), { color: false })).toContain(
      `● proven  ${join('src', 'a.ts')}:3 f\n`,
    );
  });

  test('colours only when asked, and colour adds no information', () => {
    const plain = renderTerminal(makeReport(), { color: false });
    const colored = renderTerminal(makeReport(), { color: true });
    expect(stripVTControlCharacters(plain)).toBe(plain);
    expect(colored).not.toBe(plain);
    expect(stripVTControlCharacters(colored)).toBe(plain);
  });

  test('of a line that is too long it shows the call', () => {
    const text = `${'before();'.repeat(12)}pool.connect()${';after()'.repeat(5)}`;
    const excerpt = { first: 12, lines: [text], column: 109 };
    const report = makeReport({ findings: [makeFinding({ excerpt })] });
    const [line = ''] = /^ {2}> 12 .*$/m.exec(renderTerminal(report, { color: false })) ?? [];
    expect(line).toMatch(/│ ….*;pool\.connect\(\).*… {2}← acquired here$/);
    expect(line.length).toBeLessThanOrEqual(80);
  });

  test('keeps to the width', () => {
    const lines = renderTerminal(makeReport(), { color: false, width: 60 }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  });

  test('text from the service cannot steer the terminal', () => {
    const text = renderTerminal(
      makeReport({ findings: [makeFinding({ pool: '\u001b[2Jgone\u202e', evidence: ['\u0007'] })] }),
      {
        color: false,
      },
    );
    expect(text).toContain('pg pool "\\u001b[2Jgone\\u202e"');
    for (const character of ['\u001b', '\u0007', '\u202e']) expect(text).not.toContain(character);
  });

  test('leaves the rest of many findings to report.json', () => {
    const findings = Array.from({ length: 9 }, (_, i) => ({ ...TIMER_FINDING, id: String(i) }));
    expect(renderTerminal(makeReport({ findings }), { color: false })).toContain('and 4 more findings in report.json');
  });

  test('tells traps of libraries, also of a clean run, and the test that is red until a leak is fixed', () => {
    const { notices } = makeSurroundings();
    expect(renderTerminal(makeCleanReport({ notices }), { color: false })).toMatch(
      /^traps {6}oracledb pool "stock": 4 acquires [\s\S]*\n {11}oracledb: It is old\.\n {11}remedies are in the HTML report$/m,
    );
    const recipe = {
      sentence: 'Stays open if the query fails.',
      test: 'fail-path/query.test.mjs',
      fix: 'No patch: unclear.',
    };
    expect(renderTerminal(makeReport({ findings: [makeFinding({ recipe })] }), { color: false })).toContain(
      '· Red until this is fixed: fail-path/query.test.mjs beside the report',
    );
  });

  test('says what could not be seen', () => {
    const report = makeCleanReport({
      processes: [makeProcess({ unsupported: ['flow-ended: Node 20'], end: 'running', exitCode: null })],
      problems: ['No recording in b/.'],
    });
    expect(renderTerminal(report, { color: false })).toMatch(
      /not seen {3}No recording in b\/\.\n {11}Process 4211 was still running: [\s\S]*\n {11}Not available here: flow-ended: Node 20\.\n$/,
    );
  });
});

test('a process that a collector did not number is named by its service', () => {
  const logged = { pid: 0, thread: 0, argv: ['orders'], host: 'shop-1' };
  expect(processName(logged)).toBe('A process of orders on shop-1');
  expect(processName({ ...logged, host: '' })).toBe('A process of orders');
  expect(processName({ ...logged, pid: 17, thread: 2 })).toBe('Process 17 thread 2');
});
