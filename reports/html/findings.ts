/** The findings as cards, worst first. */
import type { Frame, Recording } from '../../probe/recording/format.ts';
import type { Finding, Report } from '../../probe/recording/report.ts';
import { advice } from '../advice.ts';
import { account, evidence, meaning, place, subject, tally } from '../finding-words.ts';
import { type Matter, matterOf } from '../matter.ts';
import { gaps } from '../verdict.ts';
import { number, pathFrom, plural, watchedCounts, watchedName } from '../words.ts';
import { html, type Markup } from './html.ts';
import { mark } from './masthead.ts';
import { demandBar, holders } from './pool.ts';

/** More cards than anybody reads; the rest are in report.json. */
const CARDS = 100;

export function findings(report: Report, recordings: readonly Recording[], cwd: string): Markup {
  if (report.findings.length === 0) return clean(report, recordings);
  const more = report.findings.length - CARDS;
  return html`<section class="findings" aria-labelledby="findings">
<h2 id="findings">${report.findings.length === 1 ? 'The finding' : 'Findings, worst first'}</h2>
${PATTERNS}
${report.findings.slice(0, CARDS).map((finding) => card(finding, cwd))}
${more > 0 && html`<p class="more">${plural(more, 'more finding')} in report.json.</p>`}
</section>`;
}

const PATTERNS = html`<svg class="patterns" aria-hidden="true"><defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="4" height="4"/><rect class="hatch-line" width="1.5" height="4"/></pattern></defs></svg>`;

/** Of the card's element. */
export function cardId({ id }: Finding): string {
  return `finding-${id}`;
}

function card(finding: Finding, cwd: string): Markup {
  const id = cardId(finding);
  const title = place(finding, (file) => pathFrom(cwd, file));
  return html`<article class="finding ${finding.certainty}" id="${id}" tabindex="-1">
<p class="kind"><span class="certainty">${mark(finding.certainty)} ${finding.certainty}</span><span>${subject(finding)}</span><span>${finding.detector}</span></p>
<h3><span class="place">${title}</span>${finding.site && html` <span class="function">${finding.site.function}</span>`} <a class="hash" href="#${encodeURIComponent(id)}" aria-label="Link to this finding">#</a></h3>
<p class="means">${meaning(finding)}${finding.origin === 'library' && ' The line is a dependency’s, not your own.'}</p>
${finding.siteUnknown && html`<p class="unknown">The line is not known: ${finding.siteUnknown}</p>`}
${bar(finding)}
${excerpt(finding)}
<dl>
${evidenceList(finding)}
${finding.holders.length > 0 && html`<dt>Held by</dt><dd>${holders(finding, cwd)}</dd>`}
<dt>Fix</dt><dd>${advice(finding)}</dd>
${finding.stack.length > 0 && html`<dt>Stack</dt><dd>${stack(finding.stack, cwd)}</dd>`}
</dl>
</article>`;
}

function evidenceList(finding: Finding): Markup | null {
  const { first, more } = evidence(finding);
  const list = (sentences: string[]) => html`<ul>${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
  if (first.length === 0) return null;
  return html`<dt>Evidence</dt><dd>${list(first)}${more.length > 0 && html`<details><summary>more evidence</summary>${list(more)}</details>`}</dd>`;
}

/** Released, otherwise open and leaked as parts of what was acquired; of a whole pool how full it was. */
function bar(finding: Finding): Markup {
  const parts = account(finding);
  if (!parts) return demandBar(finding);
  const whole = Math.max(finding.acquired, finding.released + finding.count);
  if (finding.acquired === 0) return html`<p class="tally">${tally(finding)}</p>`;
  const released = (finding.released / whole) * 100;
  const leaked = Math.max((finding.count / whole) * 100, 0.5);
  return html`<figure class="bar">
<svg width="100%" height="10" aria-hidden="true"><rect class="open" width="100%" height="10"/><rect class="released" width="${released.toFixed(2)}%" height="10"/><rect class="leaked" x="${(100 - leaked).toFixed(2)}%" width="${leaked.toFixed(2)}%" height="10"/></svg>
<figcaption><span>${parts.acquired}</span><span>${parts.released}</span><b>${parts.open}</b></figcaption>
</figure>`;
}

/** What the marked call did. */
const CALLS: Record<Matter, string> = {
  resource: 'created here',
  transaction: 'acquired here',
  pools: 'a pool of its own for this call',
  exhaustion: 'acquired here',
  deadlock: 'waits here',
};

function excerpt(finding: Finding): Markup | null {
  const { site, excerpt } = finding;
  if (!site || !excerpt || excerpt.lines.length === 0) return null;
  const lines = excerpt.lines.map((text, i) => {
    const number = excerpt.first + i;
    if (number !== site.line) return html`<span class="line"><i>${number}</i>${text}\n</span>`;
    const from = site.column - 1;
    const call = /^[\w$.]+/.exec(text.slice(Math.max(0, from)))?.[0] ?? '';
    return html`<mark class="line"><i>${number}</i>${text.slice(0, from)}<u>${call}</u>${text.slice(from + call.length)}<em>  ← ${callOf(finding)}</em>\n</mark>`;
  });
  return html`<pre class="excerpt" tabindex="0" aria-label="Source around line ${site.line}"><code>${lines}</code></pre>`;
}

function callOf(finding: Finding): string {
  const matter = matterOf(finding);
  return matter === 'resource' && finding.kind === 'connection' ? 'acquired here' : CALLS[matter];
}

function stack(frames: Frame[], cwd: string): Markup {
  const own = frames.filter((frame) => frame.user).length;
  return html`<details><summary>${plural(frames.length, 'frame')}, ${own} of your code</summary><ol class="stack">${frames.map(
    (frame) =>
      html`<li class="${frame.user ? 'user' : 'dependency'}"><span>${frame.function || '(anonymous)'}</span> <code>${pathFrom(cwd, frame.file)}:${frame.line}:${frame.column}</code></li>`,
  )}</ol></details>`;
}

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
