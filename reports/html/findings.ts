/** The findings as cards, worst first; of a clean run, what the verdict rests on. */
import type { Recording } from '../../probe/recording/format.ts';
import type { Report } from '../../probe/recording/report.ts';
import { gaps } from '../verdict.ts';
import { number, plural, watchedCounts, watchedName } from '../words.ts';
import { card } from './card.ts';
import { html, type Markup } from './html.ts';
import type { PageContext } from './page-context.ts';

/** More cards than anybody reads; the rest are in report.json. */
export const CARDS = 100;

export function findings(page: PageContext): Markup {
  const { report, recordings } = page;
  if (report.findings.length === 0) return clean(report, recordings);
  const more = report.findings.length - CARDS;
  return html`<section class="findings" aria-labelledby="findings">
<header><h2 id="findings">${report.findings.length === 1 ? 'The finding' : 'Findings, worst first'}</h2>${report.findings.length > 1 && FILTER}</header>
${PATTERNS}
${report.findings.slice(0, CARDS).map((finding, i) => card(finding, i + 1, page))}
${more > 0 && html`<p class="more">${plural(more, 'more finding')} in report.json.</p>`}
</section>`;
}

/** The page's script shows it: without a script it would do nothing. */
const FILTER = html`<p class="filter" hidden><output></output> <input type="search" aria-label="Filter the findings" placeholder="filter"> <kbd aria-hidden="true">/</kbd></p>`;

/** What the bars of cards are filled with. */
export const PATTERNS = html`<svg class="patterns" aria-hidden="true"><defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="4" height="4"/><rect class="hatch-line" width="1.5" height="4"/></pattern></defs></svg>`;

/** A clean run: what the verdict rests on, and what it could not see. */
function clean(report: Report, recordings: readonly Recording[]): Markup {
  const missing = gaps(report);
  const runs = recordings.reduce(
    (sum, recording) => sum + recording.scopes.reduce((n, scope) => n + scope.ended, 0),
    0,
  );
  const adapters = new Set(report.processes.flatMap((process) => process.adapters));
  return html`<section class="sure" aria-labelledby="sure">
<h2 id="sure">How sure this is</h2>
<ul>
${report.watched.map((row) => {
  const left = row.acquired - row.released;
  return html`<li><b>${watchedName(row, row.acquired)}</b>: ${watchedCounts(row)}${left > 0 && `, ${number(left)} still open and not objected to`}.</li>`;
})}
${runs > 0 && html`<li>${plural(runs, 'run or request', 'runs and requests')} ended, and no detector found anything left behind.</li>`}
${report.withdrawn.length > 0 && html`<li><a href="#came-back">${plural(report.withdrawn.length, 'finding')} came back</a> and no longer ${report.withdrawn.length === 1 ? 'stands' : 'stand'}.</li>`}
<li>${adapters.size ? `Watched through ${[...adapters].join(', ')}.` : 'No library that the probe knows was loaded: only what Node itself opens could be seen.'}</li>
<li>${missing.length ? html`${plural(missing.length, 'thing')} could not be seen: <a href="#not-watched">what was not watched</a>.` : 'Every process was recorded to its end, nothing was dropped, and the probe had no fault.'}</li>
</ul>
</section>`;
}
