/** The inventory at the end, or at the last look: all that is open, by line, finding or not. */
import { openAmount, openPlace } from '../open-words.ts';
import { duration, pathFrom } from '../words.ts';
import { html, type Markup } from './html.ts';
import type { PageContext } from './page-context.ts';
import { table } from './tables.ts';

const COLUMNS = [{ name: 'open' }, { name: 'line' }, { name: 'oldest', numeric: true }] as const;

export function openSection({ report: { open, findings }, cwd }: PageContext): Markup | null {
  if (open.length === 0) return null;
  const places = new Map(
    findings.flatMap(({ id, kind, site }) => (site ? [[`${kind} ${site.file}:${site.line}`, id]] : [])),
  );
  const rows = open.map((row) => {
    const { kind, site, owner, oldestMs } = row;
    const place =
      openPlace(row, (file) => pathFrom(cwd, file)) || (row.before ? 'taken before outlive came' : 'not known');
    const id = site && places.get(`${kind} ${site.file}:${site.line}`);
    return [
      html`${owner && html`<span class="owned">on it: </span>`}${openAmount(row)}`,
      html`<code>${place}</code>${id && html` <a href="#finding-${encodeURIComponent(id)}">found</a>`}`,
      oldestMs === null ? '–' : duration(oldestMs),
    ];
  });
  return html`<section class="open" aria-labelledby="open">
<h2 id="open">Still open</h2>
<p class="more">At the end, or when it was last looked at, whether or not it should be.</p>
${table('By line', COLUMNS, rows)}
</section>`;
}
