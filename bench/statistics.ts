/** Medians of paired slices, and how far to trust them. */

/** One figure with its 95 % confidence interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

const RESAMPLES = 2000;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * The median of `rounds`, each a list of paired slices from one set of processes, and its bootstrap interval. Rounds
 * are resampled first and slices within them second: two processes of the same program differ more than two slices of
 * one process do.
 */
export function estimate(rounds: readonly (readonly number[])[]): Estimate {
  const medians: number[] = [];
  for (let i = 0; i < RESAMPLES; i++) {
    medians.push(median(resample(rounds).flatMap((slices) => resample(slices))));
  }
  medians.sort((a, b) => a - b);
  return {
    value: median(rounds.flat()),
    low: medians[Math.floor(RESAMPLES * 0.025)] as number,
    high: medians[Math.ceil(RESAMPLES * 0.975) - 1] as number,
  };
}

function resample<T>(values: readonly T[]): T[] {
  return values.map(() => values[Math.floor(Math.random() * values.length)] as T);
}

export function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value);
}
