/** What is told to OpenTelemetry, as plain data: it may have to pass to another thread. */
import type { Certainty, Kind, TraceContext } from '../recording/format.ts';

export interface PoolGauge {
  name: string;
  used: number;
  idle: number;
  pending: number;
  /** Null: unlimited or unknown. */
  max: number | null;
  idleMax: number | null;
  idleMin: number | null;
  /** Acquires that timed out so far. */
  timeouts: number;
}

/** To have a new connection, to be served one, to give it back. */
export type Span = 'create' | 'wait' | 'use';

export interface Duration {
  of: Span;
  pool: string;
  seconds: number;
  trace: TraceContext | null;
}

export interface FindingRecord {
  /** `withdrawn`: it no longer stands. */
  state: 'found' | 'withdrawn';
  sentence: string;
  certainty: Certainty;
  attributes: Record<string, string | number | boolean | string[]>;
  /** Of the work that leaked. */
  trace: TraceContext | null;
}

export interface Snapshot {
  pools: PoolGauge[];
  durations: Duration[];
  findings: FindingRecord[];
  /** Findings that stand. */
  standing: Record<Certainty, number>;
  open: Partial<Record<Kind, number>>;
  /** Seconds of CPU time of the process, and of the probe in it. */
  cpu: { user: number; system: number; probe: number };
  /** Bytes. */
  memory: { rss: number; heapUsed: number };
  nativeContexts: number;
  /** Worst since the last snapshot, seconds. */
  loopDelay: number;
}
