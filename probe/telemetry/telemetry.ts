/**
 * Findings and pool metrics as OpenTelemetry. With `OUTLIVE_TELEMETRY=auto` a service that has an SDK gets them through
 * it; for one without, an SDK is started in a thread when `OTEL_EXPORTER_OTLP_ENDPOINT` (or that of metrics or logs) is
 * set and `@opentelemetry/sdk-node` is installed. Else nothing is loaded, and nothing is kept.
 */
import { getHeapStatistics } from 'node:v8';
import { isMainThread } from 'node:worker_threads';
import type { LeaseObserver, Ledger, Resource } from '../account/ledger.ts';
import { openByKind } from '../account/open-by-kind.ts';
import type { PoolState } from '../account/pool-state.ts';
import type { Sites } from '../account/site.ts';
import type { Judgement } from '../judge/judge.ts';
import { guarded } from '../process/lapses.ts';
import type { Certainty, RecordedFinding, TraceContext } from '../recording/format.ts';
import { findingRecord, withdrawnRecord } from './finding-record.ts';
import { LeaseSpans } from './lease-spans.ts';
import { type Outlet, serviceOutlet, threadOutlet } from './outlets.ts';
import type { Duration, FindingRecord, PoolGauge, Snapshot, Span } from './snapshot.ts';
import { hasEndpoint, hasSdk } from './wanted.ts';

/** Durations kept until the next snapshot; beyond these a second tells no more. */
const MAX_DURATIONS = 5000;
/** Looks at whether the service sets up an SDK of its own, before one is started for it. */
const PATIENCE = 2;

export interface TelemetryOptions {
  when: 'auto' | 'on' | 'off';
  /** Leases are told as spans, too. */
  spans: boolean;
  /** File of the exporting thread. */
  thread: string;
  ledger: Ledger;
  sites: Sites;
  /** CPU milliseconds of the probe. */
  costMs: () => number;
  tell: (what: string) => void;
  /** Findings that stand already. */
  standing: Iterable<[string, RecordedFinding]>;
}

export class Telemetry implements LeaseObserver {
  private readonly options: TelemetryOptions;
  private outlet: Outlet | null = null;
  private isOfService = false;
  private looks = 0;
  private isHopeless = false;
  private durations: Duration[] = [];
  private records: FindingRecord[] = [];
  private readonly spans: LeaseSpans | null;
  private readonly standing: Map<string, RecordedFinding> = new Map();

  constructor(options: TelemetryOptions) {
    this.options = options;
    this.spans = options.spans ? new LeaseSpans() : null;
    for (const [key, finding] of options.standing) this.standing.set(key, finding);
    if (options.when === 'on') this.open();
  }

  /** The span that is active now, to be kept with a lease. */
  trace(): TraceContext | null {
    return guarded('telemetry', () => this.outlet?.trace()) ?? null;
  }

  waited({ pool }: Resource['account']['source'], lease: Resource): void {
    this.add('wait', pool, lease.waitedMs, lease.trace);
  }

  used({ pool }: Resource['account']['source'], lease: Resource, useMs: number): void {
    this.add('use', pool, useMs, lease.trace);
    this.spans?.ended(lease);
  }

  created(pool: PoolState, createMs: number): void {
    this.add('create', pool, createMs, null);
  }

  judged({ changed, withdrawn }: Judgement): void {
    for (const [key, finding] of changed) {
      this.standing.set(key, finding);
      if (this.outlet && finding.site >= 0) this.spans?.found(this.options.ledger, finding.site);
      if (this.outlet) this.records.push(findingRecord(finding, this.options.sites));
    }
    for (const [key] of withdrawn) {
      const finding = this.standing.get(key);
      this.standing.delete(key);
      if (this.outlet && finding) this.records.push(withdrawnRecord(finding, this.options.sites));
    }
  }

  /** About once a second; `loopDelay` is the worst since the last time, milliseconds. */
  tick(loopDelay: number): void {
    if (!this.isOfService) this.open();
    this.outlet?.take(this.snapshot(loopDelay));
    if (this.spans) this.outlet?.spans(this.spans.take());
  }

  end(): void {
    if (this.spans) this.outlet?.spans(this.spans.take());
    this.outlet?.end(this.snapshot(0));
  }

  private open(): void {
    const { when, thread, ledger, tell } = this.options;
    if (when === 'off') return;
    let outlet = this.outlet;
    if (hasSdk()) {
      this.isOfService = true;
      outlet = serviceOutlet();
      if (!outlet) tell('telemetry: an SDK is registered, but its @opentelemetry/api is not found from the program');
    } else if (
      !outlet &&
      isMainThread &&
      !this.isHopeless &&
      (when === 'on' || (hasEndpoint() && ++this.looks >= PATIENCE))
    ) {
      outlet = threadOutlet(thread, () => {
        this.outlet = ledger.observer = null;
        // what failed once would fail each second
        this.isHopeless = true;
        tell('telemetry: the thread that exports has failed; nothing is exported any more');
      });
      this.isHopeless = outlet === null;
      if (!outlet) tell('telemetry: no OpenTelemetry SDK is registered, and @opentelemetry/sdk-node is not installed');
    }
    if (outlet === this.outlet) return;
    this.outlet = outlet;
    ledger.observer = outlet && this;
    // those that were found before there was anybody to tell
    for (const finding of this.standing.values()) this.records.push(findingRecord(finding, this.options.sites));
  }

  private add(of: Span, pool: PoolState | null, milliseconds: number, trace: TraceContext | null): void {
    if (pool === null || this.durations.length >= MAX_DURATIONS) return;
    this.durations.push({ of, pool: pool.name, seconds: milliseconds / 1000, trace });
  }

  private snapshot(loopDelay: number): Snapshot {
    const { ledger, costMs } = this.options;
    const { durations, records } = this;
    this.durations = [];
    this.records = [];
    const standing: Record<Certainty, number> = { proven: 0, likely: 0, suspect: 0 };
    for (const { certainty } of this.standing.values()) standing[certainty]++;
    const { user, system } = process.cpuUsage();
    const { used_heap_size: heapUsed, number_of_native_contexts: nativeContexts } = getHeapStatistics();
    return {
      pools: poolsIn(ledger),
      durations,
      findings: records,
      standing,
      open: openByKind(ledger),
      cpu: { user: user / 1e6, system: system / 1e6, probe: costMs() / 1000 },
      memory: { rss: process.memoryUsage.rss(), heapUsed },
      nativeContexts,
      loopDelay: loopDelay / 1000,
    };
  }
}

function poolsIn({ sources }: Ledger): PoolGauge[] {
  return [...sources].flatMap(({ pool }) => {
    const gauges = pool?.gauges();
    if (!pool || !gauges) return [];
    const { min: idleMin = null, max: idleMax = null } = pool.idleLimits?.() ?? {};
    return [{ name: pool.name, ...gauges, max: pool.max || null, idleMin, idleMax, timeouts: pool.timeouts }];
  });
}
