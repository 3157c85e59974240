/** A comment for a pull request: the verdict, a row a finding, and where to read on. */
import type { Finding, Report } from '../probe/recording/report.ts';
import { advice } from './advice.ts';
import { codeFrame, fixLines } from './code-frame.ts';
import { type Comparison, comparisonCounts } from './compare.ts';
import { evidence, lineDoubt, MARKS, noCode, place, subject, tally } from './finding-words.ts';
import { block, code, markup, text } from './markdown-text.ts';
import { gaps, unseenSentence, verdict } from './verdict.ts';
import { pathFrom, plural, watchedCounts, watchedName } from './words.ts';

/** Findings that are told; the others are counted. */
const FINDINGS = 8;
const NOTICES = 4;
const UNSEEN = 10;

/** `root` is the folder that paths are relative to. */
export function renderMarkdown(report: Report, root: string, comparison: Comparison | null): string {
  const { headline, detail } = verdict(report);
  const lines = [`### outlive: ${text(headline)}`, '', text(detail)];
  if (comparison)
    lines.push('', `Compared with the baseline: ${comparisonCounts(comparison)}. ${text(comparison.work)}`);
  if (report.verdict === 'inconclusive') {
    lines.push('', ...report.unseen.slice(0, UNSEEN).map((each) => `- ${text(unseenSentence(each))}`));
  }
  if (report.findings.length > 0) {
    lines.push('', '| certainty | line | what | account |', '|---|---|---|---|');
    for (const finding of report.findings.slice(0, FINDINGS)) lines.push(row(finding, root, comparison));
    const more = report.findings.length - FINDINGS;
    if (more > 0) lines.push('', `and ${plural(more, 'more finding')}`);
    for (const finding of report.findings.slice(0, FINDINGS)) lines.push('', ...details(finding, root));
  } else {
    const watched = report.watched.map((each) => `- ${text(`${watchedName(each, 2)}: ${watchedCounts(each)}`)}`);
    if (watched.length > 0) lines.push('', ...watched);
  }
  for (const { library, pool, sentence, remedy } of report.notices.slice(0, NOTICES)) {
    lines.push('', text(`${library}${pool === null ? '' : ` pool "${pool}"`}: ${sentence} ${remedy}`));
  }
  const untold = report.notices.length - NOTICES;
  if (untold > 0) lines.push('', `and ${plural(untold, 'more trap')} of libraries; the HTML report lists them.`);
  const missing = gaps(report).length;
  if (missing > 0) lines.push('', `${plural(missing, 'thing')} could not be seen; the HTML report lists them.`);
  return `${lines.join('\n')}\n`;
}

function row(finding: Finding, root: string, comparison: Comparison | null): string {
  const isNew = comparison?.added.some(({ id }) => id === finding.id) ? ' · new' : '';
  const where = place(finding, (file) => pathFrom(root, file));
  const cells = [
    `${MARKS[finding.certainty]} ${finding.certainty}${isNew}`,
    code(where),
    text(subject(finding)),
    text(tally(finding)),
  ];
  return `| ${cells.join(' | ')} |`;
}

function details(finding: Finding, root: string): string[] {
  const where = place(finding, (file) => pathFrom(root, file));
  const why = lineDoubt(finding) ?? noCode(finding);
  const sentences = [...(why ? [why] : []), ...evidence(finding).first, advice(finding)];
  return [
    `<details><summary>${markup(where)}</summary>`,
    '',
    ...block('', codeFrame(finding)),
    ...sentences.map((sentence) => `- ${text(sentence)}`),
    '',
    ...block('diff', fixLines(finding)),
    '</details>',
  ];
}
