/** The report as one HTML file that needs nothing but a browser: no network, no server, no other file. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Recording } from '../../probe/recording/format.ts';
import type { Report } from '../../probe/recording/report.ts';
import type { Comparison } from '../compare.ts';
import { heldOverTime } from '../held-over-time.ts';
import { verdictSentence } from '../verdict.ts';
import { outermost } from '../words.ts';
import { alarmsSection } from './alarms.ts';
import { cameBack } from './came-back.ts';
import { comparisonSection } from './comparison.ts';
import { databaseSection } from './database.ts';
import { CARDS, findings } from './findings.ts';
import { type Content, html, json, Markup } from './html.ts';
import { loadSection } from './load.ts';
import { masthead } from './masthead.ts';
import { noticesSection } from './notices.ts';
import { openSection } from './open.ts';
import { opinionsSection } from './opinions.ts';
import type { PageContext } from './page-context.ts';
import { tables } from './tables.ts';
import { timeline } from './timeline.ts';
import { timelineData, timelineSection } from './timeline-section.ts';

const ASSETS = new URL('./assets/', import.meta.url);
/** Where uPlot lies when this runs from source; the build copies it to the assets. */
const UPLOT = new URL('../../node_modules/uplot/dist/', import.meta.url);

/** Below the time lines, in this order; null where there is nothing to say. */
const SECTIONS: readonly ((page: PageContext) => Markup | null)[] = [
  noticesSection,
  ({ report, cwd }) => cameBack(report, cwd),
  alarmsSection,
  databaseSection,
  loadSection,
  opinionsSection,
  openSection,
  ({ report, recordings, cwd }) => tables(report, recordings, cwd),
];

const STYLES = ['uPlot.min.css', 'page.css', 'findings.css', 'time.css', 'tables.css'];

/**
 * From the doctype to the end of the head; the policy lets nothing run or load but these styles and scripts. `connects`:
 * the scripts may ask the server that the page is from.
 */
export function pageHead(
  title: string,
  styles: readonly string[],
  scripts: readonly string[] = [],
  { connects = false } = {},
): Markup {
  const policy = [
    "default-src 'none'",
    'img-src data:',
    `style-src ${styles.map(hash).join(' ')}`,
    ...(scripts.length > 0 ? [`script-src ${scripts.map(hash).join(' ')}`] : []),
    ...(connects ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="outlive">
<title>${title}</title>
<link rel="icon" href="${ICON}">
${styles.map((style) => element('style', style))}
</head>`;
}

/** The whole page. Recordings add the time lines and the runs; without them the page has the findings and the tables. */
export function renderHtml(
  report: Report,
  recordings: readonly Recording[],
  comparison: Comparison | null = null,
): string {
  const cwd = workingDirectory(report, recordings);
  const held = heldOverTime(report.findings.slice(0, CARDS), recordings);
  const context: PageContext = { report, recordings, comparison, held, cwd };
  const time = timeline(context);
  const styles = STYLES.map(asset);
  const scripts = time.groups.length
    ? [asset('uPlot.iife.min.js'), asset('charts.js'), asset('report.js')]
    : [asset('report.js')];
  const page = html`${pageHead(`${verdictSentence(report)} · outlive`, styles, scripts)}
<body>
${masthead(context)}
<main>
${comparisonSection(context)}
${findings(context)}
${timelineSection(time)}
${SECTIONS.map((section) => section(context))}
</main>
${KEYS}
<script type="application/json" id="time">${json(timelineData(time))}</script>
${scripts.map((script) => element('script', script))}
</body>
</html>
`;
  return page.text;
}

/** The page's script opens it with `?`. */
const KEYS = html`<footer>Every <span class="hash">#</span> is a link that can be pasted into a ticket. <button type="button" class="help" aria-haspopup="dialog" hidden>keys <kbd>?</kbd></button></footer>
<dialog class="keys" aria-labelledby="keys"><h2 id="keys">Keys</h2><dl>
<dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>next, previous finding</dd>
<dt><kbd>/</kbd></dt><dd>filter the findings; <kbd>Esc</kbd> shows all again</dd>
<dt><kbd>?</kbd></dt><dd>these keys</dd>
</dl><form method="dialog"><button type="submit">close</button></form></dialog>`;

const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M1 5h7" stroke="#8a8f98" stroke-width="3"/><path d="M1 11h14" stroke="#d55e00" stroke-width="3"/></svg>',
)}`;

function workingDirectory(report: Report, recordings: readonly Recording[]): string {
  const first = outermost(report);
  const recording = recordings.find(({ process }) => process.pid === first?.pid && process.thread === first.thread);
  return (recording ?? recordings[0])?.process.cwd ?? process.cwd();
}

export function asset(name: string): string {
  const here = new URL(name, ASSETS);
  return readFileSync(existsSync(here) ? here : new URL(name, UPLOT), 'utf8').replaceAll('\r\n', '\n');
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** Our own asset, as it is: the policy allows exactly these bytes. */
export function element(name: 'style' | 'script', text: string): Content {
  return new Markup(`<${name}>${text}</${name}>`);
}
