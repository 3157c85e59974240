/** Parts of a card about a whole pool: how full it was, and who held it. */
import type { Finding } from '../../probe/recording/report.ts';
import { activity, demandWords, tally } from '../finding-words.ts';
import { holdersByPlace, matterOf } from '../matter.ts';
import { duration, number, pathFrom, plural } from '../words.ts';
import { html, type Markup } from './html.ts';

/** Lines beyond these are left to report.json. */
const HOLDERS = 8;

/** What was in use, with the idle part marked, up to the limit; beyond it those who waited. */
export function demandBar(finding: Finding): Markup {
  const { exhausted } = finding;
  if (!exhausted) return html`<p class="tally">${tally(finding)}</p>`;
  const { used, waiting } = exhausted;
  const limit = exhausted.limit || used;
  const whole = limit + waiting;
  const idle = matterOf(finding) === 'deadlock' ? used : Math.min(used, idleOf(finding));
  const x = (count: number) => `${((count / whole) * 100).toFixed(2)}%`;
  const [inUse = '', ...others] = demandWords(exhausted);
  return html`<figure class="bar demand">
<svg width="100%" height="18" aria-hidden="true"><rect class="open" y="4" width="${x(limit)}" height="10"/><rect class="busy" y="4" width="${x(used)}" height="10"/><rect class="leaked" y="4" width="${x(idle)}" height="10"/>${waiting > 0 && html`<rect class="waiting" x="${x(limit)}" y="7" width="${x(waiting)}" height="4"/>`}<rect class="limit" x="${x(limit)}" width="2" height="18" transform="translate(-2 0)"/></svg>
<figcaption><b>${inUse}</b>${idle > 0 && html`<span class="idle">${number(idle)} of them ${matterOf(finding) === 'deadlock' ? 'for good' : 'idle'}</span>`}${others.map((words) => html`<span>${words}</span>`)}</figcaption>
</figure>`;
}

function idleOf({ holders }: Finding): number {
  return holders.reduce((sum, { busy, count }) => sum + (busy === null ? 0 : count - busy), 0);
}

export function holders(finding: Finding, ordinal: number, cwd: string): Markup {
  const rows = holdersByPlace(finding);
  const isTold = rows.some(({ busy }) => busy !== null);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Finding ${ordinal}: who held the pool"><table class="holders">
<thead><tr><th scope="col">line</th><th scope="col" class="numeric">held</th>${isTold && html`<th scope="col">doing</th>`}<th scope="col" class="numeric">oldest</th><th scope="col" class="numeric">unused for</th></tr></thead>
<tbody>${rows.slice(0, HOLDERS).map((holder) => {
    const { site, count, oldestMs, idleMs, busy } = holder;
    const line = site
      ? html`<code>${pathFrom(cwd, site.file)}:${site.line}</code> <span class="function">${site.function}</span>`
      : 'not known';
    const unused = busy === count ? '–' : duration(idleMs);
    return html`<tr><td>${line}</td><td class="numeric">${number(count)}</td>${isTold && html`<td>${activity(holder) ?? 'not known'}</td>`}<td class="numeric">${duration(oldestMs)}</td><td class="numeric">${unused}</td></tr>`;
  })}</tbody></table></div>
${rows.length > HOLDERS && html`<p class="more">and ${plural(rows.length - HOLDERS, 'more line')} in report.json</p>`}`;
}
