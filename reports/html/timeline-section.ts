/** The time lines: markup that says in words what each chart shows, and the data that the page's script draws. */
import { duration, number } from '../words.ts';
import type { Flag } from './flags.ts';
import { html, type Markup } from './html.ts';
import type { Chart, Timeline } from './timeline.ts';

/** How many line styles the style sheet knows; each has a colour and a dash of its own. */
const STYLES = 7;

/** What `report.js` draws; the charts stand in the page's order. */
export function timelineData({ x, end, groups, lanes, flags }: Timeline) {
  return {
    x,
    end,
    flags: flags.map(({ at, card }) => ({ at, card })),
    lanes: lanes.map(({ done, failed }) => ({ done, failed })),
    charts: groups
      .flatMap((group) => group.charts)
      .map(({ unit, limit, series }) => ({
        limit,
        // of a count there are no halves
        isWhole: unit === '',
        dots: series.map((line) => line.isDotted),
        series: series.map((line) => line.values()),
      })),
  };
}

export function timelineSection(time: Timeline): Markup | null {
  if (time.groups.length === 0) return null;
  return html`<section class="time" aria-labelledby="time-lines">
<header><h2 id="time-lines">Over time</h2><p class="hint"><span>drag to zoom, double-click to see all</span> <output></output></p>${ZOOM}</header>
${time.flags.length > 0 && flagsFigure(time.flags)}
${
  time.lanes.length > 0 &&
  html`<figure class="chart lanes"><figcaption><h3>Job runs</h3><ul>${time.lanes.map(
    (lane) => html`<li><b>${lane.name}</b> ${number(lane.failures)} of ${number(lane.runs)} failed</li>`,
  )}</ul><p class="key">tall: failed, thin: ended well</p></figcaption><div class="plot" aria-hidden="true"></div></figure>`
}
${time.groups.map(
  ({ name, charts }) =>
    html`${time.groups.length > 1 && html`<h3 class="process">${name}</h3>`}${charts.map((chart) => figure(chart))}`,
)}
${time.omitted.length > 0 && html`<p class="more">Not drawn: ${time.omitted.join(', ')}.</p>`}
</section>`;
}

const ZOOM = html`<p class="zoom" role="group" aria-label="Zoom of all charts"><button type="button" value="earlier" aria-label="earlier" disabled>←</button><button type="button" value="later" aria-label="later" disabled>→</button><button type="button" value="in" aria-label="zoom in">+</button><button type="button" value="out" aria-label="zoom out" disabled>−</button><button type="button" value="all" disabled>see all</button></p>`;

/** Flags are links: the list is for reading, and the script puts copies of them at their time. */
function flagsFigure(flags: Flag[]): Markup {
  return html`<figure class="chart flags"><figcaption><h3>Findings</h3><ul>${flags.map(
    ({ at, sign, certainty, label, target }) =>
      html`<li><a class="flag ${certainty ?? 'back'}" href="#${encodeURIComponent(target)}" title="${label}"><b>${sign}</b></a> <span>${label}</span> <output>${duration(at * 1000)}</output></li>`,
  )}</ul></figcaption><div class="plot" aria-hidden="true"></div></figure>`;
}

function figure(chart: Chart): Markup {
  const unit = chart.unit && ` ${chart.unit}`;
  return html`<figure class="chart"><figcaption><h3>${chart.title}${unit && html` <small>${chart.unit}</small>`}</h3><ul>${chart.series.map(
    (line, i) =>
      html`<li><button type="button" aria-pressed="true"><svg class="swatch s${(i % STYLES) + 1}" viewBox="0 0 22 4" aria-hidden="true"><path d="M0 2h22"/></svg>${line.label} <output>${number(line.last)}</output></button><span class="range">${number(line.min)} to ${number(line.max)}${unit}, at the end ${number(line.last)}</span></li>`,
  )}${chart.limit > 0 && html`<li class="limit"><svg class="swatch limit" viewBox="0 0 22 4" aria-hidden="true"><path d="M0 2h22"/></svg>limit ${number(chart.limit)}</li>`}</ul></figcaption><div class="plot" aria-hidden="true"></div></figure>`;
}
