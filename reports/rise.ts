/** Whether the floor of a gauge rises through a run. */
import { mannKendall } from '../probe/recording/trend.ts';

const WINDOWS = 12;
/** Of the run: pools and caches fill up while it starts. */
const WARM_UP = 1 / 6;
/** A run shorter than this has no trend worth a word, milliseconds. */
const SHORTEST_MS = 60_000;
const SIGNIFICANCE = 0.001;
/** Less than this is no rise, however steady: by so many, and by this share of where it began. */
const LEAST = 3;
const LEAST_SHARE = 0.2;

export interface Rise {
  /** Floors of the first and last windows. */
  from: number;
  to: number;
  overMs: number;
  p: number;
}

/** `points`: milliseconds and value, oldest first; `least`: a rise by less is none. Null when it does not rise steadily. */
export function steadyRise(points: readonly (readonly [at: number, value: number])[], least = LEAST): Rise | null {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || last[0] - first[0] < SHORTEST_MS) return null;
  const began = first[0] + WARM_UP * (last[0] - first[0]);
  const width = (last[0] - began) / WINDOWS;
  const floors = new Array<number>(WINDOWS).fill(Number.POSITIVE_INFINITY);
  for (const [at, value] of points) {
    const window = Math.min(WINDOWS - 1, Math.floor((at - began) / width));
    if (window >= 0) floors[window] = Math.min(floors[window] as number, value);
  }
  if (floors.some((floor) => !Number.isFinite(floor))) return null;
  const { p } = mannKendall(floors);
  const [from, to] = [floors[0] as number, floors[WINDOWS - 1] as number];
  if (p >= SIGNIFICANCE || to - from < Math.max(least, LEAST_SHARE * from)) return null;
  return { from, to, overMs: Math.round(last[0] - began), p };
}
