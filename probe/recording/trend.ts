/** Statistics of a trend that ask nothing of the values' distribution, for detectors and reports. No state, no dependency. */

/**
 * Mann–Kendall test that `values`, in the order of time, rise (Mann, Econometrica 13, 1945; Kendall, Rank Correlation
 * Methods, 1975). `s`: pairs that rise less pairs that fall. `z`: S standardised, corrected for ties and continuity.
 * `p`: the one-sided chance of such a rise or a steeper one when order means nothing. The normal approximation is
 * above the exact p for the steepest rises of few points (8 in order: 4e-4 against 2.5e-5), so it errs to silence.
 */
export function mannKendall(values: readonly number[]): { s: number; z: number; p: number } {
  const n = values.length;
  let s = 0;
  const ties = new Map<number, number>();
  values.forEach((value, i) => {
    ties.set(value, (ties.get(value) ?? 0) + 1);
    for (let j = i + 1; j < n; j++) s += Math.sign((values[j] as number) - value);
  });
  let variance = n * (n - 1) * (2 * n + 5);
  for (const t of ties.values()) variance -= t * (t - 1) * (2 * t + 5);
  variance /= 18;
  const z = variance <= 0 ? 0 : (s - Math.sign(s)) / Math.sqrt(variance);
  return { s, z, p: upperTail(z) };
}

/** Above so many values the normal approximation is as good. */
const EXACT_VALUES = 20;

/**
 * The same chance as `mannKendall`'s p, exact for few values: of all orders of so many, the share that rise as much or
 * more. Five that rise at each step: 1 in 120. Equal neighbours count as a fall, so it errs to silence.
 */
export function riseChance(values: readonly number[]): number {
  const n = values.length;
  if (n > EXACT_VALUES) return mannKendall(values).p;
  let falls = 0;
  values.forEach((value, i) => {
    for (let j = i + 1; j < n; j++) if ((values[j] as number) <= value) falls++;
  });
  // shares[k]: of the orders of the first i values, those with k pairs that fall
  let shares = [1];
  for (let i = 2; i <= n; i++) {
    const next = new Array<number>(shares.length + i - 1).fill(0);
    for (const [k, share] of shares.entries()) for (let more = 0; more < i; more++) next[k + more]! += share / i;
    shares = next;
  }
  return shares.slice(0, falls + 1).reduce((sum, share) => sum + share, 0);
}

/** The median slope of all pairs of [x, y] (Theil 1950; Sen, JASA 63, 1968); 0 when no two differ in x. */
export function theilSen(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes: number[] = [];
  points.forEach(([x, y], i) => {
    for (const [laterX, laterY] of points.slice(i + 1)) {
      if (laterX !== x) slopes.push((laterY - y) / (laterX - x));
    }
  });
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  if (slopes.length % 2 === 1) return slopes[middle] as number;
  return slopes.length === 0 ? 0 : ((slopes[middle - 1] as number) + (slopes[middle] as number)) / 2;
}

/**
 * The largest p-value to call significant, so that of all that are called so a share of `rate` at most is false
 * (Benjamini & Hochberg, J. R. Statist. Soc. B 57, 1995); -1 when none is.
 */
export function benjaminiHochberg(ps: readonly number[], rate: number): number {
  const sorted = [...ps].sort((a, b) => a - b);
  return sorted.findLast((p, index) => p <= (rate * (index + 1)) / sorted.length) ?? -1;
}

/** P(Z > z) of the standard normal distribution: Abramowitz & Stegun 26.2.11 near the middle, 26.2.14 in the tail. */
export function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z > 3) {
    let fraction = z;
    for (let k = 60; k > 0; k--) fraction = z + k / fraction;
    return density / fraction;
  }
  let term = z;
  let sum = z;
  for (let k = 3; term > 1e-17; k += 2) {
    term *= (z * z) / k;
    sum += term;
  }
  return 0.5 - density * sum;
}
