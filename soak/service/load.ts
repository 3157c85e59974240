/** One round of requests, by autocannon: as many at once as there are connections, each URL in turn. */
import type { LoadRound, TargetCount } from '../../probe/recording/load.ts';
import type { Target } from './targets.ts';

export interface LoadOptions {
  targets: readonly Target[];
  connections: number;
  durationMs: number;
  /** Requests per second, all connections together; null: as fast as it goes. */
  rate: number | null;
  isFailure(status: number): boolean;
  /** Requests that were answered before: each client goes on from there, so that few requests reach many targets. */
  before: number;
  signal: AbortSignal;
  /** About once a second, with the requests answered so far. */
  onTick(answered: number): void;
}

export type Given = Pick<LoadRound, 'requests' | 'targets' | 'errors' | 'latency'>;

/** How often autocannon looks whether it is to stop, milliseconds. */
const SAMPLE_MS = 100;
/** An answer that takes longer is given up, seconds. */
const TIMEOUT_S = 10;

/** What was given and what came back. Ends early, without an error, when `signal` says so. */
export async function load(options: LoadOptions): Promise<Given> {
  const { default: autocannon } = await import('autocannon');
  const counts: TargetCount[] = options.targets.map((_, target) => ({ target, statuses: {}, failed: 0 }));
  let answered = 0;
  const tick = setInterval(() => options.onTick(answered), 1000);
  try {
    const origins = new Map<string, number[]>();
    for (const [index, { url }] of options.targets.entries()) {
      origins.set(url.origin, [...(origins.get(url.origin) ?? []), index]);
    }
    const shares = [...origins].map(([origin, indexes]) => {
      const connections = share(options.connections, indexes.length, options.targets.length);
      const rate =
        options.rate === null ? {} : { overallRate: share(options.rate, indexes.length, options.targets.length) };
      const requests = indexes.map((index) => {
        const { method, url, headers, body } = options.targets[index] as Target;
        return {
          method: method as 'GET',
          path: url.pathname + url.search,
          headers,
          ...(body === null ? {} : { body }),
          onResponse: (status: number) => {
            const count = counts[index] as TargetCount;
            count.statuses[status] = (count.statuses[status] ?? 0) + 1;
            if (options.isFailure(status)) count.failed++;
            answered++;
          },
        };
      });
      let clients = 0;
      const setupClient = (client: Client) => {
        const from = options.before + Math.floor((clients++ * requests.length) / connections);
        client.setRequests(rotated(requests, from % requests.length));
      };
      return run(autocannon, { url: origin, connections, requests, setupClient, ...rate }, options);
    });
    const results = await Promise.all(shares);
    return {
      requests: answered,
      targets: counts,
      errors: results.reduce((total, { errors }) => total + errors, 0),
      latency: answered === 0 ? null : worst(results.map(({ latency }) => latency)),
    };
  } finally {
    clearInterval(tick);
  }
}

type Autocannon = typeof import('autocannon');
type Options = Parameters<Autocannon>[0];
type Client = Parameters<NonNullable<Options['setupClient']>>[0];
type Results = Awaited<ReturnType<Autocannon>>;

function run(autocannon: Autocannon, what: Options, { durationMs, signal }: LoadOptions) {
  return new Promise<Results>((resolve, reject) => {
    const given = {
      ...what,
      duration: durationMs / 1000,
      sampleInt: SAMPLE_MS,
      timeout: TIMEOUT_S,
      // the service is on this machine: its certificate need not be anybody's
      tlsOptions: { rejectUnauthorized: false },
    };
    const instance = autocannon(given, (error: unknown, results: Results) =>
      error ? reject(error) : resolve(results),
    );
    if (signal.aborted) instance.stop?.();
    else signal.addEventListener('abort', () => instance.stop?.(), { once: true });
  });
}

function rotated<T extends object>(list: readonly T[], by: number): T[] {
  return [...list.slice(by), ...list.slice(0, by)].map((each) => ({ ...each }));
}

/** Of `total`, at least one. */
function share(total: number, part: number, of: number): number {
  return Math.max(1, Math.round((total * part) / of));
}

function worst(latencies: readonly { p50: number; p99: number; max: number }[]): LoadRound['latency'] {
  const most = (key: 'p50' | 'p99' | 'max') => Math.max(...latencies.map((latency) => latency[key]));
  return { p50: most('p50'), p99: most('p99'), max: most('max') };
}
