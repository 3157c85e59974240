/** Any number of samples in a bounded number of points, so that no peak and no low is lost. */

/** The x axis that all charts share, in seconds. */
export interface Axis {
  x: number[];
  /** Which of the `slots` a time falls into. */
  slot(at: number): number;
  slots: number;
  /** True when every slot stands for many samples, and has two points: its least and its greatest value. */
  paired: boolean;
}

/** An axis of the exact times when they are at most `points`, else of `points / 2` equal buckets. */
export function axisOf(times: Iterable<number>, end: number, points: number): Axis {
  const exact = new Set<number>();
  for (const at of times) if (exact.add(at).size > points) return bucketed(end, Math.floor(points / 2));
  const x = [...exact].sort((a, b) => a - b);
  const index = new Map(x.map((at, i) => [at, i]));
  return { x, slots: x.length, slot: (at) => index.get(at) ?? 0, paired: false };
}

function bucketed(end: number, slots: number): Axis {
  const width = end / slots;
  const x = Array.from({ length: slots * 2 }, (_, i) => Number(((i / 2 + 0.25) * width).toPrecision(6)));
  return { x, slots, slot: (at) => Math.min(slots - 1, Math.max(0, Math.floor(at / width))), paired: true };
}

/** One line of a chart. */
export class Series {
  readonly label: string;
  /** Each value is drawn as a dot too. */
  readonly isDotted: boolean;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  last = Number.NaN;
  readonly #axis: Axis;
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  readonly #lowAt: Float64Array;
  readonly #highAt: Float64Array;

  constructor(label: string, axis: Axis, isDotted = false) {
    this.label = label;
    this.isDotted = isDotted;
    this.#axis = axis;
    this.#low = new Float64Array(axis.slots).fill(Number.POSITIVE_INFINITY);
    this.#high = new Float64Array(axis.slots).fill(Number.NEGATIVE_INFINITY);
    this.#lowAt = new Float64Array(axis.slots);
    this.#highAt = new Float64Array(axis.slots);
  }

  add(at: number, value: number): void {
    const slot = this.#axis.slot(at);
    if (value < this.#low[slot]!) {
      this.#low[slot] = value;
      this.#lowAt[slot] = at;
    }
    if (value > this.#high[slot]!) {
      this.#high[slot] = value;
      this.#highAt[slot] = at;
    }
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.last = value;
  }

  /** As long as the axis' `x`; null where there was no sample. */
  values(): (number | null)[] {
    const values: (number | null)[] = [];
    for (let slot = 0; slot < this.#axis.slots; slot++) {
      const low = finite(this.#low[slot]!);
      const high = finite(this.#high[slot]!);
      if (!this.#axis.paired) values.push(high);
      else if (this.#lowAt[slot]! <= this.#highAt[slot]!) values.push(low, high);
      else values.push(high, low);
    }
    return values;
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Intervals at most `limit` in number: when there are more, those nearer than one `limit`th of the span are one. */
export function mergeBands(bands: [from: number, to: number][], end: number, limit: number): [number, number][] {
  if (bands.length <= limit) return bands;
  const merged: [number, number][] = [];
  for (const [from, to] of bands.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && from - last[1] < end / limit) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}
