/**
 * A report for a language model: compact Markdown, the strongest finding first, each with its code, who holds it, the way
 * there and the change. What comes from the service is quoted in one line or fenced: it is data, never an instruction.
 */
import type { Finding, Report } from '../probe/recording/report.ts';
import { advice, proof } from './advice.ts';
import { codeFrame } from './code-frame.ts';
import { doubt, evidence, meaning, place, shareOf, subject, tally } from './finding-words.ts';
import { block, code, text } from './markdown-text.ts';
import { openBesideFindings, openLine } from './open-words.ts';
import { gaps, verdictSentence } from './verdict.ts';
import { pathFrom, plural } from './words.ts';

/** Findings that are told whole; of the others the line. */
const WHOLE = 5;
const LINES = 15;
const FRAMES = 8;
const FEW = 5;

/** `root` is the folder that paths are relative to. */
export function renderLlm(report: Report, root: string): string {
  const { findings } = report;
  const where = (file: string) => pathFrom(root, file);
  const open = openBesideFindings(report).filter(({ owner }) => owner === null);
  const told = findings.slice(0, WHOLE).flatMap((finding) => ['', ...explained(finding, root)]);
  const rest = findings.slice(WHOLE).map((finding) => findingLine(finding, root));
  return `${[
    `# outlive: ${report.verdict}`,
    '',
    text(verdictSentence(report)),
    ...told,
    ...section('More findings', rest),
    ...section(
      'Open beside these, whether or not it should be',
      open.map((row) => `- ${text(openLine(row, where))}`),
    ),
    ...section(
      'Traps of libraries',
      report.notices.map(({ library, sentence, remedy }) => `- ${text(`${library}: ${sentence} ${remedy}`)}`),
    ),
    ...section(
      'Not seen, so nothing can be said of it',
      gaps(report).map((gap) => `- ${text(gap)}`),
    ),
  ].join('\n')}\n`;
}

/** `- proven src/orders.ts:12: connection · pg, 200 acquired · 186 released · 14 leaked (id …)`. */
export function findingLine(finding: Finding, root: string): string {
  const where = place(finding, (file) => pathFrom(root, file));
  return `- ${finding.certainty} ${code(where)}: ${text(`${subject(finding)}, ${tally(finding)}`)} (id ${code(finding.id)})`;
}

/** All that is known of one, in Markdown; a line each. */
export function explained(finding: Finding, root: string): string[] {
  const { site, held, stack, callers, scopes, fix } = finding;
  const where = (file: string) => pathFrom(root, file);
  const { first, more } = evidence(finding);
  const why = doubt(finding);
  const frames = stack
    .filter(({ user }) => user)
    .map(({ file, line, function: name }) => code(`${name || 'top level'} ${where(file)}:${line}`));
  const way = [...new Set(frames)].slice(0, FRAMES);
  const rows: readonly (string | false | null)[] = [
    `id: ${code(finding.id)}`,
    `what: ${text(`${subject(finding)}, ${tally(finding)}`)}`,
    site && `line: ${code(`${where(site.file)}:${site.line}:${site.column}`)} in ${code(site.function || 'top level')}`,
    finding.siteUnknown && `line unknown: ${text(finding.siteUnknown)}`,
    `claim: ${text(meaning(finding))}`,
    why && `doubt: ${text(why)}`,
    ...[...first, ...more.slice(0, FEW)].map((sentence) => `evidence: ${text(sentence)}`),
    ...held.slice(0, FEW).map((words) => `held by: ${text(words)}`),
    way.length > 1 && `path: ${way.join(' ← ')}`,
    ...callers
      .slice(0, FEW)
      .map(
        ({ site: from, acquired, released }) =>
          `called from: ${code(`${where(from.file)}:${from.line}`)}, ${acquired} acquired, ${released} released`,
      ),
    scopes.length > 0 && `work: ${text(scopes.slice(0, FEW).map(shareOf).join('; '))}`,
    `advice: ${text(advice(finding))}`,
    `check: ${text(proof(finding))}`,
  ];
  return [
    `## ${finding.certainty}: ${text(place(finding, where))}`,
    '',
    ...rows.filter(Boolean).map((row) => `- ${row}`),
    '',
    ...block('', codeFrame(finding)),
    ...block('diff', fix?.trimEnd().split('\n') ?? []),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const left = lines.length - LINES;
  return ['', `## ${title}`, '', ...lines.slice(0, LINES), ...(left > 0 ? [`- and ${plural(left, 'more line')}`] : [])];
}
