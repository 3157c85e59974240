/**
 * Floors: how many of a group's resources were open during a whole window, window after window. Load going up and
 * down shows little in them, for a window is longer than the group's resources are usually open.
 */
import { mannKendall } from '../recording/trend.ts';
import type { Group } from './detectors/detector.ts';

/** At the end of a window: what had been open all through it, and all that was ever acquired. */
export interface FloorPoint {
  at: number;
  floor: number;
  acquired: number;
}

/** Shortest window, milliseconds. */
const WINDOW = 10_000;
/** Of the use times, the quantile that a window is to be as long as: for exponential ones that is four times the mean. */
const LONG_USE = 0.98;
/** Releases before an account's use times count. */
const HISTORY = 5;
/** A window this many times too short for the use times starts the series anew. */
const TOO_SHORT = 1.5;
/** Points kept: when there are more, either two become one or the older half goes. */
const MAX_POINTS = 64;
/** Windows stop growing when all points together cover this, milliseconds: a leak that begins late is to be seen. */
const LOOK_BACK = 7_200_000;

export class Floors {
  /** Oldest first, a window or more apart. */
  points: FloorPoint[] = [];
  /** Milliseconds. */
  window = WINDOW;
  /** The lowest floor since the series began. */
  lowest = Number.POSITIVE_INFINITY;
  /** The chance, by Mann–Kendall, that floors without a trend rise like this; changes with a new point only. */
  chance = 1;
  /** When the group was first seen: what was open then is no growth. */
  readonly startedAt: number;
  private lastAt: number;
  private lastAcquired = 0;

  constructor(at: number) {
    this.startedAt = at;
    this.lastAt = at;
  }

  /** Where the first window began. */
  get began(): number {
    return (this.points[0]?.at ?? this.lastAt) - this.window;
  }

  /** Whether a window has passed in which the group did some work: an idle one gives no points. */
  isDue({ acquired }: Pick<Group, 'acquired'>, at: number): boolean {
    return at - this.lastAt >= this.window && acquired !== this.lastAcquired;
  }

  /** Since when what is open counts for the window that ends now; null when none does. */
  startOfWindow(group: Pick<Group, 'accounts' | 'acquired'>, at: number): number | null {
    if (!this.isDue(group, at)) return null;
    const longUse = longestUsual(group);
    if (longUse > this.window * TOO_SHORT) {
      // what stayed open over shorter windows was in part mere use
      this.window = longUse;
      this.points = [];
      this.lowest = Number.POSITIVE_INFINITY;
      this.chance = 1;
      if (at - this.lastAt < this.window) return null;
    }
    return at - this.window;
  }

  /** `floor`: how many of what is open were opened by the start of the window that ends at `at`. */
  add(floor: number, acquired: number, at: number): void {
    this.lastAt = at;
    this.lastAcquired = acquired;
    this.lowest = Math.min(this.lowest, floor);
    this.points.push({ at, floor, acquired });
    if (this.points.length >= MAX_POINTS) this.thin();
    this.chance = mannKendall(this.points.map((point) => point.floor)).p;
  }

  private thin(): void {
    if (this.window * MAX_POINTS >= LOOK_BACK) {
      this.points = this.points.slice(MAX_POINTS / 2);
      return;
    }
    const pairs: FloorPoint[] = [];
    for (let i = 1; i < this.points.length; i += 2) {
      const [one, other] = this.points.slice(i - 1, i + 1) as [FloorPoint, FloorPoint];
      // no more than the lower of both can have been open during both
      pairs.push({ ...other, floor: Math.min(one.floor, other.floor) });
    }
    this.points = pairs;
    this.window *= 2;
  }
}

function longestUsual({ accounts }: Pick<Group, 'accounts'>): number {
  let longest = 0;
  for (const { released, useTimes } of accounts) {
    if (released >= HISTORY) longest = Math.max(longest, useTimes.quantile(LONG_USE));
  }
  return longest;
}
