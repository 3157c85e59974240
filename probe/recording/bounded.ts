/** However many values come, a bounded number stays: neighbours are merged when there are too many. */
import type { Kind, Point, PoolSample, SampleLine } from './format.ts';

export class Bounded<T> {
  private items: T[] = [];
  private readonly limit: number;
  private readonly merge: (earlier: T, later: T) => T;
  /** Of how many values an item is made. */
  private stride = 1;
  private pending: T | undefined;
  private inPending = 0;

  constructor(limit: number, merge: (earlier: T, later: T) => T) {
    this.limit = limit;
    this.merge = merge;
  }

  push(value: T): void {
    this.pending = this.pending === undefined ? value : this.merge(this.pending, value);
    if (++this.inPending < this.stride) return;
    this.items.push(this.pending);
    this.pending = undefined;
    this.inPending = 0;
    if (this.items.length < this.limit) return;
    const halved: T[] = [];
    for (let i = 0; i + 1 < this.items.length; i += 2)
      halved.push(this.merge(this.items[i] as T, this.items[i + 1] as T));
    if (this.items.length % 2 === 1) halved.push(this.items.at(-1) as T);
    this.items = halved;
    this.stride *= 2;
  }

  values(): T[] {
    return this.pending === undefined ? this.items : [...this.items, this.pending];
  }
}

/** Samples of a stretch of time: one, or two that hold the least and the greatest of each gauge. */
type Stretch = readonly [SampleLine] | readonly [least: SampleLine, greatest: SampleLine];

/** No peak and no low is lost; the last sample stays as it is. */
export class BoundedSamples {
  private readonly stretches: Bounded<Stretch>;
  private last: SampleLine | null = null;

  constructor(limit: number) {
    this.stretches = new Bounded(limit / 2, (earlier, later) => [
      combine(Math.min, [...earlier, ...later]),
      { ...combine(Math.max, [...earlier, ...later]), at: later[later.length - 1]?.at ?? 0 },
    ]);
  }

  push(sample: SampleLine): void {
    if (this.last) this.stretches.push([this.last]);
    this.last = sample;
  }

  values(): SampleLine[] {
    const samples = this.stretches.values().flat();
    return this.last ? [...samples, this.last] : samples;
  }
}

/** Stands at the time of the first. */
function combine(choose: (a: number, b: number) => number, [first, ...others]: readonly SampleLine[]): SampleLine {
  const result = { ...(first as SampleLine), open: { ...first?.open }, pools: first?.pools ?? [] };
  for (const sample of others) {
    for (const gauge of ['heapUsed', 'rss', 'nativeContexts', 'loopDelay'] as const) {
      result[gauge] = choose(result[gauge], sample[gauge]);
    }
    for (const kind of Object.keys(sample.open) as Kind[]) {
      result.open[kind] = choose(result.open[kind] ?? 0, sample.open[kind] ?? 0);
    }
    result.pools = combinePools(choose, result.pools, sample.pools);
  }
  return result;
}

function combinePools(choose: (a: number, b: number) => number, a: PoolSample[], b: PoolSample[]): PoolSample[] {
  const merged = new Map(a.map((pool) => [pool[0], pool]));
  for (const [id, used, idle, pending, ...totals] of b) {
    const known = merged.get(id);
    // totals only grow: the later ones are true
    const gauges: [number, number, number] = known
      ? [choose(known[1], used), choose(known[2], idle), choose(known[3], pending)]
      : [used, idle, pending];
    merged.set(id, [id, ...gauges, ...totals]);
  }
  return [...merged.values()];
}

export function boundedPoints(limit: number): Bounded<Point> {
  return new Bounded<Point>(limit, ([at, low, high], [, least, greatest]) => [
    at,
    Math.min(low, least),
    Math.max(high, greatest),
  ]);
}
