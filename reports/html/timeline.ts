/** Recordings as chart data: one time axis, a group of charts per process, and a lane per job. */
import type { Kind, Recording, SampleLine } from '../../probe/recording/format.ts';
import type { Report } from '../../probe/recording/report.ts';
import { command, noun, number } from '../words.ts';
import { type Axis, axisOf, mergeBands, Series } from './decimate.ts';
import { type Flag, flagsOf } from './flags.ts';

export interface Chart {
  title: string;
  unit: '' | 'MB' | 'ms';
  /** What the pool allows; 0 when there is no limit to draw. */
  limit: number;
  series: Series[];
}

export interface Group {
  name: string;
  charts: Chart[];
}

/** Runs of one job: spans in seconds. */
export interface Lane {
  name: string;
  runs: number;
  failures: number;
  done: [from: number, to: number][];
  failed: [from: number, to: number][];
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

const PROCESSES = 4;
const POOLS = 6;
const LANES = 6;
const BANDS = 400;
/** Keeps the page small: a point costs about four bytes, and no screen shows more than 800 across. */
const POINTS = { total: 40_000, most: 800, least: 150 };

export function timeline(report: Report, recordings: Recording[]): Timeline {
  const start = Math.min(...recordings.map((recording) => recording.process.startedMs));
  const seconds = (recording: Recording, at: number) => Math.round(recording.process.startedMs - start + at) / 1000;
  const end = Math.max(0.001, ...recordings.map((recording) => seconds(recording, recording.lastAt)));
  const sampled = recordings
    .filter((recording) => recording.samples.length > 0)
    .sort((a, b) => Math.min(b.pools.size, 1) - Math.min(a.pools.size, 1) || b.samples.length - a.samples.length);
  const shown = sampled.slice(0, PROCESSES);

  const lines = shown.reduce((sum, recording) => sum + Math.min(POOLS, recording.pools.size) * 3 + 13, 0);
  const points = Math.max(POINTS.least, Math.min(POINTS.most, Math.floor(POINTS.total / Math.max(1, lines))));
  const axis = axisOf(sampleTimes(shown, seconds), end, points);
  const omitted: string[] = [];
  if (sampled.length > shown.length) omitted.push(`${number(sampled.length - shown.length)} more processes`);
  const groups = shown.map((recording) => {
    if (recording.pools.size > POOLS) omitted.push(`${number(recording.pools.size - POOLS)} more pools`);
    return group(recording, axis, (at) => seconds(recording, at));
  });
  const flags = flagsOf(report, recordings, seconds);
  return { x: axis.x, end, groups, lanes: lanes(recordings, seconds, end, omitted), flags, omitted };
}

type Seconds = (recording: Recording, at: number) => number;

function* sampleTimes(recordings: Recording[], seconds: Seconds): Iterable<number> {
  for (const recording of recordings) for (const sample of recording.samples) yield seconds(recording, sample.at);
}

function group(recording: Recording, axis: Axis, seconds: (at: number) => number): Group {
  const series = (label: string, value: (sample: SampleLine) => number | undefined) => {
    const line = new Series(label, axis);
    for (const sample of recording.samples) {
      const now = value(sample);
      if (now !== undefined) line.add(seconds(sample.at), now);
    }
    return line;
  };
  const pools = [...recording.pools.values()].slice(0, POOLS).map((pool): Chart => {
    const gauge = (column: 1 | 2 | 3) => (sample: SampleLine) => sample.pools.find(([id]) => id === pool.id)?.[column];
    return {
      title: `${pool.library} pool "${pool.name}"`,
      unit: '',
      limit: pool.max,
      series: [series('used', gauge(1)), series('idle', gauge(2)), series('pending', gauge(3))],
    };
  });
  const kinds = new Set<Kind>();
  for (const sample of recording.samples) for (const kind of Object.keys(sample.open) as Kind[]) kinds.add(kind);
  const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;
  const charts: Chart[] = [
    ...pools,
    {
      title: 'Open resources',
      unit: '',
      limit: 0,
      series: [...kinds].map((kind) => series(noun(2, kind), (sample) => sample.open[kind] ?? 0)),
    },
    {
      title: 'Memory',
      unit: 'MB',
      limit: 0,
      series: [
        series('heap used', (sample) => megabytes(sample.heapUsed)),
        series('resident set', (sample) => megabytes(sample.rss)),
      ],
    },
    { title: 'Native contexts', unit: '', limit: 0, series: [series('contexts', (sample) => sample.nativeContexts)] },
    {
      title: 'Event-loop delay',
      unit: 'ms',
      limit: 0,
      series: [series('worst', (sample) => Math.round(sample.loopDelay * 10) / 10)],
    },
  ];
  const { pid, thread, cwd } = recording.process;
  const name = `Process ${pid}${thread ? ` thread ${thread}` : ''} · ${command(recording.process, cwd)}`;
  return { name, charts: charts.filter((chart) => chart.series.some((line) => line.max >= line.min)) };
}

function lanes(recordings: Recording[], seconds: Seconds, end: number, omitted: string[]): Lane[] {
  const byName = new Map<string, Lane>();
  for (const recording of recordings) {
    for (const run of recording.runs) {
      const lane = byName.get(run.name) ?? { name: run.name, runs: 0, failures: 0, done: [], failed: [] };
      byName.set(run.name, lane);
      lane.runs++;
      if (run.failedWith !== null) lane.failures++;
      const bands = run.failedWith === null ? lane.done : lane.failed;
      bands.push([seconds(recording, run.began), seconds(recording, run.ended)]);
    }
  }
  const all = [...byName.values()].sort((a, b) => b.failures - a.failures || b.runs - a.runs);
  if (all.length > LANES) omitted.push(`${number(all.length - LANES)} more jobs`);
  return all.slice(0, LANES).map((lane) => ({
    ...lane,
    done: mergeBands(lane.done, end, BANDS),
    failed: mergeBands(lane.failed, end, BANDS),
  }));
}
