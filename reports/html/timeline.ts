/** Recordings as chart data: one time axis, a group of charts per process, and a lane per job. */
import type { Recording } from '../../probe/recording/format.ts';
import { number } from '../words.ts';
import { databaseTracks } from './database.ts';
import { axisOf, Series } from './decimate.ts';
import { type Flag, flagsOf } from './flags.ts';
import { heldTracks } from './held.ts';
import { type Lane, lanesOf } from './lanes.ts';
import type { PageContext } from './page-context.ts';
import { processTracks, type Seconds, type Track, type TrackGroup, type TrackLine } from './tracks.ts';

export interface Chart extends Pick<Track, 'title' | 'unit' | 'limit'> {
  series: Series[];
}

export interface Group {
  name: string;
  charts: Chart[];
}

export interface Timeline {
  x: number[];
  /** Seconds from the first process' start to the last line of any. */
  end: number;
  groups: Group[];
  lanes: Lane[];
  flags: Flag[];
  /** Processes, pools and jobs that are left to the tables. */
  omitted: string[];
}

/** More groups of tracks, in the page's order, above and below those of the processes; null: nothing to draw. */
type MakeGroup = (page: PageContext, seconds: Seconds) => TrackGroup | null;
const ABOVE: readonly MakeGroup[] = [heldTracks];
const GROUPS: readonly MakeGroup[] = [databaseTracks];

const PROCESSES = 4;
/** Keeps the page small: a point costs about four bytes, and no screen shows more than 800 across. */
const POINTS = { total: 40_000, most: 800, least: 150 };

export function timeline(page: PageContext): Timeline {
  const { report, recordings } = page;
  const start = Math.min(...recordings.map((recording) => recording.process.startedMs));
  const seconds: Seconds = ({ process }, at) => Math.round(process.startedMs - start + at) / 1000;
  const end = Math.max(0.001, ...recordings.map((recording) => seconds(recording, recording.lastAt)));

  const { shown, omitted } = busiest(recordings);
  const made = (groups: readonly MakeGroup[]) =>
    groups.map((group) => (recordings.length > 0 ? group(page, seconds) : null)).filter((group) => group !== null);
  const tracks = [...made(ABOVE), ...shown.map((recording) => processTracks(recording, seconds)), ...made(GROUPS)];
  const lines = tracks.flatMap((group) => group.tracks).flatMap((track) => track.lines);
  const points = Math.max(POINTS.least, Math.min(POINTS.most, Math.floor(POINTS.total / Math.max(1, lines.length))));
  const axis = axisOf(timesOf(lines), end, points);
  const groups = tracks.map(({ name, tracks }): Group => {
    const charts = tracks.map(({ lines, ...track }) => ({
      ...track,
      series: lines.map(seriesOf).filter(({ min, max }) => max >= min),
    }));
    return { name, charts: charts.filter(({ series }) => series.length > 0) };
  });
  function seriesOf({ label, points, isDotted }: TrackLine): Series {
    const series = new Series(label, axis, isDotted);
    for (const [at, value] of points) series.add(at, value);
    return series;
  }
  omitted.push(...tracks.flatMap((group) => group.omitted));
  return {
    x: axis.x,
    end,
    groups: groups.filter(({ charts }) => charts.length > 0),
    lanes: lanesOf(recordings, seconds, end, omitted),
    flags: flagsOf(report, recordings, seconds),
    omitted,
  };
}

/** Those with pools first, then those with most samples. */
function busiest(recordings: readonly Recording[]): { shown: Recording[]; omitted: string[] } {
  const sampled = recordings
    .filter((recording) => recording.samples.length > 0)
    .sort((a, b) => Math.min(b.pools.size, 1) - Math.min(a.pools.size, 1) || b.samples.length - a.samples.length);
  const more = sampled.length - PROCESSES;
  return { shown: sampled.slice(0, PROCESSES), omitted: more > 0 ? [`${number(more)} more processes`] : [] };
}

function* timesOf(lines: readonly TrackLine[]): Iterable<number> {
  for (const { points } of lines) for (const [at] of points) yield at;
}
