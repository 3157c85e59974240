/** What a stand-in counts of its own work. */

const KINDS = ['calls', 'executions', 'logons', 'commits', 'rollbacks'] as const;
export type Counted = (typeof KINDS)[number];
export type Peaked = 'sessions' | 'processes';

/** `v$sysmetric` covers the last interval, as Oracle's short group does. */
const INTERVAL_MS = 15_000;

interface Sample {
  at: number;
  counts: Record<Counted, number>;
}

export class Metrics {
  readonly #counts: Record<Counted, number> = { calls: 0, executions: 0, logons: 0, commits: 0, rollbacks: 0 };
  readonly #peaks: Record<Peaked, number> = { sessions: 0, processes: 0 };
  readonly #timer: NodeJS.Timeout;
  #begin: Sample = this.#sample();
  #end: Sample | null = null;

  constructor() {
    this.#timer = setInterval(() => {
      if (this.#end) this.#begin = this.#end;
      this.#end = this.#sample();
    }, INTERVAL_MS).unref();
  }

  #sample(): Sample {
    return { at: Date.now(), counts: { ...this.#counts } };
  }

  count(what: Counted): void {
    this.#counts[what]++;
  }

  peak(what: Peaked, value: number): void {
    this.#peaks[what] = Math.max(this.#peaks[what], value);
  }

  peakOf(what: Peaked): number {
    return this.#peaks[what];
  }

  /** Rates over the last whole interval, or since the start when there is none yet. */
  rates(): { begin: number; end: number; perSecond: Record<Counted, number> } {
    const end = this.#end ?? this.#sample();
    const seconds = Math.max(0.001, (end.at - this.#begin.at) / 1000);
    const rate = (kind: Counted) => (end.counts[kind] - this.#begin.counts[kind]) / seconds;
    return {
      begin: this.#begin.at,
      end: end.at,
      perSecond: Object.fromEntries(KINDS.map((kind) => [kind, rate(kind)])) as Record<Counted, number>,
    };
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
