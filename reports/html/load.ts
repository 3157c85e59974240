/** What a soak did to the service, round by round, and what was left open at rest after each. */
import type { Load } from '../../probe/recording/load.ts';
import { duration, number, plural } from '../words.ts';
import { html, type Markup } from './html.ts';
import type { PageContext } from './page-context.ts';

type Round = Load['rounds'][number];

const MOST = 200;

export function loadSection({ report: { load } }: PageContext): Markup | null {
  if (!load || load.rounds.length + load.faults.length === 0) return null;
  const told = load.faults.filter(({ outcome }) => outcome !== 'returned' && outcome !== 'missed');
  return html`<section class="load" aria-labelledby="load">
<h2 id="load">Load</h2>
<ul class="targets">${load.targets.map((target) => html`<li><code>${target}</code></li>`)}</ul>
${load.rounds.length > 0 && byRound(load)}
${
  load.faults.length > 0 &&
  html`<p>${plural(load.faults.length, 'operation')} failed once${load.faults.length > 1 && ' each, in turn'}${told.length === 0 ? ': after each, all came back.' : '; after these, not all was as before:'}</p><ul>${told.slice(0, MOST).map(({ sentence, outcome }) => html`<li><b>${outcome}</b> ${sentence}</li>`)}</ul>`
}
</section>`;
}

/** The warm-up is no round of those that were planned. */
function byRound({ kind, rounds, planned, connections }: Load): Markup {
  const one = kind === 'commands' ? 'run' : 'round';
  const atRest = rounds.some(({ open }) => open !== null);
  const given = rounds.filter(({ round }) => round > 0).length;
  const clients = connections > 0 ? `, ${number(connections)} at once` : '';
  return html`<p class="more">${number(given)} of ${plural(planned, one)}${clients}.${atRest && ' Open: at rest after the round, when nothing runs that could need it.'}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Load by round"><table>
<thead><tr><th scope="col">${one}</th><th scope="col" class="numeric">lasted</th><th scope="col" class="numeric">requests</th><th scope="col">answers</th><th scope="col" class="numeric">failed</th><th scope="col" class="numeric">p50</th><th scope="col" class="numeric">p99</th><th scope="col" class="numeric">open</th><th scope="col" class="numeric">findings</th></tr></thead>
<tbody>${rounds.slice(0, MOST).map(row)}</tbody></table></div>`;
}

function row(round: Round): Markup {
  const { startedMs, endedMs, requests, targets, errors, latency, open, findings } = round;
  const failed = targets.reduce((sum, target) => sum + target.failed, errors);
  const numbers = [
    failed === 0 ? '0' : html`<b>${number(failed)}</b>`,
    latency ? duration(latency.p50) : '–',
    latency ? duration(latency.p99) : '–',
    open === null ? '–' : number(open),
    findings === null ? '–' : number(findings),
  ];
  return html`<tr><td>${round.round === 0 ? 'warm-up' : round.round}</td><td class="numeric">${duration(endedMs - startedMs)}</td><td class="numeric">${number(requests)}</td><td>${answers(round)}</td>${numbers.map((value) => html`<td class="numeric">${value}</td>`)}</tr>`;
}

/** `200: 1,204, 500: 3`. */
function answers({ targets }: Round): string {
  const counts = new Map<string, number>();
  for (const { statuses } of targets) {
    for (const [status, count] of Object.entries(statuses)) counts.set(status, (counts.get(status) ?? 0) + count);
  }
  return [...counts].map(([status, count]) => `${status}: ${number(count)}`).join(', ') || '–';
}
