/** A view as a page: made of the report's own parts, and renewed by a script as long as it is looked at. */

import { card } from '../reports/html/card.ts';
import { PATTERNS } from '../reports/html/findings.ts';
import { html, type Markup } from '../reports/html/html.ts';
import { LOGO } from '../reports/html/masthead.ts';
import { asset, element, pageHead } from '../reports/html/render.ts';
import { table } from '../reports/html/tables.ts';
import { verdict } from '../reports/verdict.ts';
import { duration, number, pathFrom, plural } from '../reports/words.ts';
import type { View } from './view.ts';

const STYLES = ['page.css', 'findings.css', 'tables.css'];
/** The whole report has them all. */
const CARDS = 10;

const POOLS = [
  { name: 'pool' },
  { name: 'process', numeric: true },
  { name: 'used', numeric: true },
  { name: 'idle', numeric: true },
  { name: 'pending', numeric: true },
  { name: 'limit', numeric: true },
] as const;

const GROWING = [
  { name: 'line' },
  { name: 'what' },
  { name: 'open before', numeric: true },
  { name: 'open now', numeric: true },
  { name: 'in', numeric: true },
] as const;

export function livePage(view: View, cwd: string): string {
  const script = asset('live.js');
  const page = html`${pageHead('outlive, live', STYLES.map(asset), [script], { connects: true })}
<body>
<div id="live">${liveView(view, cwd)}</div>
<p class="more" role="status" aria-live="polite" id="news"></p>
<footer><label><input type="checkbox" id="renew" checked> renew every two seconds</label> · <a href="/report">the whole report</a></footer>
${element('script', script)}
</body>
</html>
`;
  return page.text;
}

/** What changes; the script puts it in the place of what was there. */
export function liveView({ report, recordings, pools, growing, processes, running }: View, cwd: string): Markup {
  const { headline, detail } = verdict(report);
  const context = { report, recordings, comparison: null, held: new Map(), cwd };
  const poolRows = pools.map(({ library, name, pid, used, idle, pending, max }) => [
    `${library} "${name}"`,
    ...[String(pid), number(used), number(idle), number(pending), max > 0 ? number(max) : '–'],
  ]);
  const growthRows = growing.map(({ kind, library, site, from, to, overMs }) => [
    site ? html`<code>${pathFrom(cwd, site.file)}:${site.line}</code>` : 'not known',
    ...[`${library} ${kind}`, number(from), number(to), duration(overMs)],
  ]);
  return html`<header class="masthead">
<p class="brand">${LOGO}<strong>outlive</strong></p>
<p class="ran"><span>live</span> · <span>${number(running)} of ${plural(processes, 'process', 'processes')} running</span></p>
<h1 class="verdict ${report.verdict}"><span class="headline">${headline}</span> ${detail}</h1>
</header>
<main>
<section class="tables" aria-labelledby="pools"><h2 id="pools">Pools and growth</h2>
${poolRows.length > 0 ? table('Pools now', POOLS, poolRows) : html`<p>No pool has been used yet.</p>`}
${table('What grows', GROWING, growthRows)}
</section>
${
  report.findings.length > 0 &&
  html`<section class="findings" aria-labelledby="findings"><header><h2 id="findings">Findings</h2></header>
${PATTERNS}
${report.findings.slice(0, CARDS).map((finding, i) => card(finding, i + 1, context))}
</section>`
}
</main>`;
}
