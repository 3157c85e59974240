/** A collector: takes OTLP over HTTP, as JSON, and keeps what it was sent. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface Attribute {
  key: string;
  value: {
    stringValue?: string;
    intValue?: number;
    boolValue?: boolean;
    arrayValue?: { values: { stringValue: string }[] };
  };
}
export interface DataPoint {
  attributes: Attribute[];
  asInt?: number;
  asDouble?: number;
  count?: number;
  sum?: number;
  explicitBounds?: number[];
}
export interface Metric {
  name: string;
  unit: string;
  description: string;
  gauge?: { dataPoints: DataPoint[] };
  sum?: { dataPoints: DataPoint[]; isMonotonic: boolean };
  histogram?: { dataPoints: DataPoint[] };
}
export interface LogRecord {
  eventName: string;
  severityText: string;
  body: { stringValue: string };
  attributes: Attribute[];
  traceId?: string;
  spanId?: string;
}

export interface Span {
  name: string;
  traceId: string;
  /** Nanoseconds since 1970. */
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  events: { name: string; timeUnixNano: string }[];
}

export class OtlpReceiver implements AsyncDisposable {
  readonly metrics: Map<string, Metric> = new Map();
  readonly logs: LogRecord[] = [];
  /** Requests with logs, as they came: a collector keeps one a line. */
  readonly kept: string[] = [];
  readonly spans: Span[] = [];
  readonly resources: Attribute[][] = [];
  /** Called after each request. */
  onTaken: () => void = () => {};
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  /** `answer`: what it says to each request; 'hang': nothing at all. */
  static async start(answer: number | 'hang' = 200): Promise<OtlpReceiver> {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const bytes = Buffer.concat(chunks);
      const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
      receiver.take(JSON.parse(text.toString()));
      receiver.onTaken();
      if (answer !== 'hang') response.writeHead(answer, { 'content-type': 'application/json' }).end('{}');
    });
    const receiver = new OtlpReceiver(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  /** What a service is told of it; exports every half a second. */
  get env(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_METRIC_EXPORT_TIMEOUT: '400',
      OTEL_BLRP_SCHEDULE_DELAY: '200',
      OTEL_SERVICE_NAME: 'orders',
    };
  }

  points(name: string): DataPoint[] {
    const metric = this.metrics.get(name);
    return (metric?.gauge ?? metric?.sum ?? metric?.histogram)?.dataPoints ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  // biome-ignore lint/suspicious/noExplicitAny: OTLP's JSON
  private take({ resourceMetrics = [], resourceLogs = [], resourceSpans = [] }: any): void {
    for (const { scopeSpans } of resourceSpans) {
      for (const { scope, spans } of scopeSpans) if (scope.name === 'outlive') this.spans.push(...spans);
    }
    for (const { resource, scopeMetrics } of resourceMetrics) {
      this.resources.push(resource.attributes);
      for (const { scope, metrics } of scopeMetrics) {
        if (scope.name !== 'outlive') continue;
        for (const metric of metrics) this.metrics.set(metric.name, metric);
      }
    }
    if (resourceLogs.length > 0) this.kept.push(JSON.stringify({ resourceLogs }));
    for (const { scopeLogs } of resourceLogs) {
      for (const { scope, logRecords } of scopeLogs) if (scope.name === 'outlive') this.logs.push(...logRecords);
    }
  }
}

export function attributeOf(attributes: readonly Attribute[], key: string): unknown {
  const value = attributes.find((attribute) => attribute.key === key)?.value;
  return value && (value.stringValue ?? value.intValue ?? value.boolValue ?? value.arrayValue);
}
