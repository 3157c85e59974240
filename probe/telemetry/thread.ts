/**
 * The exporting thread, of a service without an SDK of its own: `@opentelemetry/sdk-node` is started here, by the
 * service's `OTEL_*` variables. Here its globals are not the service's, its sockets hold nothing open, its work delays
 * nothing, and it goes on when the service's own thread has come to its end: what is told last still goes out.
 */
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { Instruments } from './instruments.ts';
import { loggerOf } from './logger.ts';
import type { Snapshot } from './snapshot.ts';

export interface ThreadData {
  /** File of `@opentelemetry/sdk-node`. */
  sdk: string;
  /** Set to 1, and notified, when the last snapshot is out or has failed. */
  done: SharedArrayBuffer;
}

export type ThreadMessage = { do: 'take' | 'end'; snapshot: Snapshot };

const { sdk: file, done } = workerData as ThreadData;
const finish = (): void => {
  Atomics.store(new Int32Array(done), 0, 1);
  Atomics.notify(new Int32Array(done), 0);
};

// whatever an SDK has to say, nobody reads it
for (const stream of [process.stdout, process.stderr]) stream.write = () => true;

try {
  const require = createRequire(file);
  const { NodeSDK } = require(file) as typeof import('@opentelemetry/sdk-node');
  // the very copy of the API that the SDK registers itself with
  const api = require('@opentelemetry/api') as typeof import('@opentelemetry/api');
  const sdk = new NodeSDK({ instrumentations: [] });
  sdk.start();
  const instruments = new Instruments(api.metrics.getMeter('outlive'), loggerOf(api, require), (trace) =>
    api.trace.setSpanContext(api.ROOT_CONTEXT, { ...trace, isRemote: true }),
  );
  parentPort?.on('message', ({ do: what, snapshot }: ThreadMessage) => {
    instruments.take(snapshot);
    if (what === 'end') sdk.shutdown().then(finish, finish);
  });
} catch {
  // nobody waits for what cannot come
  finish();
}
