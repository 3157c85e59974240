/** The report as text for a terminal or a CI log. */
import { basename } from 'node:path';
import { styleText } from 'node:util';
import type { Certainty } from '../probe/recording/format.ts';
import type { Finding, Report } from '../probe/recording/report.ts';
import { advice, upgrade } from './advice.ts';
import { codeFrame, fixLines } from './code-frame.ts';
import { type Comparison, comparisonCounts } from './compare.ts';
import { databaseLines } from './database/terminal.ts';
import { activity, evidence, lineDoubt, MARKS, noCode, place, subject, tally } from './finding-words.ts';
import { holdersByPlace } from './matter.ts';
import { openBesideFindings, openLine } from './open-words.ts';
import { opinionLines } from './opinion-words.ts';
import { gaps, unseenSentence, verdict } from './verdict.ts';
import {
  costOfScopes,
  duration,
  number,
  pathFrom,
  percent,
  plural,
  visible,
  watchedCounts,
  watchedName,
} from './words.ts';

export interface TerminalOptions {
  color: boolean;
  /** Columns; 80 when not given. */
  width?: number;
  comparison?: Comparison | null;
}

/** A leak is to fit one screen: what is beyond these is left to report.json. */
const FINDINGS = 5;
/** Findings whose code is shown with what stands around it, and with the change. */
const FRAMES = 2;
const HOLDERS = 3;
const GAPS = 6;
const ALARMS = 4;
const OPEN = 6;
const TRAPS = 4;

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

/** The summary, ending with a newline. Paths are relative to the current directory when they lie inside it. */
export function renderTerminal(report: Report, options: TerminalOptions): string {
  const width = Math.max(40, options.width ?? 80);
  const paint = (style: Style, text: string) =>
    options.color ? styleText(style, text, { validateStream: false }) : text;
  const line = (label: string, text: string) =>
    wrap(visible(text), width - 11).map((part, i) => `${paint('dim', (i ? '' : label).padEnd(11))}${part}`);

  const { headline, detail } = verdict(report);
  const tone = TONES[report.verdict];
  const [first = '', ...rest] = wrap(visible(`${headline} ${detail}`.trim()), width);
  const lines = ['', paint(['bold', tone], first), ...rest.map((part) => paint(['bold', tone], part)), ''];

  const isInconclusive = report.verdict === 'inconclusive';
  if (isInconclusive) {
    for (const [i, part] of unseenOf(report).entries()) lines.push(...line(i ? '' : 'unseen', part));
    lines.push('');
  }
  for (const [i, finding] of report.findings.slice(0, FINDINGS).entries()) {
    lines.push(...card(finding, width, paint, i < FRAMES), '');
  }
  if (report.findings.length > FINDINGS) {
    lines.push(paint('dim', `and ${plural(report.findings.length - FINDINGS, 'more finding')} in report.json`), '');
  }
  if (options.comparison) {
    lines.push(...line('baseline', comparisonCounts(options.comparison)), ...line('', options.comparison.work));
    for (const finding of options.comparison.fixed)
      lines.push(...line('', `fixed: ${place(finding)} (${tally(finding)})`));
    for (const finding of options.comparison.unreached)
      lines.push(...line('', `not reached: ${place(finding)} (${tally(finding)})`));
  }
  for (const [i, part] of stillOpen(report).entries()) lines.push(...line(i ? '' : 'still open', part));
  for (const [i, part] of watched(report).entries()) lines.push(...line(i ? '' : 'watched', part));
  if (report.withdrawn.length > 0) lines.push(...line('came back', cameBack(report)));
  lines.push(...line('cost', cost(report)));
  for (const [i, sentence] of trapsOf(report).entries()) lines.push(...line(i ? '' : 'traps', sentence));
  for (const [i, sentence] of alarmsOf(report).entries()) lines.push(...line(i ? '' : 'look at', sentence));
  for (const server of report.database?.servers ?? []) {
    for (const [i, sentence] of databaseLines(server).entries()) lines.push(...line(i ? '' : 'database', sentence));
  }
  for (const [i, part] of opinionLines(report, (file) => pathFrom(process.cwd(), file)).entries()) {
    lines.push(...line(i ? '' : 'others say', part));
  }
  const missing = gaps(report).slice(isInconclusive ? report.unseen.length : 0);
  for (const [i, gap] of missing.slice(0, GAPS).entries()) lines.push(...line(i ? '' : 'not seen', gap));
  if (missing.length > GAPS) lines.push(...line('', `and ${number(missing.length - GAPS)} more in report.json`));
  return `${lines.join('\n')}\n`;
}

const TONES = {
  leak: 'red',
  suspect: 'yellow',
  inconclusive: 'yellow',
  clean: 'green',
} as const satisfies Record<Report['verdict'], Style>;
const COLORS: Record<Certainty, Style> = { proven: 'red', likely: 'red', suspect: 'yellow' };

function card(finding: Finding, width: number, paint: Paint, isWhole: boolean): string[] {
  const where = place(finding, (file) => pathFrom(process.cwd(), file));
  const lines = [
    `${paint(COLORS[finding.certainty], `${MARKS[finding.certainty]} ${finding.certainty}`)}  ${paint('bold', visible(where))} ${visible(finding.site?.function ?? '')}`.trimEnd(),
    `  ${visible(subject(finding))}${finding.maker ? ` · made by ${visible(finding.maker.name)}` : ''}`,
    `  ${tally(finding)}`,
  ];
  lines.push(...code(finding, width - 2, paint, isWhole).map((text) => `  ${text}`));
  if (finding.siteUnknown) lines.push(...indent(`Line unknown: ${finding.siteUnknown}`, width));
  const holders = holdersByPlace(finding);
  for (const holder of holders.slice(0, HOLDERS)) lines.push(...indent(heldBy(holder), width));
  if (holders.length > HOLDERS) lines.push(...indent(`and by ${plural(holders.length - HOLDERS, 'more line')}`, width));
  for (const words of finding.held.slice(0, HOLDERS)) lines.push(...indent(`held by ${words}`, width));
  for (const sentence of evidence(finding).first) lines.push(...indent(sentence, width));
  if (upgrade(finding)) lines.push(...indent(advice(finding), width));
  if (finding.recipe?.test)
    lines.push(...indent(`Red until this is fixed: ${finding.recipe.test} beside the report`, width));
  if (finding.recipe?.fix) lines.push(...indent(finding.recipe.fix, width));
  if (isWhole) lines.push(...fix(finding, width - 2, paint).map((text) => text && `  ${text}`));
  return lines;
}

/** The lines around the site, or its line alone; why there is none. */
function code(finding: Finding, width: number, paint: Paint, isWhole: boolean): string[] {
  const all = codeFrame(finding, width);
  const frame = isWhole ? all : all.filter((text) => text.startsWith('>'));
  const doubt = lineDoubt(finding);
  const why = doubt ?? noCode(finding);
  if (frame.length === 0) return why ? wrap(why, width) : [];
  return frame.map((text) => (text.startsWith('>') ? paint('bold', text) : paint('dim', text)));
}

const SIGNS: Record<string, Style> = { '+': 'green', '-': 'red' };

function fix(finding: Finding, width: number, paint: Paint): string[] {
  const lines = fixLines(finding, width);
  if (lines.length === 0) return [];
  return ['', paint('dim', 'fix'), ...lines.map((text) => paint(SIGNS[text[0] ?? ''] ?? 'dim', text))];
}

/** `held by reserve orders.ts:12: 5, oldest 4.2 s, idle`. */
function heldBy(holder: Finding['holders'][number]): string {
  const { site, count, oldestMs } = holder;
  const who = site ? `${site.function} ${basename(site.file)}:${site.line}`.trim() : 'an unknown line';
  return [`held by ${who}: ${number(count)}`, `oldest ${duration(oldestMs)}`, activity(holder)]
    .filter(Boolean)
    .join(', ');
}

function unseenOf({ unseen }: Report): string[] {
  const shown = unseen.slice(0, GAPS).map(unseenSentence);
  return unseen.length > GAPS ? [...shown, `and ${number(unseen.length - GAPS)} more in report.json`] : shown;
}

/** Beside what was found: what is open, whether or not it should be. */
function stillOpen(report: Report): string[] {
  const rows = openBesideFindings(report);
  const where = (file: string) => pathFrom(process.cwd(), file);
  const shown = rows.slice(0, OPEN).map((row) => `${row.owner ? '└ ' : ''}${openLine(row, where)}`);
  return rows.length > OPEN ? [...shown, `and ${plural(rows.length - OPEN, 'more line')} in report.json`] : shown;
}

function watched(report: Report): string[] {
  const parts = report.watched.map((row) => `${watchedName(row, row.acquired)}: ${watchedCounts(row)}`);
  return parts.length ? parts : ['nothing was acquired'];
}

function cameBack({ withdrawn }: Report): string {
  return `${plural(withdrawn.length, 'finding')} that no longer ${withdrawn.length === 1 ? 'stands' : 'stand'}, see the HTML report`;
}

function cost(report: Report): string {
  const cpuMs = report.processes.reduce((sum, { cost }) => sum + cost.cpuMs, 0);
  const forced = report.processes.reduce((sum, { cost }) => sum + cost.forcedGc, 0);
  const share = Math.max(0, ...report.processes.map(({ cost }) => cost.share));
  const most = report.processes.length > 1 ? 'at most ' : '';
  const parts = [`${most}${percent(share)} of CPU time (${number(cpuMs)} ms)`, plural(forced, 'forced GC')];
  return [...parts, costOfScopes(report)].filter(Boolean).join(', ');
}

function indent(text: string, width: number): string[] {
  return wrap(visible(text), width - 4).map((part, i) => `${i ? '    ' : '  · '}${part}`);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(/\s+/)) {
    if (current && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = current ? `${current} ${word}` : word;
  }
  return [...lines, current];
}

/** What a library did to the service; the remedies are in the HTML report. */
function trapsOf({ notices }: Report): string[] {
  const shown = notices.slice(0, TRAPS).map(({ library, pool, sentence }) => {
    const who = pool === null ? library : `${library} pool "${pool}"`;
    return `${who}: ${sentence}`;
  });
  if (notices.length === 0) return [];
  const more = notices.length - TRAPS;
  return [...shown, `${more > 0 ? `and ${number(more)} more; ` : ''}remedies are in the HTML report`];
}

/** Those that matter on a screen; report.json has all. */
function alarmsOf({ alarms = [] }: Report): string[] {
  const shown = alarms.slice(0, ALARMS).map(({ sentence }) => sentence);
  return alarms.length > ALARMS ? [...shown, `and ${number(alarms.length - ALARMS)} more in report.json`] : shown;
}
