/** Findings that no longer stand: what was seen, where, and why it was withdrawn. */
import type { Report, Withdrawn } from '../../probe/recording/report.ts';
import { place, subject } from '../finding-words.ts';
import { pathFrom, plural } from '../words.ts';
import { html, type Markup } from './html.ts';

/** More than anybody reads; the rest are in report.json. */
const MOST = 20;

export function cameBack({ withdrawn }: Report, cwd: string): Markup | null {
  if (withdrawn.length === 0) return null;
  const more = withdrawn.length - MOST;
  return html`<section class="came-back" aria-labelledby="came-back">
<h2 id="came-back">Came back</h2>
<p class="more">Seen for a while, and no longer standing at the end: these count for nothing in the verdict.</p>
<ul>${withdrawn.slice(0, MOST).map((finding) => item(finding, cwd))}</ul>
${more > 0 && html`<p class="more">${plural(more, 'more')} in report.json.</p>`}
</section>`;
}

function item(finding: Withdrawn, cwd: string): Markup {
  const { site, detector, evidence, why } = finding;
  return html`<li>
<p><span class="place">${place(finding, (file) => pathFrom(cwd, file))}</span> ${site && html`<span class="function">${site.function}</span>`} <small>${subject(finding)} · ${detector}</small></p>
${evidence[0] && html`<p>${evidence[0]}</p>`}
<p><b>Withdrawn</b>: ${why.replace(/\.$/, '')}.</p>
</li>`;
}
