/** Where snapshots go: to the SDK that the service has registered, or to one in a thread of its own. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { guarded } from '../process/lapses.ts';
import { OriginalWorker } from '../process/runtime.ts';
import type { TraceContext } from '../recording/format.ts';
import { Instruments } from './instruments.ts';
import { emit, type LeaseSpan } from './lease-spans.ts';
import { loggerOf } from './logger.ts';
import type { Snapshot } from './snapshot.ts';
import type { ThreadData, ThreadMessage } from './thread.ts';

type Api = typeof import('@opentelemetry/api');

export interface Outlet {
  take(snapshot: Snapshot): void;
  /** The last one; returns when it is out, after a bounded time. */
  end(snapshot: Snapshot): void;
  /** Where the service traces. */
  spans(leases: readonly LeaseSpan[]): void;
  /** The span that is active right now. */
  trace(): TraceContext | null;
}

/** How long the end of the process may be delayed by the last export, milliseconds. */
const LAST_EXPORT_MS = 2000;

/** Through the service's own copy of the API; null when there is none to be found. */
export function serviceOutlet(): Outlet | null {
  const file = resolve('@opentelemetry/api');
  if (file === null) return null;
  const require = createRequire(file);
  const api = require(file) as Api;
  const contextOf = (trace: TraceContext) => api.trace.setSpanContext(api.ROOT_CONTEXT, trace);
  const instruments = new Instruments(api.metrics.getMeter('outlive'), loggerOf(api, require), contextOf);
  return {
    take: (snapshot) => instruments.take(snapshot),
    spans: (leases) => emit(leases, api.trace.getTracer('outlive'), contextOf),
    // when to flush is for the service to say: it is its SDK
    end: (snapshot) => instruments.take(snapshot),
    trace: () => {
      const { traceId, spanId, traceFlags } = api.trace.getActiveSpan()?.spanContext() ?? {};
      return traceId && spanId ? { traceId, spanId, traceFlags: traceFlags ?? 0 } : null;
    },
  };
}

/** An SDK in a thread of its own; null when `@opentelemetry/sdk-node` is not installed. */
export function threadOutlet(file: string, onFailure: () => void): Outlet | null {
  const sdk = resolve('@opentelemetry/sdk-node');
  if (sdk === null) return null;
  const done = new SharedArrayBuffer(4);
  // it is not the service's, and is not watched
  const worker = new OriginalWorker(file, {
    workerData: { sdk, done } satisfies ThreadData,
    execArgv: [],
    env: environment(),
    // not on the service's terminal; and not read either: that would hold the process open (see the thread)
    stdout: true,
    stderr: true,
  });
  worker.unref();
  worker.on('error', () => guarded('telemetry', onFailure));
  const post = (message: ThreadMessage): void => worker.postMessage(message);
  return {
    take: (snapshot) => post({ do: 'take', snapshot }),
    end(snapshot) {
      post({ do: 'end', snapshot });
      Atomics.wait(new Int32Array(done), 0, 0, LAST_EXPORT_MS);
    },
    // it knows of no traces
    spans: () => {},
    trace: () => null,
  };
}

/** Without the preload; and only what the probe has to tell. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return { OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp', ...env, OTEL_TRACES_EXPORTER: 'none' };
}

/** In the tree of the program, or of the folder that it was started in. */
function resolve(name: string): string | null {
  for (const base of [process.argv[1], path.join(process.cwd(), 'x')]) {
    try {
      if (base) return createRequire(path.resolve(base)).resolve(name);
    } catch {
      // not there
    }
  }
  return null;
}
