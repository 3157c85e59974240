/** The top of the page: what ran, the verdict in words, and what to do next. */
import type { Certainty, Recording } from '../../probe/recording/format.ts';
import type { Report } from '../../probe/recording/report.ts';
import { advice, proof } from '../advice.ts';
import { comparisonCounts } from '../compare.ts';
import { place } from '../finding-words.ts';
import { countByCertainty, verdict } from '../verdict.ts';
import { command, duration, number, outermost, pathFrom, plural } from '../words.ts';
import { html, type Markup } from './html.ts';
import { outlook } from './outlook.ts';
import type { PageContext } from './page-context.ts';

/** More than anybody reads at the top; all are below. */
const UNSEEN = 8;

export function masthead({ report, recordings, comparison, cwd }: PageContext): Markup {
  const { headline, detail } = verdict(report);
  const counts = countByCertainty(report);
  const worst = report.findings[0];
  const alarms = report.alarms?.length ?? 0;
  const rate = worst && outlook(worst, recordings);
  return html`<header class="masthead">
<p class="brand">${LOGO}<strong>outlive</strong></p>
<p class="ran">${ran(report, recordings, cwd).map((part, i) => html`${i > 0 && ' · '}<span>${part}</span>`)}</p>
<h1 class="verdict ${report.verdict}"><span class="headline">${headline}</span> ${detail}</h1>
${report.verdict === 'inconclusive' && unseenList(report)}
${rate && html`<p class="outlook">${rate}</p>`}
<ul class="counts" aria-label="Findings by certainty">
${(Object.keys(counts) as Certainty[]).map((certainty) => html`<li class="${counts[certainty] ? certainty : 'none'}">${mark(certainty)} <b>${counts[certainty]}</b> ${certainty}</li>`)}
${comparison && html`<li class="none"><a href="#compared">compared with the baseline</a>: ${comparisonCounts(comparison)}</li>`}
${report.notices.length > 0 && html`<li class="none"><a href="#notices">${plural(report.notices.length, 'trap')} of libraries</a></li>`}
${report.unseen.length > 0 && report.verdict !== 'inconclusive' && html`<li class="none"><a href="#not-watched">${plural(report.unseen.length, 'thing')} not watched</a></li>`}
${alarms > 0 && html`<li class="none"><a href="#alarms">${number(alarms)} worth a look</a></li>`}
</ul>
${worst && html`<p class="next"><b>Next</b> <span><a href="#finding-${encodeURIComponent(worst.id)}">${place(worst, (file) => pathFrom(cwd, file))}</a>: ${advice(worst)} ${worst.certainty !== 'suspect' && proof(worst)}</span></p>`}
</header>`;
}

/** Why it cannot be called clean. */
function unseenList({ unseen }: Report): Markup {
  const more = unseen.length - UNSEEN;
  return html`<ul class="unseen" aria-label="What was not seen">
${unseen.slice(0, UNSEEN).map(({ what, why }) => html`<li><b>${what}</b> <span>${why}</span></li>`)}
${more > 0 && html`<li><a href="#not-watched">and ${number(more)} more</a></li>`}
</ul>`;
}

/** Shape tells the certainties apart, not colour: full, half, empty. */
export function mark(certainty: Certainty): Markup {
  const fill = { proven: 'M8 2a6 6 0 0 1 0 12a6 6 0 0 1 0-12', likely: 'M8 2a6 6 0 0 0 0 12z', suspect: '' }[certainty];
  return html`<svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6"/>${fill && html`<path d="${fill}"/>`}</svg>`;
}

export const LOGO = html`<svg class="logo" viewBox="0 0 16 16" aria-hidden="true"><path class="scope" d="M1 5h7"/><path class="resource" d="M1 11h14"/></svg>`;

function ran(report: Report, recordings: readonly Recording[], cwd: string): (string | Markup)[] {
  const process = outermost(report);
  if (!process) return [];
  const parts: (string | Markup)[] = [html`<code>${command(process, cwd)}</code>`];
  const lasted = process.ended ? Date.parse(process.ended) - Date.parse(process.started) : newest(recordings);
  if (lasted > 0) parts.push(duration(lasted));
  if (report.processes.length > 1) parts.push(plural(report.processes.length, 'process', 'processes'));
  for (const [kind, one] of [
    ['job', 'job run'],
    ['request', 'request'],
  ] as const) {
    const ended = recordings
      .flatMap((recording) => recording.scopes)
      .reduce((sum, scope) => sum + (scope.kind === kind ? scope.ended : 0), 0);
    if (ended) parts.push(plural(ended, one));
  }
  const acquired = report.watched.reduce((sum, watched) => sum + watched.acquired, 0);
  parts.push(`${number(acquired)} acquired`);
  const started = new Date(process.started);
  if (Number.isFinite(started.getTime())) {
    const day = started.toLocaleDateString('en-GB', {
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      timeZone: 'UTC',
    });
    parts.push(html`<time datetime="${process.started}">${day} ${started.toISOString().slice(11, 16)} UTC</time>`);
  }
  return parts;
}

function newest(recordings: readonly Recording[]): number {
  return recordings.reduce((most, recording) => Math.max(most, recording.lastAt), 0);
}
