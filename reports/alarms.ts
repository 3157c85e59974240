/**
 * What rose steadily, came near its limit, or made others wait: statements from the samples, each with its threshold.
 * No findings: nothing of this names a line or changes the verdict.
 */
import type { DatabaseRecording } from '../probe/recording/database.ts';
import type { PoolLine, Recording } from '../probe/recording/format.ts';
import type { Load } from '../probe/recording/load.ts';
import type { Alarm } from '../probe/recording/report.ts';
import { pointsOf } from '../probe/recording/slopes/findings.ts';
import { memoryOf, RESIDENT } from '../probe/recording/slopes/gauges.ts';
import { slopeOf } from '../probe/recording/slopes/slope.ts';
import { steadyRise } from './rise.ts';
import { duration, number, percent } from './words.ts';

/** A pool is near its limit with this share of it in use, in this share of the samples. */
const NEAR = 0.9;
const NEAR_TIME = 0.25;
/** Of samples, about one a second. */
const FEWEST_SAMPLES = 30;
/** Waiting is compared with holding in windows of so many samples, in which so many leases came back. */
const WINDOW = 10;
const FEWEST_LEASES = 10;
/** Waits shorter than this on average are no burden, whatever they are compared with; milliseconds. */
const SHORT_WAIT_MS = 5;
/** The first connections take time to open: a warm-up is waited for, not an alarm. */
const FEWEST_WINDOWS = 3;
const FEWEST_COLLECTIONS = 3;
/** Of memory, no rise is worth a word below. */
const LEAST_MB = 16;

export function alarmsIn(
  recordings: readonly Recording[],
  databases: readonly DatabaseRecording[] = [],
  load: Load | null = null,
): Alarm[] {
  return [
    ...recordings.flatMap((recording) => [
      ...risesIn(recording, load),
      fullHeap(recording),
      ...[...recording.pools.values()].flatMap((pool) => [nearLimit(recording, pool), waits(recording, pool)]),
    ]),
    threadsRise(recordings),
    ...databases.map(sessionsRise),
  ].filter((alarm) => alarm !== null);
}

/** A soak's rounds say more than its samples, and their findings have said it but for the resident set. */
function risesIn(recording: Recording, load: Load | null): (Alarm | null)[] {
  const { samples, collections, process } = recording;
  if (recording.rounds.length > 0) return [residentAtRest(recording, load)];
  const points = (value: (sample: (typeof samples)[number]) => number) =>
    samples.map((sample) => [sample.at, value(sample)] as const);
  const used = points(({ pools }) => pools.reduce((sum, pool) => sum + pool[1], 0));
  const heap = collections.map(({ at, heapUsed }) => [at, heapUsed / 1e6] as const);
  return [
    riseOf('used connections', used, process),
    riseOf(
      'worker threads',
      points(({ open }) => open.worker ?? 0),
      process,
    ),
    // contexts fall only when the heap is collected: without collections a rise says nothing
    collections.length >= FEWEST_COLLECTIONS
      ? riseOf(
          'native contexts',
          points(({ nativeContexts }) => nativeContexts),
          process,
        )
      : null,
    riseOf('MB on the heap after a collection', heap, process, LEAST_MB),
    process.thread === 0
      ? riseOf(
          'MB in the resident set',
          points(({ rss }) => rss / 1e6),
          process,
          LEAST_MB,
        )
      : null,
  ];
}

/** As it was told then: the recording has when, and it was not changed by what came. */
function fullHeap({ forecast, process: { pid, heapLimit = 0 } }: Recording): Alarm | null {
  if (!forecast) return null;
  const { round, fullAt, each } = forecast;
  return {
    name: 'heap-forecast',
    subject: 'heap',
    pid,
    sentence: `After round ${round} it was foreseen that the heap of process ${pid}, of ${number(heapLimit / 1e6)} MB, is full in round ${fullAt}: each round adds ${number(each / 1e6)} MB that stay.`,
    threshold: 'three rounds that each add at least 1 MB, about evenly, after a collection',
  };
}

/** Where what is on the heap does not explain it. */
function residentAtRest({ rounds, process: { pid, thread } }: Recording, load: Load | null): Alarm | null {
  const slope = thread === 0 ? slopeOf(pointsOf(rounds, RESIDENT, load), RESIDENT.floors) : null;
  const memory = rounds.flatMap((round) => memoryOf(round) ?? []);
  if (!slope || (memory.at(-1) ?? 0) - (memory[0] ?? 0) > slope.rise / 2) return null;
  const values = slope.values.map((value) => number(value / 1e6)).join(', ');
  return {
    name: 'steady-rise',
    subject: 'resident set',
    pid,
    sentence: `The resident set of process ${pid} rose over ${slope.values.length} rounds, ${values} MB, and the heap did not: look at native code and at how the allocator keeps its pages.`,
    threshold: `by ${percent(RESIDENT.floors.suspect.share)} and ${number(RESIDENT.floors.suspect.by / 1e6)} MB, about evenly, with a chance of at most 0.05 by Kendall; here ${slope.p.toPrecision(1)}`,
  };
}

function riseOf(
  what: string,
  points: readonly (readonly [number, number])[],
  process: { pid: number; thread: number } | null,
  least?: number,
  whose = process
    ? `in process ${process.pid}${process.thread ? ` thread ${process.thread}` : ''}`
    : 'of all processes',
): Alarm | null {
  const rise = steadyRise(points, least);
  if (!rise) return null;
  const { from, to, overMs, p } = rise;
  return {
    name: 'steady-rise',
    subject: what,
    pid: process?.pid ?? null,
    sentence: `The least number of ${what} ${whose} rose steadily, from ${number(from)} to ${number(to)} in ${duration(overMs)}.`,
    threshold: `p < 0.001 by Mann–Kendall over the floors of 12 windows, after the first sixth of the run; here ${p.toExponential(1)}`,
  };
}

/** Each thread writes a recording of its own. */
function threadsRise(recordings: readonly Recording[]): Alarm | null {
  const threads = recordings.filter(({ process }) => process.thread !== 0);
  if (threads.length < 5) return null;
  const spans = threads.map(({ process, lastAt }) => [process.startedMs, process.startedMs + lastAt] as const);
  const from = Math.min(...recordings.map(({ process }) => process.startedMs));
  const to = Math.max(...recordings.map(({ process, lastAt }) => process.startedMs + lastAt));
  const seconds = Math.floor((to - from) / 1000);
  const points = Array.from({ length: seconds }, (_, second) => {
    const at = from + second * 1000;
    return [second * 1000, spans.filter(([began, ended]) => began <= at && at <= ended).length] as const;
  });
  return riseOf('worker threads', points, null);
}

function sessionsRise({ database, looks }: DatabaseRecording): Alarm | null {
  const total = (sessions: Record<string, number>) => Object.values(sessions).reduce((sum, count) => sum + count, 0);
  const points = looks.map(({ at, sessions }) => [at, total(sessions)] as const);
  return riseOf('sessions', points, null, undefined, `of database ${database.name}`);
}

function nearLimit({ samples, process }: Recording, { id, name, library, max }: PoolLine): Alarm | null {
  const seen = samples.flatMap(({ pools }) => pools.filter((pool) => pool[0] === id));
  // a pool of one or two is full whenever it is used: only then is it near its limit when somebody waits
  const near = seen.filter(([, used, , pending]) => used >= NEAR * max && (max > 2 || pending > 0));
  if (max === 0 || seen.length < FEWEST_SAMPLES || near.length < NEAR_TIME * seen.length) return null;
  const waiting = near.filter(([, , , pending]) => pending > 0).length;
  return {
    name: 'pool-near-limit',
    subject: name,
    pid: process.pid,
    sentence: `${library} pool "${name}" of process ${process.pid} had at least ${percent(NEAR)} of its ${number(max)} connections in use in ${percent(near.length / seen.length)} of the time; in ${percent(waiting / seen.length)} somebody waited.`,
    threshold: `${percent(NEAR)} in use in ${percent(NEAR_TIME)} of at least ${FEWEST_SAMPLES} samples`,
  };
}

function waits({ samples, process }: Recording, { id, name, library }: PoolLine): Alarm | null {
  const seen = samples.flatMap(({ pools }) => pools.filter((pool) => pool[0] === id && pool.length >= 7));
  const windows = [];
  for (let i = WINDOW; i < seen.length; i += WINDOW) {
    const [now, before] = [seen[i] as number[], seen[i - WINDOW] as number[]];
    const risen = (column: number) => (now[column] as number) - (before[column] as number);
    const [leases, waitedMs, heldMs] = [risen(4), risen(5), risen(6)];
    if (leases >= FEWEST_LEASES || waitedMs > WINDOW * 1000) windows.push({ leases, waitedMs, heldMs });
  }
  const over = windows.filter((w) => w.waitedMs > w.heldMs && w.waitedMs >= SHORT_WAIT_MS * Math.max(1, w.leases));
  if (over.length < FEWEST_WINDOWS || over.length < NEAR_TIME * windows.length) return null;
  const sum = (key: 'waitedMs' | 'heldMs' | 'leases') => over.reduce((total, window) => total + window[key], 0);
  const leases = Math.max(1, sum('leases'));
  return {
    name: 'wait-above-use',
    subject: name,
    pid: process.pid,
    sentence: `In ${library} pool "${name}" of process ${process.pid} more time was waited for connections than they were used, in ${over.length} of ${windows.length} windows: ${duration(sum('waitedMs') / leases)} against ${duration(sum('heldMs') / leases)} for a lease.`,
    threshold: `wait time above use time, and ${SHORT_WAIT_MS} ms a lease, in ${percent(NEAR_TIME)} of the windows of ${WINDOW} s`,
  };
}
