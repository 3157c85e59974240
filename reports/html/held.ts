/** A finding's line over time: a small picture in its card, and a track on the shared time line. */

import type { Finding } from '../../probe/recording/report.ts';
import { place } from '../finding-words.ts';
import type { Step } from '../held-over-time.ts';
import { duration, number } from '../words.ts';
import { html, type Markup } from './html.ts';
import type { PageContext } from './page-context.ts';
import type { Seconds, TrackGroup, TrackLine } from './tracks.ts';

/** Findings that are drawn. */
const MOST = 6;
/** Of the card's picture, in its own units. */
const SIZE = { width: 600, height: 44 };
/** A step that lasted longer than this is drawn as one, seconds. */
const STEP = 1;

/** Null where it is not known. */
export function heldFigure(finding: Finding, { recordings, held }: PageContext): Markup | null {
  const steps = held.get(finding);
  const last = steps?.at(-1);
  if (!steps || !last) return null;
  const began = Math.min(...recordings.map(({ process }) => process.startedMs));
  const ended = Math.max(last[0], ...recordings.map(({ process, lastAt }) => process.startedMs + lastAt));
  const most = Math.max(...steps.map(([, open]) => open));
  return html`<figure class="held">
<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" preserveAspectRatio="none" aria-hidden="true"><path class="area" d="${pathOf(steps, began, ended, most)}V${SIZE.height}H0Z"/><path class="curve" d="${pathOf(steps, began, ended, most)}"/></svg>
<figcaption>Open at this line over ${duration(ended - began)}: at most ${number(most)}, at the end ${number(last[1])}</figcaption>
</figure>`;
}

function pathOf(steps: readonly Step[], began: number, ended: number, most: number): string {
  const x = (at: number) => (((at - began) / Math.max(1, ended - began)) * SIZE.width).toFixed(1);
  const y = (open: number) => (SIZE.height - 2 - (open / most) * (SIZE.height - 6)).toFixed(1);
  const moves = steps.map(([at, open]) => `H${x(at)}V${y(open)}`);
  return `M0 ${y(0)}${moves.join('')}H${SIZE.width}`;
}

/** What was open at the lines that were found. */
export function heldTracks({ report, recordings, held }: PageContext, seconds: Seconds): TrackGroup | null {
  const end = recordings.reduce((latest, each) => Math.max(latest, seconds(each, each.lastAt)), 0);
  const start = Math.min(...recordings.map(({ process }) => process.startedMs));
  const lines = report.findings.flatMap((finding, i): TrackLine[] => {
    const steps = held.get(finding)?.map(([at, open]) => [Math.round(at - start) / 1000, open] as const);
    return steps ? [{ label: `${i + 1} ${place(finding)}`, points: drawn(steps, end) }] : [];
  });
  if (lines.length === 0) return null;
  const track = { title: 'Open at the lines found', unit: '' as const, limit: 0, lines: lines.slice(0, MOST) };
  const more = lines.length - MOST;
  return { name: 'Lines found', tracks: [track], omitted: more > 0 ? [`${number(more)} more findings`] : [] };
}

/** Points between which a straight line is what happened. */
function drawn(steps: readonly (readonly [number, number])[], end: number): [number, number][] {
  const points: [number, number][] = [];
  for (const [at, open] of steps) {
    const before = points.at(-1);
    if (before && at - before[0] > STEP * 1.5) points.push([Math.round((at - STEP) * 1000) / 1000, before[1]]);
    points.push([at, open]);
  }
  const last = points.at(-1);
  if (last && end > last[0]) points.push([end, last[1]]);
  return points;
}
