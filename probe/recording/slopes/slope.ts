/**
 * Whether something that is looked at between rounds of work rises with it, from few points.
 *
 * Four rounds alone prove little: chance orders four values in one of 24 ways. What is claimed rests on three things
 * together. The order: values that rise at each step, the warm-up's included, by the exact chance of Kendall's test
 * (five points: 1 in 120). The evenness: a leak adds about as much for each request, where a warm-up or a cache that
 * fills adds less and less, and a module that is loaded late adds all at once. The size, against what services without
 * a leak drift by (gauges.ts).
 *
 * False positives it avoids: caches that fill to a bound before the last round, compiled code, pools, lazy modules.
 * Not avoided: a cache that is still filling evenly when the soak ends. A longer soak tells.
 * False negatives: fewer than three rounds; what leaks less than the floor in the time of the soak; leaks in bursts.
 */

import type { Certainty } from '../format.ts';
import { riseChance, theilSen } from '../trend.ts';
import type { Floor } from './gauges.ts';

export interface Point {
  /** 0: the warm-up. */
  round: number;
  /** Requests completed by then, or where nobody counts them, rounds. */
  work: number;
  value: number;
}

export interface Slope {
  certainty: Exclude<Certainty, 'proven'>;
  /** Of the rounds, without the warm-up. */
  values: number[];
  /** By how much it rose since the first point, the warm-up's if there is one. */
  rise: number;
  /** For one unit of work. */
  each: number;
  /** The chance of such an order. */
  p: number;
}

/** Rounds: of fewer nothing can be even. */
const FEWEST_ROUNDS = 3;
/** Of the order of all points: three rounds after a warm-up can be a suspect, four can be likely. */
const CHANCE = { suspect: 0.05, likely: 0.01 };
/** Of the steps, so many are within this factor of the median one. */
const EVEN = { share: 0.75, factor: 2 };
/** The later half of the rounds adds at least this share of what the earlier one does. */
const LASTING = 0.6;

/** `points`: oldest first. Null when it does not rise. */
export function slopeOf(points: readonly Point[], floors: { suspect: Floor; likely: Floor }): Slope | null {
  const rounds = points.filter(({ round }) => round > 0);
  const [first, last] = [rounds[0], rounds.at(-1)];
  if (!first || !last || rounds.length < FEWEST_ROUNDS) return null;
  const p = riseChance(points.map(({ value }) => value));
  const isRise = (level: keyof typeof floors): boolean => {
    const { by, share } = floors[level];
    const grown = last.value - first.value;
    return p <= CHANCE[level] && grown >= Math.max(by, share * first.value);
  };
  if (!isRise('suspect') || !isEven(rounds) || !isLasting(rounds)) return null;
  return {
    certainty: isRise('likely') ? 'likely' : 'suspect',
    values: rounds.map(({ value }) => value),
    rise: last.value - (points[0] as Point).value,
    each: theilSen(rounds.map(({ work, value }) => [work, value])),
    p,
  };
}

function isEven(rounds: readonly Point[]): boolean {
  const steps = rounds.slice(1).map((point, i) => rate(rounds[i] as Point, point));
  const sorted = steps.toSorted((a, b) => a - b);
  const median = ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2;
  const even = steps.filter((step) => step >= median / EVEN.factor && step <= median * EVEN.factor);
  return median > 0 && even.length >= EVEN.share * steps.length;
}

function isLasting(rounds: readonly Point[]): boolean {
  const middle = (rounds.length - 1) / 2;
  const at = (index: number) => rounds[index] as Point;
  const early = rate(at(0), at(Math.floor(middle)));
  const late = rate(at(Math.ceil(middle)), at(rounds.length - 1));
  return late >= LASTING * early;
}

function rate(from: Point, to: Point): number {
  return (to.value - from.value) / Math.max(1, to.work - from.work);
}
