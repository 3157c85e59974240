/**
 * Snapshots → OpenTelemetry, on whatever meter and logger is given: the service's own SDK, or one in a thread.
 *
 * Names, units and attributes of `db.client.connection.*`, `process.*` and `nodejs.*` are those of the semantic
 * conventions (https://opentelemetry.io/docs/specs/semconv/db/database-metrics/); what these have no name for is
 * `outlive.*`. Pools are pools of any kind: the names are those that dashboards know.
 */
import type { Attributes, Context, Histogram, logs, Meter, ObservableResult } from '@opentelemetry/api';
import type { TraceContext } from '../recording/format.ts';
import type { Duration, FindingRecord, PoolGauge, Snapshot, Span } from './snapshot.ts';

type Logger = ReturnType<(typeof logs)['getLogger']>;

/** What makes a context of a trace; exemplars and log records are tied to it. */
export type ContextOf = (trace: TraceContext) => Context;

/** Buckets for durations in seconds, as the conventions have them for `db.client.operation.duration`. */
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** Of the API, which may not be there to be asked: what is counted is whole. */
const INT = 0;
const DOUBLE = 1;

/** Numbers of the log data model. */
const SEVERITY = {
  found: { severityNumber: 13, severityText: 'WARN' },
  info: { severityNumber: 9, severityText: 'INFO' },
};

const TIMES: Record<Span, string> = {
  create: 'The time it took to create a new connection.',
  wait: 'The time it took to obtain an open connection from the pool.',
  use: 'The time between borrowing a connection and returning it to the pool.',
};

type Read = (snapshot: Snapshot, observe: (value: number, attributes?: Attributes) => void) => void;

const POOL = 'db.client.connection.pool.name';
const STATE = 'db.client.connection.state';
const ofPools =
  (read: (pool: PoolGauge) => number | null): Read =>
  ({ pools }, observe) => {
    for (const pool of pools) {
      const value = read(pool);
      if (value !== null) observe(value, { [POOL]: pool.name });
    }
  };

/** Name, kind, unit, description, and how it is read. */
const OBSERVED: readonly [string, 'UpDownCounter' | 'Counter' | 'Gauge', string, string, Read][] = [
  [
    'db.client.connection.count',
    'UpDownCounter',
    '{connection}',
    'The number of connections that are currently in the state described by the state attribute.',
    ({ pools }, observe) => {
      for (const { name, used, idle } of pools) {
        observe(used, { [POOL]: name, [STATE]: 'used' });
        observe(idle, { [POOL]: name, [STATE]: 'idle' });
      }
    },
  ],
  [
    'db.client.connection.idle.max',
    'UpDownCounter',
    '{connection}',
    'The maximum number of idle open connections allowed.',
    ofPools(({ idleMax }) => idleMax),
  ],
  [
    'db.client.connection.idle.min',
    'UpDownCounter',
    '{connection}',
    'The minimum number of idle open connections allowed.',
    ofPools(({ idleMin }) => idleMin),
  ],
  [
    'db.client.connection.limit',
    'UpDownCounter',
    '{connection}',
    'The maximum number of open connections allowed.',
    ofPools(({ max }) => max),
  ],
  [
    'db.client.connection.max',
    'UpDownCounter',
    '{connection}',
    'The former name of db.client.connection.limit, which most dashboards still have.',
    ofPools(({ max }) => max),
  ],
  [
    'db.client.connection.pending_requests',
    'UpDownCounter',
    '{request}',
    'The number of current pending requests for an open connection.',
    ofPools(({ pending }) => pending),
  ],
  [
    'db.client.connection.timeouts',
    'Counter',
    '{timeout}',
    'The number of connection timeouts that have occurred trying to obtain a connection from the pool.',
    ofPools(({ timeouts }) => timeouts),
  ],
  [
    'process.cpu.time',
    'Counter',
    's',
    'Total CPU seconds broken down by different states.',
    ({ cpu }, observe) => {
      observe(cpu.user, { 'cpu.mode': 'user' });
      observe(cpu.system, { 'cpu.mode': 'system' });
    },
  ],
  [
    'process.memory.usage',
    'UpDownCounter',
    'By',
    'The amount of physical memory in use.',
    ({ memory }, observe) => observe(memory.rss),
  ],
  [
    'nodejs.eventloop.delay.max',
    'Gauge',
    's',
    'Event loop maximum delay.',
    ({ loopDelay }, observe) => observe(loopDelay),
  ],
  [
    'outlive.heap.used',
    'UpDownCounter',
    'By',
    'The part of the V8 heap that is in use.',
    ({ memory }, observe) => observe(memory.heapUsed),
  ],
  [
    'outlive.contexts',
    'UpDownCounter',
    '{context}',
    'The number of native contexts: one, and one for each generation of code that something still keeps.',
    ({ nativeContexts }, observe) => observe(nativeContexts),
  ],
  [
    'outlive.resources',
    'UpDownCounter',
    '{resource}',
    'The number of open resources that the probe keeps account of.',
    ({ open }, observe) => {
      for (const [kind, count] of Object.entries(open)) observe(count, { 'outlive.kind': kind });
    },
  ],
  [
    'outlive.findings',
    'UpDownCounter',
    '{finding}',
    'The number of findings that stand.',
    ({ standing }, observe) => {
      for (const [certainty, count] of Object.entries(standing)) observe(count, { 'outlive.certainty': certainty });
    },
  ],
  [
    'outlive.cpu.time',
    'Counter',
    's',
    'CPU seconds that the probe has taken, by its own account.',
    ({ cpu }, observe) => observe(cpu.probe),
  ],
];

/** Every metric that is emitted. */
export const METRICS: readonly string[] = [
  ...OBSERVED.map(([name]) => name),
  ...Object.keys(TIMES).map((of) => `db.client.connection.${of}_time`),
];

export class Instruments {
  private latest: Snapshot | null = null;
  private readonly histograms: Record<Span, Histogram>;
  private readonly logger: Logger | null;
  private readonly contextOf: ContextOf;

  /** `logger` null: the API in use has none. */
  constructor(meter: Meter, logger: Logger | null, contextOf: ContextOf) {
    this.logger = logger;
    this.contextOf = contextOf;
    for (const [name, kind, unit, description, read] of OBSERVED) {
      const instrument = meter[`createObservable${kind}`](name, {
        unit,
        description,
        valueType: unit === 's' ? DOUBLE : INT,
      });
      instrument.addCallback((result: ObservableResult) => {
        if (this.latest) read(this.latest, (value, attributes) => result.observe(value, attributes));
      });
    }
    const time = (of: Span): Histogram =>
      meter.createHistogram(`db.client.connection.${of}_time`, {
        unit: 's',
        description: TIMES[of],
        advice: { explicitBucketBoundaries: BUCKETS },
      });
    this.histograms = { create: time('create'), wait: time('wait'), use: time('use') };
  }

  take(snapshot: Snapshot): void {
    this.latest = snapshot;
    for (const duration of snapshot.durations) this.record(duration);
    for (const finding of snapshot.findings) this.log(finding);
  }

  private record({ of, pool, seconds, trace }: Duration): void {
    this.histograms[of].record(seconds, { [POOL]: pool }, trace ? this.contextOf(trace) : undefined);
  }

  private log({ state, sentence, certainty, attributes, trace }: FindingRecord): void {
    this.logger?.emit({
      ...(state === 'found' && certainty !== 'suspect' ? SEVERITY.found : SEVERITY.info),
      eventName: state === 'found' ? 'outlive.finding' : 'outlive.finding.withdrawn',
      body: sentence,
      attributes,
      ...(trace && { context: this.contextOf(trace) }),
    });
  }
}
