/** What rose, came near its limit or made others wait; below the time lines, where it can be seen. */
import { html, type Markup } from './html.ts';
import type { PageContext } from './page-context.ts';

export function alarmsSection({ report }: PageContext): Markup | null {
  const alarms = report.alarms ?? [];
  if (alarms.length === 0) return null;
  return html`<section class="tables" aria-labelledby="alarms"><h2 id="alarms">Worth a look</h2>
<ul>${alarms.map(({ sentence, threshold }) => html`<li>${sentence} <small>Said at: ${threshold}.</small></li>`)}</ul></section>`;
}
