/** Pool models compared at the same offered work: what the table and the page show. Times in milliseconds. */

export interface ErrorCause {
  name: string;
  title: string;
  count: number;
  /** What it was, in a sentence. */
  sentence: string;
  /** What the program was told, most often first. */
  said: { text: string; count: number }[];
}

export interface Quantiles {
  count: number;
  p50: number;
  p95: number;
  p99: number;
}

export interface JobWait {
  job: string;
  class: string;
  wait: Quantiles;
  /** Share of its time of waiting that each job, or `logon`, had the connections. */
  waitedFor: { job: string; share: number }[];
}

/** One run of one variant. */
export interface Measured {
  variant: string;
  model: string;
  /** `4 task managers × 5 jobs × 30 slots`. */
  topology: string;
  /** Connections of one pool. */
  poolMax: number;
  connections: {
    /** Sessions that the topology can come to want at once. */
    wanted: number;
    /** Logons begun, and sessions that came of them. */
    asked: number;
    opened: number;
    /** Most of them under way at once, and most sessions open at once. */
    underWayPeak: number;
    peak: number;
    /** Most that the server allows; null: not known. */
    limit: number | null;
  };
  transactions: { offered: number; done: number; lost: number; doubled: number };
  /** From the first that was due to the last that was done. */
  seconds: number;
  /** From when a transaction was due until it was done, by class of job. */
  latency: Record<string, Quantiles>;
  waits: JobWait[];
  /** Null where the server's processes are not on this machine. */
  server: { cpuPerTransaction: number; memoryPeakBytes: number; memoryPerTransactionBytes: number } | null;
  errors: ErrorCause[];
  errorCount: number;
  /** Errors that speak of nothing but a closed socket. */
  misleading: number;
}

export interface Claim {
  passed: boolean;
  /** Not passed, and not refuted either. */
  isInconclusive?: true;
  sentence: string;
}

export interface Comparison {
  title: string;
  story: string;
  seed: number;
  /** Of all that was offered: the same in every variant with the same load. */
  loads: { name: string; hash: string; transactions: number; words: string }[];
  /** What was measured of the machine first, and what was set by that, one sentence each. */
  sizing: string[];
  /** What was made smaller because it would not fit, and why; null: nothing. */
  scaledDown: string | null;
  /** The settings of the server that matter, in words. */
  server: string;
  machine: string;
  /** Each run's variants, in their order. */
  runs: Measured[][];
  claims: Claim[];
}

export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** The middle one of several runs. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
