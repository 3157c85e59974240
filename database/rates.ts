/** Totals of what a database tells as rates over intervals: each interval counts once. */

/** A row of `v$sysmetric`. */
export interface Rate {
  metric_name: string;
  /** Per second. */
  value: number;
  /** Hundredths of a second. */
  intsize_csec: number;
  end_time: Date;
}

export class Rates {
  readonly #totals = new Map<string, { total: number; until: number }>();

  /** Of a metric that comes over several intervals the shortest counts. */
  add(rates: readonly Rate[]): void {
    const shortest = new Map<string, Rate>();
    for (const rate of rates) {
      const other = shortest.get(rate.metric_name);
      if (!other || rate.intsize_csec < other.intsize_csec) shortest.set(rate.metric_name, rate);
    }
    for (const { metric_name, value, intsize_csec, end_time } of shortest.values()) {
      const before = this.#totals.get(metric_name) ?? { total: 0, until: 0 };
      const until = end_time.getTime();
      if (until <= before.until) continue;
      this.#totals.set(metric_name, { total: before.total + (value * intsize_csec) / 100, until });
    }
  }

  /** Null while none was seen. */
  total(metric: string): number | null {
    return this.#totals.get(metric)?.total ?? null;
  }
}
