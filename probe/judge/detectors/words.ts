/** Numbers in the words of evidence sentences. */
/** `850 ms`, `4.2 s`, `12 min`. */
export function span(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

/** Of lists that may be too long to be arguments of `Math.max`; -Infinity when empty. */
export function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}

export function smallest(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}

/** Of so many, evenly spread, the median is told: sorting a hundred thousand would hold the event loop. */
const SAMPLE = 1000;

export function median(values: readonly number[]): number {
  const step = Math.max(1, Math.floor(values.length / SAMPLE));
  const sorted = Float64Array.from({ length: Math.ceil(values.length / step) }, (_, i) => values[i * step] ?? 0).sort();
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
