/**
 * growth: the floor of what is open at a site rises while work goes on.
 *
 * A point is taken only where the site has completed work since the last one, and counts what has stayed open since
 * then, so that load going up and down does not show. Mann–Kendall's S over the points must be beyond chance
 * (Mann 1945, Kendall 1975), on at least `POINTS` points.
 *
 * False positives it avoids: ramp-up (the last third must still rise), caches that fill to a bound, one-shot timers.
 * False negatives: leaks slower than one per window, and short programs: there is no trend in four points.
 */

import type { Detector, FloorPoint, Verdict } from './detector.ts';
import { median, span } from './words.ts';

const POINTS = 6;
/** One-sided normal quantile for p < 0.001. */
const SIGNIFICANT = 3.09;

export const growth: Detector = (group, { at }): Verdict | null => {
  if (group.shape === 'one-shot') return null;
  const { floors } = group;
  const first = floors[0];
  const last = floors.at(-1);
  if (!first || !last || floors.length < POINTS || last.floor <= first.floor) return null;
  const lastThird = floors.slice(-Math.ceil(floors.length / 3));
  if ((lastThird[0]?.floor ?? 0) >= last.floor) return null;
  if (mannKendall(floors) < SIGNIFICANT) return null;
  const oldest = median(group.open.map(({ openedAt }) => openedAt));
  const leaked = group.open.filter(({ openedAt }) => openedAt <= oldest || at - openedAt > at - last.at);
  return {
    detector: 'growth',
    certainty: 'likely',
    leaked,
    evidence: [
      `Open at once rose from ${first.floor} to ${last.floor} in ${span(last.at - first.at)}, over ${
        last.acquired - first.acquired
      } acquired here.`,
    ],
  };
};

/** The standardised Mann–Kendall statistic Z, with the correction for ties. */
export function mannKendall(points: readonly Pick<FloorPoint, 'floor'>[]): number {
  const n = points.length;
  let s = 0;
  const ties = new Map<number, number>();
  points.forEach(({ floor }, i) => {
    ties.set(floor, (ties.get(floor) ?? 0) + 1);
    for (let j = i + 1; j < n; j++) s += Math.sign((points[j]?.floor ?? 0) - floor);
  });
  let variance = n * (n - 1) * (2 * n + 5);
  for (const t of ties.values()) variance -= t * (t - 1) * (2 * t + 5);
  variance /= 18;
  return variance <= 0 || s === 0 ? 0 : (s - Math.sign(s)) / Math.sqrt(variance);
}
