/** Both sides' metrics on one clock: a value for each step of time, NaN where nothing was seen. */
import type { DatabaseRecording, LookLine } from '../../probe/recording/database.ts';
import type { Recording, SampleLine } from '../../probe/recording/format.ts';
import type { Series } from './correlation.ts';

export interface Metric {
  /** `used connections of pool orders`. */
  name: string;
  values: Series;
}

/** Common time of both sides, in steps of at least a second. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  from: number;
  stepMs: number;
  steps: number;
}

/** More steps tell no more, and comparing them takes longer. */
const MOST_STEPS = 400;
const STEP_MS = 1000;
/** A value stands for so many steps when the next one is late. */
const PATIENCE = 2.5;
/** The busiest pools; of the others only the sum is told. */
const MAX_POOLS = 3;

/** Null when they were not watched at the same time. */
export function clockOf(database: DatabaseRecording, recordings: readonly Recording[]): Clock | null {
  const sampled = recordings.filter(({ samples }) => samples.length > 1);
  const [first, last] = [database.looks[0], database.looks.at(-1)];
  if (!first || !last || sampled.length === 0) return null;
  const began = database.database.startedMs;
  const starts = sampled.map(({ process, samples }) => process.startedMs + (samples[0] as SampleLine).at);
  const ends = sampled.map(({ process, samples }) => process.startedMs + (samples.at(-1) as SampleLine).at);
  const from = Math.max(began + first.at, Math.min(...starts));
  const to = Math.min(began + last.at, Math.max(...ends));
  if (to <= from) return null;
  const stepMs = Math.max(STEP_MS, (to - from) / MOST_STEPS);
  return { from, stepMs, steps: Math.floor((to - from) / stepMs) };
}

export function applicationMetrics(recordings: readonly Recording[], clock: Clock): Metric[] {
  const total = (value: (sample: SampleLine) => number) => combined(recordings, clock, value, (a, b) => a + b);
  const worst = (value: (sample: SampleLine) => number) => combined(recordings, clock, value, Math.max);
  const gauge = (column: 1 | 3, name?: string) =>
    combined(
      recordings,
      clock,
      (sample, { pools }) =>
        sample.pools.reduce(
          (sum, pool) => (name === undefined || pools.get(pool[0])?.name === name ? sum + pool[column] : sum),
          0,
        ),
      (a, b) => a + b,
    );
  const pools = busiestPools(recordings);
  const named = pools.length > 1 ? pools.slice(0, MAX_POOLS) : [];
  return [
    { name: 'used connections', values: gauge(1) },
    { name: 'pending acquires', values: gauge(3) },
    ...named.flatMap((pool) => [
      { name: `used connections of pool ${pool}`, values: gauge(1, pool) },
      { name: `pending acquires of pool ${pool}`, values: gauge(3, pool) },
    ]),
    { name: 'event-loop delay', values: worst(({ loopDelay }) => loopDelay) },
    { name: 'heap in use', values: total(({ heapUsed }) => heapUsed) },
    { name: 'open timers', values: total(({ open }) => open.timer ?? 0) },
  ];
}

export function databaseMetrics({ database, looks }: DatabaseRecording, clock: Clock): Metric[] {
  const began = database.startedMs;
  const gauge = (value: (look: LookLine) => number | null) =>
    onClock(
      looks.flatMap((look) => {
        const seen = value(look);
        return seen === null ? [] : [[began + look.at, seen] as const];
      }),
      clock,
    );
  const rate = (value: (look: LookLine) => number | null) => {
    const seen = looks.filter((look) => value(look) !== null);
    const rates = seen.slice(1).map((look, i) => {
      const before = seen[i] as LookLine;
      const risen = Math.max(0, (value(look) as number) - (value(before) as number));
      return [began + look.at, risen / Math.max(1, look.at - before.at)] as const;
    });
    return onClock(rates, clock);
  };
  return [
    { name: 'sessions', values: gauge(({ sessions }) => Object.values(sessions).reduce((a, b) => a + b, 0)) },
    { name: 'active sessions', values: gauge(({ sessions }) => sessions.active) },
    { name: 'sessions idle in transaction', values: gauge(({ sessions }) => sessions['idle in transaction']) },
    { name: 'sessions that wait for a lock', values: gauge(({ waits }) => waits.Lock ?? 0) },
    { name: 'transactions per second', values: rate(({ totals }) => totals.commits + totals.rollbacks) },
    { name: 'rollbacks per second', values: rate(({ totals }) => totals.rollbacks) },
    { name: 'CPU time', values: rate(({ cpuMs }) => cpuMs) },
    { name: 'memory', values: gauge(({ memoryBytes }) => memoryBytes) },
  ];
}

function busiestPools(recordings: readonly Recording[]): string[] {
  const used = new Map<string, number>();
  for (const { pools, samples } of recordings) {
    for (const { pools: gauges } of samples) {
      for (const [id, count] of gauges) {
        const name = pools.get(id)?.name;
        if (name !== undefined) used.set(name, (used.get(name) ?? 0) + count);
      }
    }
  }
  return [...used].sort(([, a], [, b]) => b - a).map(([name]) => name);
}

/** Of all processes that were seen at a step. */
function combined(
  recordings: readonly Recording[],
  clock: Clock,
  value: (sample: SampleLine, recording: Recording) => number,
  combine: (a: number, b: number) => number,
): number[] {
  const all = recordings.map((recording) =>
    onClock(
      recording.samples.map((sample) => [recording.process.startedMs + sample.at, value(sample, recording)] as const),
      clock,
    ),
  );
  return Array.from({ length: clock.steps }, (_, step) => {
    const seen = all.map((values) => values[step] as number).filter((each) => !Number.isNaN(each));
    return seen.length === 0 ? Number.NaN : seen.reduce(combine);
  });
}

/** The mean of what was seen in each step, or what was seen last while that is fresh. */
function onClock(points: readonly (readonly [at: number, value: number])[], { from, stepMs, steps }: Clock): number[] {
  const values: number[] = [];
  let next = 0;
  let last: readonly [number, number] | null = null;
  for (let step = 0; step < steps; step++) {
    const end = from + (step + 1) * stepMs;
    let sum = 0;
    let count = 0;
    for (let point = points[next]; point && point[0] < end; point = points[++next]) {
      last = point;
      if (point[0] < end - stepMs) continue;
      sum += point[1];
      count++;
    }
    if (count > 0) values.push(sum / count);
    else values.push(last && end - last[0] <= PATIENCE * stepMs + stepMs ? last[1] : Number.NaN);
  }
  return values;
}
