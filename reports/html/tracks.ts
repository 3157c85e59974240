/** What is drawn over time, as points; the time line gives all of it one axis. */
import type { Kind, PoolLine, Recording, SampleLine } from '../../probe/recording/format.ts';
import { command, noun, processName } from '../words.ts';

export interface Track {
  title: string;
  unit: '' | 'MB' | 'ms' | '%' | '/s';
  /** Drawn as a line across; 0 when there is none. */
  limit: number;
  lines: TrackLine[];
}

export interface TrackLine {
  label: string;
  /** Draws each value as a dot too: for what is known only now and then. */
  isDotted?: true;
  /** Seconds on the time line, and the value then; oldest first. Iterated more than once. */
  points: Iterable<readonly [at: number, value: number]>;
}

/** Tracks under one heading. */
export interface TrackGroup {
  name: string;
  tracks: Track[];
  /** What was left out, such as `3 more pools`. */
  omitted: string[];
}

/** Seconds on the time line of a moment (`at`) of a recording. */
export type Seconds = (recording: Recording, at: number) => number;

/** More pools than these are left to the table. */
const POOLS = 6;

/** The gauges of one process. */
export function processTracks(recording: Recording, seconds: Seconds): TrackGroup {
  const line = (label: string, value: (sample: SampleLine) => number | undefined): TrackLine => ({
    label,
    points: pointsOf(recording, seconds, value),
  });
  const pools = [...recording.pools.values()];
  const tracks: Track[] = [
    ...pools.slice(0, POOLS).map((pool) => poolTrack(pool, line)),
    { title: 'Open resources', unit: '', limit: 0, lines: kindsIn(recording).map((kind) => kindLine(kind, line)) },
    {
      title: 'Memory',
      unit: 'MB',
      limit: 0,
      lines: [
        line('heap used', ({ heapUsed }) => megabytes(heapUsed)),
        line('resident set', ({ rss }) => megabytes(rss)),
        {
          label: 'heap after collection',
          isDotted: true,
          points: recording.collections.map(
            ({ at, heapUsed }) => [seconds(recording, at), megabytes(heapUsed)] as const,
          ),
        },
      ],
    },
    {
      title: 'Native contexts',
      unit: '',
      limit: 0,
      lines: [line('contexts', ({ nativeContexts }) => nativeContexts)],
    },
    {
      title: 'Event-loop delay',
      unit: 'ms',
      limit: 0,
      lines: [line('worst', ({ loopDelay }) => Math.round(loopDelay * 10) / 10)],
    },
  ];
  return {
    name: `${processName(recording.process)} · ${command(recording.process, recording.process.cwd)}`,
    tracks,
    omitted: pools.length > POOLS ? [`${pools.length - POOLS} more pools`] : [],
  };
}

type MakeLine = (label: string, value: (sample: SampleLine) => number | undefined) => TrackLine;

function poolTrack({ id, library, name, max }: PoolLine, line: MakeLine): Track {
  const gauge = (column: 1 | 2 | 3) => (sample: SampleLine) => sample.pools.find((pool) => pool[0] === id)?.[column];
  const lines = [line('used', gauge(1)), line('idle', gauge(2)), line('pending', gauge(3))];
  return { title: `${library} pool "${name}"`, unit: '', limit: max, lines };
}

function kindLine(kind: Kind, line: MakeLine): TrackLine {
  return line(noun(2, kind), ({ open }) => open[kind] ?? 0);
}

function kindsIn({ samples }: Recording): Kind[] {
  const kinds = new Set<Kind>();
  for (const { open } of samples) for (const kind of Object.keys(open) as Kind[]) kinds.add(kind);
  return [...kinds];
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}

function pointsOf(
  recording: Recording,
  seconds: Seconds,
  value: (sample: SampleLine) => number | undefined,
): TrackLine['points'] {
  return {
    *[Symbol.iterator]() {
      for (const sample of recording.samples) {
        const now = value(sample);
        if (now !== undefined) yield [seconds(recording, sample.at), now] as const;
      }
    },
  };
}
