/** Below the charts: the numbers as tables, and what the probe cost and did not see. */
import type { Recording } from '../../probe/recording/format.ts';
import type { Report } from '../../probe/recording/report.ts';
import { gaps } from '../verdict.ts';
import { command, costOfScopes, duration, number, percent, watchedName } from '../words.ts';
import { type Content, html, type Markup } from './html.ts';

/** Rows beyond these are left to report.json; tables longer than the second number start closed. */
const ROWS = { most: 200, open: 15 };

export interface Column {
  name: string;
  numeric?: boolean;
}

export function tables(report: Report, recordings: readonly Recording[], cwd: string): Markup {
  return html`<section class="tables" aria-labelledby="details">
<h2 id="details">Details</h2>
${table('Watched', WATCHED, watchedRows(report))}
${table('Pools', POOLS, poolRows(recordings))}
${table('Scopes', SCOPES, scopeRows(report))}
${table('Processes, and what the probe cost them', PROCESSES, processRows(report, cwd))}
${costOfScopes(report) && html`<p class="more">Of the cost: ${costOfScopes(report)}.</p>`}
${table(
  'Settings',
  [{ name: 'setting' }, { name: 'value' }],
  Object.entries(report.settings).map(([name, value]) => [name, value === '' ? 'nothing' : String(value)]),
)}
${notWatched(report)}
</section>`;
}

export function table(caption: string, columns: readonly Column[], rows: Content[][]): Markup | null {
  if (rows.length === 0) return null;
  const kind = (i: number) => (columns[i]?.numeric ? 'numeric' : 'text');
  const more = rows.length - ROWS.most;
  const body = html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${columns.map((column, i) => html`<th scope="col" class="${kind(i)}">${column.name}</th>`)}</tr></thead>
<tbody>${rows.slice(0, ROWS.most).map((row) => html`<tr>${row.map((cell, i) => html`<td class="${kind(i)}">${cell}</td>`)}</tr>`)}</tbody></table></div>
${more > 0 && html`<p class="more">and ${number(more)} more</p>`}`;
  if (rows.length <= ROWS.open) return body;
  return html`<details class="long"><summary>${caption} <small>${number(rows.length)} rows</small></summary>${body}</details>`;
}

const WATCHED = [
  { name: 'resources' },
  { name: 'acquired', numeric: true },
  { name: 'released', numeric: true },
  { name: 'not released', numeric: true },
];

function watchedRows(report: Report): Content[][] {
  return report.watched.map((row) => [
    watchedName(row, 2),
    number(row.acquired),
    number(row.released),
    number(Math.max(0, row.acquired - row.released)),
  ]);
}

const POOLS = [
  { name: 'pool' },
  { name: 'process' },
  { name: 'limit', numeric: true },
  { name: 'most used', numeric: true },
  { name: 'most pending', numeric: true },
  { name: 'used at the end', numeric: true },
  { name: 'idle at the end', numeric: true },
];

function poolRows(recordings: readonly Recording[]): Content[][] {
  return recordings.flatMap((recording) => {
    const seen = new Map<number, { used: number; pending: number; last: [number, number] }>();
    for (const sample of recording.samples) {
      for (const [id, used, idle, pending] of sample.pools) {
        const before = seen.get(id);
        seen.set(id, {
          used: Math.max(before?.used ?? 0, used),
          pending: Math.max(before?.pending ?? 0, pending),
          last: [used, idle],
        });
      }
    }
    return [...recording.pools.values()].map((pool) => {
      const gauges = seen.get(pool.id);
      const values = gauges ? [gauges.used, gauges.pending, ...gauges.last].map(number) : ['–', '–', '–', '–'];
      return [
        `${pool.library} "${pool.name}"`,
        who(recording.process),
        pool.max ? number(pool.max) : 'none known',
        ...values,
      ];
    });
  });
}

const SCOPES = [
  { name: 'scope' },
  { name: 'kind' },
  { name: 'began', numeric: true },
  { name: 'ended', numeric: true },
  { name: 'failed', numeric: true },
];

function scopeRows({ scopes }: Report): Content[][] {
  return scopes
    .toSorted((a, b) => b.failed - a.failed || b.ended - a.ended)
    .map(({ name, kind, began, ended, failed }) => [name, kind, number(began), number(ended), number(failed)]);
}

const PROCESSES = [
  { name: 'process' },
  { name: 'program' },
  { name: 'node' },
  { name: 'adapters' },
  { name: 'lasted', numeric: true },
  { name: 'end' },
  { name: 'probe CPU', numeric: true },
  { name: 'share', numeric: true },
  { name: 'forced GCs', numeric: true },
  { name: 'faults', numeric: true },
];

function processRows(report: Report, cwd: string): Content[][] {
  return report.processes.map((process) => [
    who(process),
    html`<code>${command(process, cwd)}</code>`,
    process.node,
    process.adapters.join(', ') || 'none',
    process.ended ? duration(Date.parse(process.ended) - Date.parse(process.started)) : '–',
    process.exitCode === null ? process.end : `${process.end}, code ${process.exitCode}`,
    `${number(process.cost.cpuMs)} ms`,
    percent(process.cost.share),
    number(process.cost.forcedGc),
    number(process.faults),
  ]);
}

function who({ pid, thread }: { pid: number; thread: number }): string {
  return thread ? `${pid} thread ${thread}` : String(pid);
}

function notWatched(report: Report): Markup {
  const missing = gaps(report);
  return html`<section class="missing" id="not-watched" aria-labelledby="missing"><h3 id="missing">What was not watched</h3>
${missing.length ? html`<ul>${missing.slice(0, ROWS.most).map((sentence) => html`<li>${sentence}</li>`)}</ul>` : html`<p>Nothing is known to be missing: every process was recorded to its end, nothing was dropped, and the probe had no fault.</p>`}
</section>`;
}
