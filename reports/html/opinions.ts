/** What other tools said of the same program, and how their accounts go together with ours. */
import type { Opinion } from '../../probe/recording/opinions.ts';
import { keptWords, partsOf, toolWords } from '../opinion-words.ts';
import { pathFrom } from '../words.ts';
import { html, type Markup } from './html.ts';
import type { PageContext } from './page-context.ts';

const MOST = 50;

export function opinionsSection({ report: { opinions = [] }, cwd }: PageContext): Markup | null {
  if (opinions.length === 0) return null;
  return html`<section class="load" aria-labelledby="opinions">
<h2 id="opinions">Second opinions</h2>
${opinions.map((opinion) => one(opinion, (file) => pathFrom(cwd, file)))}
</section>`;
}

function one(opinion: Opinion, where: (file: string) => string): Markup {
  const { sentence, findings, page, compared } = opinion;
  const parts = compared ? partsOf(opinion, compared) : [];
  return html`<h3>${toolWords(opinion)}</h3>
<p>${sentence}</p>
${findings.length > 0 && html`<ul>${findings.map((finding) => html`<li>${finding}</li>`)}</ul>`}
${page && html`<p><a href="${page}">Its page</a></p>`}
${parts.map(
  ({ title, rows }) => html`<p class="more">${title}</p>
<ul>${rows.slice(0, MOST).map((row) => html`<li>${keptWords(row, where)}${row.why && html`<br>${row.why}`}</li>`)}</ul>`,
)}`;
}
