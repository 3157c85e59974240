/** How a run stands at one moment, from the recordings that its processes are writing. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { buildReport } from '../probe/recording/build-report.ts';
import type { Point, Recording } from '../probe/recording/format.ts';
import { isAlive } from '../probe/recording/missing.ts';
import { isRecording } from '../probe/recording/reader.ts';
import type { Finding, Report, Site } from '../probe/recording/report.ts';
import { Sources } from '../probe/recording/source.ts';
import { Tail } from '../probe/recording/tail.ts';
import { UserError } from '../user-error.ts';

export interface LivePool {
  pid: number;
  library: string;
  name: string;
  used: number;
  idle: number;
  pending: number;
  /** 0: unlimited or unknown. */
  max: number;
}

/** A line with more open now than there ever were at once in an earlier part of the run. */
export interface Growth {
  kind: string;
  library: string;
  site: Site | null;
  /** The least that were open in the earlier part, and in the latest. */
  from: number;
  to: number;
  overMs: number;
}

export interface View {
  /** Milliseconds since 1970. */
  at: number;
  /** Of them, how many run. */
  processes: number;
  running: number;
  pools: LivePool[];
  growing: Growth[];
  report: Report;
  recordings: Recording[];
  /** Findings that are new since the view before, and ids of those that no longer stand. */
  fresh: Finding[];
  gone: string[];
}

/** Of the run; the rise is from its second quarter to its last. */
const QUARTER = 0.25;
const LEAST_RISE = 3;
const MOST_GROWING = 8;
/** A run shorter than this has no trend, milliseconds. */
const SHORTEST_MS = 10_000;

export class Follower {
  readonly #folder: string;
  readonly #tails = new Map<string, Tail>();
  #last: View | null = null;

  /** Throws `UserError` when there is no such folder. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#names();
  }

  /** As it stands now: the same object as before where nothing has come. */
  look(): View {
    let hasNews = this.#last === null;
    const recordings: Recording[] = [];
    for (const name of this.#names()) {
      const tail = this.#tails.get(name) ?? new Tail(path.join(this.#folder, name));
      this.#tails.set(name, tail);
      const read = tail.read();
      hasNews ||= read.hasNews;
      if (read.recording) recordings.push(read.recording);
    }
    if (hasNews || this.#last === null) this.#last = this.#view(recordings);
    else this.#last = { ...this.#last, at: Date.now(), running: runningOf(recordings), fresh: [], gone: [] };
    return this.#last;
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder).filter(isRecording).sort();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new UserError(
        code === 'ENOENT' ? `There is no folder ${this.#folder}.` : `${this.#folder} cannot be read (${code}).`,
      );
    }
  }

  #view(recordings: Recording[]): View {
    recordings.sort((a, b) => a.process.startedMs - b.process.startedMs);
    const report = buildReport(recordings);
    const known = new Map(this.#last?.report.findings.map(({ id, certainty }) => [id, certainty]));
    const now = new Set(report.findings.map(({ id }) => id));
    return {
      ...{ at: Date.now(), processes: recordings.length, running: runningOf(recordings) },
      ...{ pools: recordings.flatMap(poolsOf), growing: growingIn(recordings), report, recordings },
      fresh: report.findings.filter(({ id, certainty }) => known.get(id) !== certainty),
      gone: [...known.keys()].filter((id) => !now.has(id)),
    };
  }
}

function runningOf(recordings: readonly Recording[]): number {
  return recordings.filter(({ end, died, process }) => !end && !died && isAlive(process.pid, process.host)).length;
}

function poolsOf({ samples, pools, process: { pid } }: Recording): LivePool[] {
  return (samples.at(-1)?.pools ?? []).flatMap(([id, used, idle, pending]) => {
    const pool = pools.get(id);
    return pool ? [{ pid, library: pool.library, name: pool.name, used, idle, pending, max: pool.max }] : [];
  });
}

/** Most first. */
export function growingIn(recordings: readonly Recording[]): Growth[] {
  const sources = Sources.of(recordings);
  const all = recordings.flatMap((recording) =>
    recording.totals.flatMap(([site, kind, library], row): Growth[] => {
      const rise = riseOf(recording.open[row] ?? [], recording.lastAt);
      if (!rise) return [];
      const frame = recording.sites.get(site)?.find(({ user }) => user);
      const original = frame && sources.original(frame);
      const place = original && {
        ...{ file: original.file, line: original.line, column: original.column, function: original.function },
      };
      return [{ kind, library, site: place ?? null, ...rise }];
    }),
  );
  return all.sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, MOST_GROWING);
}

function riseOf(points: readonly Point[], lastAt: number): Pick<Growth, 'from' | 'to' | 'overMs'> | null {
  const began = points[0]?.[0] ?? lastAt;
  const lasted = lastAt - began;
  if (lasted < SHORTEST_MS) return null;
  const from = greatestIn(points, began + QUARTER * lasted, began + 2 * QUARTER * lasted);
  const to = leastIn(points, lastAt - QUARTER * lasted, lastAt);
  return to - from >= LEAST_RISE ? { from, to, overMs: Math.round(lasted / 2) } : null;
}

/** What stood at `from` counts too: points are only where something changes. */
function within(points: readonly Point[], from: number, to: number): readonly Point[] {
  const before = points.findLast(([at]) => at <= from);
  return [...(before ? [before] : []), ...points.filter(([at]) => at > from && at <= to)];
}

function greatestIn(points: readonly Point[], from: number, to: number): number {
  return Math.max(0, ...within(points, from, to).map(([, , greatest]) => greatest));
}

function leastIn(points: readonly Point[], from: number, to: number): number {
  const all = within(points, from, to);
  return all.length > 0 ? Math.min(...all.map(([, least]) => least)) : 0;
}
