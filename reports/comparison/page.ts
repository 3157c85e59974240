/** The comparison as one HTML file, built of the report's parts. */
import { type Content, html, type Markup } from '../html/html.ts';
import { LOGO } from '../html/masthead.ts';
import { asset, pageHead } from '../html/render.ts';
import { duration, number, plural } from '../words.ts';
import { type Comparison, type Measured, median } from './comparison.ts';
import { rowsOf, variantsOf } from './rows.ts';
import { forWhom } from './terminal.ts';

const STYLES = ['page.css', 'tables.css', 'comparison.css'];

export function renderComparison(comparison: Comparison): string {
  const { title, story, claims, loads, seed, server, machine, sizing, scaledDown, runs } = comparison;
  const styles = STYLES.map(asset);
  const failed = claims.filter(({ passed, isInconclusive }) => !passed && !isInconclusive).length;
  const open = claims.filter(({ isInconclusive }) => isInconclusive).length;
  const verdict = failed
    ? `${plural(failed, 'claim')} did not hold.`
    : open
      ? `${plural(open, 'claim')} could not be judged here.`
      : `All ${claims.length} claims held.`;
  const variants = variantsOf(comparison);
  const page = html`${pageHead(`${title} · outlive`, styles)}
<body>
<header class="masthead">
<p class="brand">${LOGO}<strong>outlive</strong></p>
<p class="ran">${machine}</p>
<h1 class="verdict ${failed ? 'leak' : open ? 'suspect' : 'clean'}"><span class="headline">${verdict}</span> ${title[0]?.toUpperCase()}${title.slice(1)}</h1>
<p class="story">${story}</p>
</header>
<main>
${section('Claims', html`<ul class="claims">${claims.map(({ passed, isInconclusive, sentence }) => html`<li class="${passed ? 'held' : 'failed'}"><b>${passed ? 'held' : isInconclusive ? 'not judged' : 'did not hold'}</b> <span>${sentence}</span></li>`)}</ul>`)}
${section('Side by side', html`${figures(comparison)}${bars(variants)}`)}
${section(
  'What the errors were',
  variants.map((each) => errors(each.at(-1)!)),
)}
${section('Who made whom wait', waits(variants.map((each) => each.at(-1)!)))}
${section(
  'What was offered',
  html`<ul class="offered">${loads.map(({ name, transactions, words, hash: work }) => html`<li>${name}: ${number(transactions)} transactions in ${words}; work <code>${work}</code>, seed ${seed}</li>`)}
<li>Server: ${server}</li>
${sizing.map((sentence) => html`<li>${sentence}</li>`)}
<li>${plural(runs.length, 'run')} of each variant${runs.length > 1 && '; the table shows the middle one'}.</li>
${scaledDown !== null && html`<li class="scaled"><b>Scaled down.</b> ${scaledDown}</li>`}</ul>`,
)}
</main>
</body>
</html>
`;
  return page.text;
}

function section(title: string, body: Content): Markup {
  const id = title.toLowerCase().replaceAll(' ', '-');
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${body}</section>`;
}

function scroll(label: string, table: Markup): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${table}</div>`;
}

function figures(comparison: Comparison): Markup {
  const variants = variantsOf(comparison).map((runs) => runs.at(-1)!);
  return scroll(
    'The variants side by side',
    html`<table><thead><tr><td></td>${variants.map(({ variant, model, topology }) => html`<th scope="col" class="numeric"><b>${variant}</b><br>${model}<br>${topology}</th>`)}</tr></thead>
<tbody>${rowsOf(comparison).map(({ label, title, cells }) => html`<tr><th scope="row">${label} <small>${title}</small></th>${cells.map((cell) => html`<td class="numeric">${cell}</td>`)}</tr>`)}</tbody></table>`,
  );
}

/** Database CPU per transaction, the number that outside load changes least. */
function bars(variants: readonly Measured[][]): Markup | null {
  const costs = variants.map((runs) => median(runs.map(({ server }) => server?.cpuPerTransaction ?? 0)));
  const most = Math.max(...costs);
  if (most === 0) return null;
  return html`<figure class="costs"><figcaption>Database CPU per transaction</figcaption>
<ul>${variants.map((runs, index) => {
    const cost = costs[index]!;
    const width = `${((cost / most) * 100).toFixed(1)}%`;
    return html`<li><span>${runs[0]?.variant}</span><svg width="100%" height="12" aria-hidden="true"><rect width="${width}" height="12"/></svg><span class="figure">${number(cost)} ms</span></li>`;
  })}</ul></figure>`;
}

function errors({ variant, errors: causes, errorCount }: Measured): Markup {
  if (causes.length === 0) return html`<p class="none"><b>${variant}</b>: none.</p>`;
  return html`<h3>${variant}: ${plural(errorCount, 'error')}</h3><dl class="causes">${causes.map(
    ({ title, count, sentence, said }) =>
      html`<dt>${number(count)} × ${title}</dt><dd>${sentence}<ul>${said.map(({ text, count: times }) => html`<li><code>${text}</code> <small>${number(times)} ×, what the program was told</small></li>`)}</ul></dd>`,
  )}</dl>`;
}

function waits(variants: readonly Measured[]): Markup {
  return scroll(
    'Who waited for a connection, and for whom',
    html`<table><thead><tr><th scope="col">variant</th><th scope="col">job</th><th scope="col" class="numeric">wait, p50</th><th scope="col" class="numeric">p99</th><th scope="col">while who had the connections</th></tr></thead>
<tbody>${variants.flatMap(({ variant, waits: jobs }) => jobs.map(({ job, wait, waitedFor }) => html`<tr><td>${variant}</td><td>${job}</td><td class="numeric">${duration(wait.p50)}</td><td class="numeric">${duration(wait.p99)}</td><td>${forWhom(waitedFor)}</td></tr>`))}</tbody></table>`,
  );
}
