/** Traps of libraries that the service fell into: no leaks, but why something fails or hangs. */
import { plural } from '../words.ts';
import { html, type Markup } from './html.ts';
import type { PageContext } from './page-context.ts';

/** More than anybody reads; the rest are in report.json. */
const MOST = 20;

export function noticesSection({ report: { notices } }: PageContext): Markup | null {
  if (notices.length === 0) return null;
  const more = notices.length - MOST;
  return html`<section class="notices" aria-labelledby="notices">
<h2 id="notices">Traps of libraries</h2>
<p class="more">No leaks, and without effect on the verdict; but each explains something that fails or hangs.</p>
<ul>${notices.slice(0, MOST).map(
    ({ library, pool, name, count, sentence, remedy }) => html`<li>
<p><b>${library}${pool !== null && ` pool "${pool}"`}</b> <small>${name}${count > 1 && ` · ${plural(count, 'time')}`}</small></p>
<p>${sentence}</p>
<p><b>Remedy</b>: ${remedy}</p>
</li>`,
  )}</ul>
${more > 0 && html`<p class="more">${plural(more, 'more')} in report.json.</p>`}
</section>`;
}
