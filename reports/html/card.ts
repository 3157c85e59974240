/** One finding: what it claims, its account, its line, its evidence, and what to change. */
import { type FixLine, suggestFix } from '../../probe/recording/fix.ts';
import type { Frame } from '../../probe/recording/format.ts';
import type { Finding } from '../../probe/recording/report.ts';
import { advice } from '../advice.ts';
import { codeLines } from '../code-frame.ts';
import { account, doubt, evidence, lineDoubt, meaning, noCode, place, subject, tally } from '../finding-words.ts';
import { number, pathFrom, plural } from '../words.ts';
import { heldFigure } from './held.ts';
import { html, type Markup } from './html.ts';
import { mark } from './masthead.ts';
import type { PageContext } from './page-context.ts';
import { demandBar, holders } from './pool.ts';

/** Callers beyond these are left to report.json. */
const CALLERS = 6;

/** Of the card's element. */
export function cardId({ id }: Finding): string {
  return `finding-${id}`;
}

/** `ordinal` is what the flags call it, counted from 1. */
export function card(finding: Finding, ordinal: number, page: PageContext): Markup {
  const { cwd } = page;
  const id = cardId(finding);
  const title = place(finding, (file) => pathFrom(cwd, file));
  return html`<article class="finding ${finding.certainty}" id="${id}" tabindex="-1">
<p class="kind"><span class="certainty">${mark(finding.certainty)} ${finding.certainty}</span><span>${subject(finding)}</span><span>${finding.detector}</span></p>
<h3><span class="place">${title}</span>${finding.site && html` <span class="function">${finding.site.function}</span>`} <a class="hash" href="#${encodeURIComponent(id)}" aria-label="Link to finding ${ordinal}">#${ordinal}</a></h3>
<p class="means">${meaning(finding)}${ofDependency(finding)}</p>
${finding.siteUnknown && html`<p class="unknown">The line is not known: ${finding.siteUnknown}</p>`}
${lineDoubt(finding) && html`<p class="unknown">${lineDoubt(finding)}</p>`}
${bar(finding)}
${heldFigure(finding, page)}
${excerpt(finding, ordinal)}
<dl>
${evidenceList(finding)}
${finding.callers.length > 0 && html`<dt>Called by</dt><dd>${callers(finding, ordinal, cwd)}</dd>`}
${finding.held.length > 0 && html`<dt>Held by</dt><dd><ul>${finding.held.map((words) => html`<li>${words}</li>`)}</ul></dd>`}
${finding.holders.length > 0 && html`<dt>Held by</dt><dd>${holders(finding, ordinal, cwd)}</dd>`}
<dt>Fix</dt><dd class="wide">${advice(finding)}${fix(suggestFix(finding)?.shown ?? null, ordinal)}</dd>
${finding.recipe?.test && html`<dt>Test</dt><dd><code>${finding.recipe.test}</code> beside this report is red until this is fixed. ${finding.recipe.fix ?? ''}</dd>`}
${doubt(finding) && html`<dt>Certainty</dt><dd>${doubt(finding)}</dd>`}
${finding.stack.length > 0 && html`<dt>Stack</dt><dd>${stack(finding.stack, cwd)}</dd>`}
</dl>
</article>`;
}

function ofDependency({ stack, site, maker }: Finding): string {
  const isOwn = stack.some(({ file, line, user }) => user && file === site?.file && line === site.line);
  if (site !== null && stack.length > 0 && !isOwn) return ' The line is a dependency’s, not your own.';
  return maker ? ` ${maker.name}${maker.version ? ` ${maker.version}` : ''} made it for this line.` : '';
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

function excerpt(finding: Finding, ordinal: number): Markup | null {
  const { site, excerpt, excerptUnknown } = finding;
  if (!site) return null;
  if (!excerpt) return excerptUnknown && !site.compiled ? html`<p class="unknown">${noCode(finding)}</p>` : null;
  const lines = codeLines(finding).map(({ number, text, call: told }) => {
    if (told === null) return html`<span class="line"><i>${number}</i>${text}\n</span>`;
    const from = excerpt.column - 1;
    const call = /^[\w$.]+/.exec(text.slice(Math.max(0, from)))?.[0] ?? '';
    return html`<mark class="line"><i>${number}</i>${text.slice(0, from)}<u>${call}</u>${text.slice(from + call.length)}<em>  ← ${told}</em>\n</mark>`;
  });
  return html`<pre class="excerpt" tabindex="0" aria-label="Finding ${ordinal}: source around line ${site.line}"><code>${lines}</code></pre>`;
}

function stack(frames: Frame[], cwd: string): Markup {
  const own = frames.filter((frame) => frame.user).length;
  return html`<details><summary>${plural(frames.length, 'frame')}, ${own} of your code</summary><ol class="stack">${frames.map(
    (frame) =>
      html`<li class="${frame.user ? 'user' : 'dependency'}"><span>${frame.function || '(anonymous)'}</span> <code>${pathFrom(cwd, frame.file)}:${frame.line}:${frame.column}</code></li>`,
  )}</ol></details>`;
}

/** Who calls the function of the line: with one caller a line, with several how each of them fares. */
function callers({ callers }: Finding, ordinal: number, cwd: string): Markup {
  const name = ({ site }: Finding['callers'][number]) =>
    html`<code>${pathFrom(cwd, site.file)}:${site.line}</code> <span class="function">${site.function}</span>`;
  const [only, ...others] = callers;
  if (only && others.length === 0) return name(only);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Finding ${ordinal}: who calls the line’s function"><table class="callers">
<thead><tr><th scope="col">caller</th><th scope="col" class="numeric">acquired</th><th scope="col" class="numeric">released</th><th scope="col" class="numeric">open</th></tr></thead>
<tbody>${callers.slice(0, CALLERS).map((caller) => {
    const { acquired, released } = caller;
    return html`<tr><td>${name(caller)}</td><td class="numeric">${number(acquired)}</td><td class="numeric">${number(released)}</td><td class="numeric"><b>${number(acquired - released)}</b></td></tr>`;
  })}</tbody></table></div>
${callers.length > CALLERS && html`<p class="more">and ${plural(callers.length - CALLERS, 'more caller')} in report.json</p>`}`;
}

const SIGNS: Record<FixLine['sign'], string> = { '+': 'added', '-': 'removed', ' ': 'same' };

function struck(text: string): Markup {
  const code = text.trimStart();
  return html`${text.slice(0, text.length - code.length)}<del>${code}</del>`;
}

/** As a diff without changes of indentation. */
function fix(lines: FixLine[] | null, ordinal: number): Markup | null {
  if (!lines) return null;
  return html`<pre class="fix" tabindex="0" aria-label="Finding ${ordinal}: a suggested change"><code>${lines.map(
    ({ sign, text }) =>
      html`<span class="line ${SIGNS[sign]}"><i>${sign}</i>${sign === '-' ? struck(text) : text}\n</span>`,
  )}</code></pre>`;
}
