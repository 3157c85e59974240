import { describe, expect, test } from 'vitest';
import type { Report } from '../probe/recording/report.ts';
import { compare } from '../reports/compare.ts';
import { renderJUnit } from '../reports/junit.ts';
import { renderMarkdown } from '../reports/markdown.ts';
import { renderSarif } from '../reports/sarif.ts';
import { renderTerminal } from '../reports/terminal.ts';
import { verdictSentence } from '../reports/verdict.ts';
import { makeDeadlock, makeExhaustion, makeOpenTransaction, makePoolsPerCall } from './support/pool-reports.ts';
import { browser, ReportPage } from './support/report-page.ts';
import { makeSurroundings } from './support/report-surroundings.ts';
import { makeCleanReport, makeFinding, makeReport, SUSPECT_FINDING, TIMER_FINDING } from './support/reports.ts';

import { sarifErrors } from './support/sarif.ts';

const ROOT = '/srv/shop';
const HOSTILE = `]]></failure><!-- "'&\u0000\u001b\ud800\ufffe | \`x\` @everyone [a](https://evil.example) <img src=x>\n## no`;
const everything = makeReport({
  findings: [...makeReport().findings, makeExhaustion(), makeDeadlock(), makeOpenTransaction(), makePoolsPerCall()],
});
const hostile = makeReport({
  findings: [
    makeFinding({
      ...{ id: HOSTILE, library: HOSTILE, pool: HOSTILE, siteUnknown: HOSTILE, evidence: [HOSTILE], scopes: [] },
      site: { file: `/srv/shop/${HOSTILE}.ts`, line: 12, column: 3, function: HOSTILE },
      stack: [{ file: 'node:internal/timers', line: 0, column: 0, function: '', user: false }],
      excerpt: { first: 12, lines: [HOSTILE], column: 1 },
    }),
    makeFinding({ id: 'lost', site: null, siteUnknown: 'no stack was taken', excerpt: null, stack: [] }),
  ],
  watched: [{ kind: 'socket', library: HOSTILE, acquired: 1, released: 0 }],
  problems: [HOSTILE],
});
const UNSEEN = { what: 'mysql2 3.11.0', why: 'It holds connections to databases, and no adapter watches them.' };
const inconclusive = makeCleanReport({
  verdict: 'inconclusive',
  unseen: [UNSEEN, { what: 'request scopes', why: HOSTILE }],
});
const REPORTS: [string, Report][] = [
  ['many findings', everything],
  ['a clean run', makeCleanReport()],
  ['hostile names', hostile],
  ['an inconclusive run', inconclusive],
  ['nothing at all', makeCleanReport({ processes: [], watched: [], scopes: [] })],
];

describe('SARIF', () => {
  test.each(REPORTS)('of %s follows the schema of its makers', (_, report) => {
    expect(sarifErrors(renderSarif(report, ROOT, null))).toEqual([]);
    expect(sarifErrors(renderSarif(report, ROOT, compare(everything, report, [])))).toEqual([]);
    expect(sarifErrors('{"version":"2.1.0","runs":[{}]}')).not.toEqual([]);
  });

  test('has each finding at its line, with a fingerprint that stays and the level of its certainty', () => {
    const { results } = JSON.parse(renderSarif(makeReport(), ROOT, null)).runs[0];
    expect(results.map(({ level }: { level: string }) => level)).toEqual(['error', 'error', 'warning']);
    expect(results[0]).toMatchObject({
      ruleId: 'collected',
      partialFingerprints: { 'outlive/v1': makeFinding().id },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'src/rules.ts', uriBaseId: 'SRCROOT' },
            region: { startLine: 12, startColumn: 29, snippet: { text: '  const client = await pool.connect();' } },
          },
        },
      ],
    });
    const [{ deletedRegion, insertedContent }] = results[0].fixes[0].artifactChanges[0].replacements;
    expect(deletedRegion).toEqual({ startLine: 13, startColumn: 1, endLine: 17, endColumn: 1 });
    expect(insertedContent.text).toMatch(/^ {2}try {\n {4}const stock = [\s\S]*\n {4}client\.release\(\);\n {2}}\n$/);
    expect(results[0].message.text).toContain('200 acquired · 186 released · 14 leaked.');
  });

  test('says with a baseline what is new and what is gone', () => {
    const before = makeReport({ findings: [makeFinding(), SUSPECT_FINDING] });
    const after = makeReport({ findings: [SUSPECT_FINDING, TIMER_FINDING] });
    const { fixed, unreached, ...rest } = compare(before, after, []);
    const comparison = { ...rest, fixed: unreached, unreached: fixed };
    const { results } = JSON.parse(renderSarif(after, ROOT, comparison)).runs[0];
    expect(results.map((each: { baselineState: string }) => each.baselineState)).toEqual([
      'unchanged',
      'new',
      'absent',
    ]);
  });
});

describe.skipIf(!browser)('JUnit', () => {
  const view = new ReportPage();

  /** What an XML parser makes of it. */
  async function parsed(report: Report) {
    await view.open(makeCleanReport(), []);
    return view.page.evaluate(
      ([text]) => {
        // biome-ignore lint/suspicious/noExplicitAny: this runs in the browser, whose types the tests do not have
        const { DOMParser } = globalThis as any;
        const xml = new DOMParser().parseFromString(text, 'application/xml');
        const count = (name: string) => xml.getElementsByTagName(name).length as number;
        const first = xml.querySelector('testcase');
        return {
          error: (xml.querySelector('parsererror')?.textContent ?? null) as string | null,
          counts: [count('testcase'), count('failure'), count('skipped')],
          said: ['tests', 'failures', 'skipped'].map((name) => Number(xml.documentElement.getAttribute(name))),
          name: first?.getAttribute('name') as string,
          file: first?.getAttribute('file') as string,
          text: first?.textContent as string,
        };
      },
      [renderJUnit(report, ROOT)],
    );
  }

  test.each(REPORTS)('of %s is XML, and counts what it has', async (_, report) => {
    const { error, counts, said } = await parsed(report);
    expect(error).toBe(null);
    expect(said).toEqual(counts);
  });

  test('likely and proven findings fail, suspects are skipped, clean libraries pass', async () => {
    const { counts, name, file, text } = await parsed(makeReport());
    expect(counts).toEqual([4, 2, 1]);
    expect(name).toBe('src/rules.ts:12 reserve · connection · pg pool "orders"');
    expect(file).toBe('src/rules.ts');
    expect(text).toContain('Left open by 14 of 200 runs of rules, all of which failed with OutOfStock; no other did');
  });
});

describe('an inconclusive run', () => {
  const first =
    'Inconclusive. Nothing was found, but too little was seen to call it clean: mysql2 3.11.0 and request scopes.';

  test('is said first, and why, in every form', () => {
    expect(verdictSentence(inconclusive)).toBe(first);
    expect(renderMarkdown(inconclusive, ROOT, null)).toMatch(
      /^### outlive: Inconclusive\.\n\nNothing was found.*\n\n- mysql2 3\.11\.0: It holds connections to databases/,
    );
    const junit = renderJUnit(inconclusive, ROOT);
    expect(junit).toContain('name="mysql2 3.11.0 was not watched">\n      <skipped message="It holds connections');
    expect(junit).toContain('failures="0" errors="0" skipped="2"');
    const { invocations, properties } = JSON.parse(renderSarif(inconclusive, ROOT, null)).runs[0];
    expect(properties.verdict).toBe(first);
    expect(invocations[0].toolExecutionNotifications[0]).toEqual({
      level: 'warning',
      message: { text: `mysql2 3.11.0: ${UNSEEN.why}` },
    });
  });

  test('is a leak where one was found, and what was not seen is still told', () => {
    const report = makeReport({ unseen: [UNSEEN] });
    expect(verdictSentence(report)).toMatch(/^2 leaks\./);
    expect(renderTerminal(report, { color: false })).toContain('not seen   mysql2 3.11.0: It holds connections');
  });
});

describe('Markdown', () => {
  test('is short: verdict, a row a finding, the evidence folded', () => {
    const text = renderMarkdown(everything, ROOT, null);
    expect(text).toMatch(/^### outlive: 4 leaks and 1 deadlock\.\n\nrules\.ts:12 keeps 1 connection/);
    expect(text).toContain(
      '| ● proven | `src/rules.ts:12` | connection · pg pool "orders" | 200 acquired · 186 released · 14 leaked |',
    );
    expect(text.length).toBeLessThan(8000);
  });

  test('has the code with the call marked, and the change', () => {
    const text = renderMarkdown(makeReport({ findings: [makeFinding()] }), ROOT, null);
    expect(text).toContain(
      '```\n  10 │ const sku = order.lines[0].sku;\n  11 │\n> 12 │ const client = await pool.connect();',
    );
    expect(text).toMatch(
      /^```diff\n {4}const client = [\s\S]*\n- {3}client\.release\(\);\n\+ {3}} finally {\n[\s\S]*\n```\n/m,
    );
  });

  test('tells what a baseline says', () => {
    const text = renderMarkdown(makeReport(), ROOT, compare(makeCleanReport(), makeReport(), []));
    expect(text).toContain('Compared with the baseline: 0 fixed, 3 new, 0 still there. ');
    expect(text).toContain('| ● proven · new |');
  });

  test('text of the service is no markup, no mention and no link', () => {
    const text = renderMarkdown(hostile, ROOT, null);
    // in code, and in a block of markup, nothing else is markup
    const elsewhere = text
      .replace(/^```\n[\s\S]*?\n```$/gm, '')
      .replace(/`` .*? ``/g, '')
      .replace(/(?<=<summary>)[^<]*(?=<\/summary>)/g, '');
    expect(elsewhere).not.toMatch(/<(?!\/?(?:details|summary)>)|[^\\]\]\(http|:\/\/|^#+ no/m);
    expect(elsewhere).not.toContain('@everyone');
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row.replaceAll('\\|', '').match(/\|/g)).toHaveLength(5);
  });
});

test('a pull request is told of traps of libraries too, with their remedies', () => {
  const { notices } = makeSurroundings();
  expect(renderMarkdown(makeCleanReport({ notices }), '/srv/shop', null)).toContain(
    '\noracledb pool "stock": 4 acquires wait behind one logon that has hung for 5 s. Set connectTimeout.\n',
  );
});
