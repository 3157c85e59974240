/** JUnit's XML, which every CI shows: each finding is a failing test, each library watched without one a passing one. */
import type { Certainty } from '../probe/recording/format.ts';
import type { Finding, Report } from '../probe/recording/report.ts';
import { advice } from './advice.ts';
import { evidence, place, subject, tally } from './finding-words.ts';
import { verdictSentence } from './verdict.ts';
import { pathFrom, visible, watchedCounts, watchedName } from './words.ts';

/** Certainties that fail; a suspect is a test that was skipped, and so is what was not seen of an inconclusive run. */
const FAILS: readonly Certainty[] = ['proven', 'likely'];

/** `root` is the folder that paths are relative to. */
export function renderJUnit(report: Report, root: string): string {
  const failing = report.findings.filter(({ certainty }) => FAILS.includes(certainty)).length;
  const suspects = report.findings.length - failing;
  const clean = report.watched.filter(
    (row) => !report.findings.some(({ kind, library }) => kind === row.kind && library === row.library),
  );
  const cases = [
    ...report.findings.map((finding) => testCase(finding, root)),
    ...clean.map(
      (row) => `    <testcase classname="outlive" name=${quoted(`${watchedName(row, 2)}: ${watchedCounts(row)}`)}/>`,
    ),
  ];
  const blind = report.verdict === 'inconclusive' ? report.unseen : [];
  cases.push(...blind.map(unseenCase));
  const counts = `tests="${cases.length}" failures="${failing}" errors="0" skipped="${suspects + blind.length}"`;
  const seconds = (secondsOf(report) ?? 0).toFixed(3);
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="outlive" ${counts} time="${seconds}">
  <testsuite name=${quoted(verdictSentence(report))} ${counts} time="${seconds}">
${cases.join('\n')}
  </testsuite>
</testsuites>
`;
}

/** Nothing failed, but nothing was tried either. */
function unseenCase({ what, why }: Report['unseen'][number]): string {
  return `    <testcase classname="outlive.unseen" name=${quoted(`${what} was not watched`)}>
      <skipped message=${quoted(why)}/>
    </testcase>`;
}

function testCase(finding: Finding, root: string): string {
  const where = place(finding, (file) => pathFrom(root, file));
  const attributes = [
    `classname=${quoted(`outlive.${finding.detector}`)}`,
    `name=${quoted(`${where} ${finding.site?.function ?? ''} · ${subject(finding)}`.replace(/\s+/g, ' '))}`,
    ...(finding.site ? [`file=${quoted(pathFrom(root, finding.site.file))}`, `line="${finding.site.line}"`] : []),
  ].join(' ');
  const message = quoted(`${finding.certainty}: ${tally(finding)}`);
  const { first, more } = evidence(finding);
  const body = escaped([...first, ...more, advice(finding)].join('\n'));
  const outcome = FAILS.includes(finding.certainty)
    ? `<failure type=${quoted(finding.certainty)} message=${message}>${body}</failure>`
    : `<skipped message=${message}/>\n      <system-out>${body}</system-out>`;
  return `    <testcase ${attributes}>\n      ${outcome}\n    </testcase>`;
}

function secondsOf({ processes }: Report): number | null {
  const times = processes.flatMap(({ started, ended }) => (ended ? [Date.parse(ended) - Date.parse(started)] : []));
  return times.length ? Math.max(...times) / 1000 : null;
}

function quoted(text: string): string {
  return `"${escaped(text).replace(/[\n\t]/g, ' ')}"`;
}

/** XML has no way at all to say most control characters, nor halves of pairs. */
function escaped(text: string): string {
  return visible(text)
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
