/** Two runs side by side: what is fixed, new, still there, and whether that may be said at all. */
import type { Finding } from '../../probe/recording/report.ts';
import { comparisonCounts } from '../compare.ts';
import { place, subject, tally } from '../finding-words.ts';
import { pathFrom } from '../words.ts';
import { cardId } from './card.ts';
import { type Content, html, type Markup } from './html.ts';
import type { PageContext } from './page-context.ts';

export function comparisonSection({ comparison, cwd }: PageContext): Markup | null {
  if (!comparison) return null;
  const { fixed, unreached, added, remaining, isComparable, work } = comparison;
  const name = (finding: Finding) => place(finding, (file) => pathFrom(cwd, file));
  const link = (finding: Finding) => html`<a href="#${encodeURIComponent(cardId(finding))}">${name(finding)}</a>`;
  const rows = [
    ...added.map((finding) => row('new', finding, link(finding), '–', tally(finding))),
    ...remaining.map(({ before, after }) => row('still there', after, link(after), tally(before), tally(after))),
    ...unreached.map((finding) => row('not reached', finding, name(finding), tally(finding), 'its code did not run')),
    ...fixed.map((finding) => row('fixed', finding, name(finding), tally(finding), 'nothing found')),
  ];
  return html`<section class="compared" aria-labelledby="compared">
<h2 id="compared">Compared with the baseline</h2>
<p class="counts-now">${comparisonCounts(comparison)}.</p>
<p class="${isComparable ? 'same' : 'differs'}">${work}</p>
${
  rows.length > 0 &&
  html`<div class="scroll" tabindex="0" role="region" aria-label="Findings before and now"><table>
<thead><tr><th scope="col">outcome</th><th scope="col">line</th><th scope="col">what</th><th scope="col">before</th><th scope="col">now</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}
</section>`;
}

type Outcome = 'new' | 'still there' | 'not reached' | 'fixed';

/** Said in a word and a sign; the colour only repeats it. */
const SIGNS: Record<Outcome, string> = { new: '+', 'still there': '=', 'not reached': '?', fixed: '✓' };

function row(outcome: Outcome, finding: Finding, line: Content, before: string, now: string): Markup {
  return html`<tr class="${outcome.replace(' ', '-')}"><td><b>${SIGNS[outcome]} ${outcome}</b></td><td><code>${line}</code></td><td>${subject(finding)}</td><td>${before}</td><td>${now}</td></tr>`;
}
