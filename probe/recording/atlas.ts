/**
 * Leaks that versions of packages were published with: pure data. A finding is one of them when the package's code of
 * that file made the resource for the user's line, and the version that is installed is one of those.
 *
 * False positives: another leak of the user's through the same code, in a version that has this one too; the advice is
 * then right, and not enough. False negatives: bundles, and reports that are made where the package is not installed.
 */
import type { Frame, Kind } from './format.ts';
import { isBefore, type Package, type PackageFile, packageOf } from './packages.ts';

export interface KnownLeak {
  readonly package: string;
  /** The first version that has it. */
  readonly since: string;
  /** The first later one that has not. */
  readonly mended: string;
  readonly kind: Kind;
  /** Of the package: its code is on the stack, where the resource was made. */
  readonly file: string;
  readonly function?: string;
  /** What is left behind, in a sentence. */
  readonly what: string;
}

export const ATLAS: readonly KnownLeak[] = [
  {
    ...{ package: 'axios', since: '1.15.1', mended: '1.15.2', kind: 'listener', file: 'lib/adapters/http.js' },
    what: 'Each request leaves a listener at the connection that is kept alive.',
  },
  {
    ...{ package: 'bee-queue', since: '1.0.0', mended: '1.3.0', kind: 'listener', file: 'lib/queue.js' },
    what: 'close() leaves a listener at a client that is shared.',
  },
  {
    ...{ package: 'bull', since: '3.0.0', mended: '3.22.11', kind: 'timer', file: 'lib/queue.js' },
    what: 'close() of a queue leaves timers that its last jobs have set.',
  },
  {
    ...{ package: 'bullmq', since: '1.0.0', mended: '1.21.0', kind: 'connection', file: 'dist/classes/worker.js' },
    what: 'close() of a Worker leaves its first connection to Redis open.',
  },
  {
    ...{
      package: 'bullmq',
      since: '5.0.0',
      mended: '5.1.12',
      kind: 'connection',
      file: 'dist/cjs/classes/redis-connection.js',
    },
    what: 'close() forgets a connection to Redis that is not up yet.',
  },
  {
    ...{
      package: 'bullmq',
      since: '1.22.0',
      mended: '1.34.1',
      kind: 'listener',
      file: 'dist/classes/redis-connection.js',
    },
    what: 'close() leaves a listener at a connection that is shared.',
  },
  {
    ...{ package: 'bullmq', since: '2.0.0', mended: '2.1.3', kind: 'timer', file: 'dist/cjs/classes/worker.js' },
    what: 'close() of a Worker leaves the timer that looks for stalled jobs.',
  },
  {
    ...{ package: 'chai-http', since: '0.0.0', mended: '4.0.0', kind: 'server', file: 'lib/request.js' },
    what: 'Each request to an app makes a server, which is never closed.',
  },
  {
    ...{ package: 'chokidar', since: '2.0.0', mended: '2.1.6', kind: 'watcher', file: 'lib/nodefs-handler.js' },
    what: 'Of several patterns that lead into one folder, only the last one is no longer watched after close().',
  },
  {
    ...{ package: 'cockatiel', since: '3.0.0', mended: '3.2.0', kind: 'listener', file: 'src/TimeoutPolicy.ts' },
    what: 'Each call within a timeout leaves a listener at the signal that it is given.',
  },
  {
    ...{ package: 'follow-redirects', since: '0.0.0', mended: '1.5.0', kind: 'stream', file: 'index.js' },
    what: 'Nobody reads the answer that redirects, which keeps its connection.',
  },
  {
    ...{ package: 'got', since: '12.0.0', mended: '12.5.3', kind: 'listener', file: 'dist/source/core/index.js' },
    what: 'Each request leaves a listener at the signal that it is given.',
  },
  {
    ...{ package: 'got', since: '8.0.0', mended: '8.3.0', kind: 'listener', file: 'index.js' },
    what: 'Each request leaves a listener at the connection that is kept alive.',
  },
  {
    ...{
      package: 'http-proxy-middleware',
      since: '0.16.0',
      mended: '0.17.2',
      kind: 'listener',
      file: 'lib/index.js',
    },
    what: 'With ws: true each request adds one more listener of upgrades to the server.',
  },
  {
    ...{ package: 'image-size', since: '0.0.0', mended: '1.0.2', kind: 'stream', file: 'dist/index.js' },
    what: 'A file that cannot be read, such as a folder, stays open.',
  },
  {
    ...{ package: 'ioredis', since: '4.24.0', mended: '4.27.1', kind: 'timer', file: 'built/redis/index.js' },
    ...{ function: 'sendCommand', what: 'The answer to a command leaves the timer of its commandTimeout.' },
  },
  {
    ...{ package: 'ioredis', since: '4.19.0', mended: '4.19.4', kind: 'timer', file: 'built/redis/index.js' },
    ...{
      function: 'parseOptions',
      what: 'Each new connection of a client sets one more interval that forgets scripts.',
    },
  },
  {
    ...{ package: 'ioredis', since: '4.19.0', mended: '4.28.4', kind: 'timer', file: 'built/redis/index.js' },
    ...{ function: 'connect', what: 'A client that ends leaves the interval that forgets scripts.' },
  },
  {
    ...{ package: 'log4js', since: '0.0.0', mended: '6.4.0', kind: 'listener', file: 'lib/appenders/file.js' },
    what: 'A new configuration leaves what listens to SIGHUP for the one before it.',
  },
  {
    ...{ package: 'mqtt', since: '2.0.0', mended: '4.3.5', kind: 'listener', file: 'lib/client.js' },
    what: 'While its connection is slow, each packet that is sent without a callback leaves a listener.',
  },
  {
    ...{ package: 'multer', since: '0.0.0', mended: '2.3.0', kind: 'stream', file: 'storage/disk.js' },
    what: 'The file of an upload whose client goes away stays open.',
  },
  {
    ...{
      package: 'mysql2',
      since: '0.0.0',
      mended: '1.2.0',
      kind: 'connection',
      file: 'lib/pool.js',
      function: 'Pool.execute',
    },
    what: 'The promise of pool.execute() without values keeps its connection.',
  },
  {
    ...{
      package: 'mysql2',
      since: '0.0.0',
      mended: '1.3.3',
      kind: 'connection',
      file: 'lib/pool.js',
      function: 'Pool.query',
    },
    what: 'pool.query() keeps its connection when the statement fails.',
  },
  {
    ...{
      package: 'nestjs-throttler-storage-redis',
      since: '0.0.0',
      mended: '0.1.18',
      kind: 'connection',
      file: 'dist/throttler-storage-redis.service.js',
    },
    what: 'The client that the storage makes for itself stays when its module is destroyed.',
  },
  {
    ...{
      package: 'nestjs-throttler-storage-redis',
      since: '0.2.0',
      mended: '0.3.3',
      kind: 'connection',
      file: 'dist/throttler-storage-redis.service.js',
    },
    what: 'The client that the storage makes for itself stays when its module is destroyed.',
  },
  {
    ...{ package: 'node-fetch', since: '3.0.0', mended: '3.2.5', kind: 'listener', file: 'src/index.js' },
    what: 'An answer in chunks leaves its listeners at the connection that is kept alive.',
  },
  {
    ...{
      package: 'nodemailer',
      since: '4.0.0',
      mended: '10.0.0',
      kind: 'timer',
      file: 'lib/smtp-connection/index.js',
    },
    what: 'A server that hangs up before its greeting leaves the timer that waits for that.',
  },
  {
    ...{ package: 'ofetch', since: '1.3.3', mended: '1.3.4', kind: 'timer', file: 'dist/shared/ofetch.00501375.mjs' },
    what: 'An answer leaves the timer of its timeout.',
  },
  {
    ...{ package: 'openai', since: '5.0.0', mended: '7.5.0', kind: 'listener', file: 'client.js' },
    what: 'Each request leaves a listener at the signal that it is given.',
  },
  {
    ...{ package: 'openai', since: '5.0.0', mended: '7.5.0', kind: 'listener', file: 'client.mjs' },
    what: 'Each request leaves a listener at the signal that it is given.',
  },
  {
    ...{ package: 'opossum', since: '4.0.0', mended: '4.2.0', kind: 'timer', file: 'lib/status.js' },
    what: 'shutdown() leaves the intervals of a circuit breaker running.',
  },
  {
    ...{ package: 'p-map', since: '5.4.0', mended: '7.0.3', kind: 'listener', file: 'index.js' },
    what: 'Each call leaves a listener at the signal that it is given.',
  },
  {
    ...{ package: 'p-queue', since: '8.0.0', mended: '9.0.1', kind: 'listener', file: 'dist/index.js' },
    what: 'Each task leaves a listener at the signal that it is given.',
  },
  {
    ...{ package: 'p-retry', since: '5.0.0', mended: '6.0.0', kind: 'listener', file: 'index.js' },
    what: 'Each call leaves a listener at the signal that it is given.',
  },
  {
    ...{ package: 'p-timeout', since: '5.0.0', mended: '6.1.2', kind: 'timer', file: 'index.js' },
    what: 'A signal that aborts leaves the timer.',
  },
  {
    ...{ package: 'p-timeout', since: '5.0.0', mended: '6.1.3', kind: 'listener', file: 'index.js' },
    what: 'Each call leaves a listener at the signal that it is given.',
  },
  {
    ...{ package: 'piscina', since: '4.1.0', mended: '4.2.0', kind: 'worker', file: 'src/index.ts' },
    what: 'destroy() starts the threads of the pool anew.',
  },
  {
    ...{ package: 'promise-timeout', since: '1.0.0', mended: '1.1.0', kind: 'timer', file: 'index.js' },
    what: 'What comes in time leaves the timer.',
  },
  {
    ...{ package: '@redis/client', since: '1.4.0', mended: '1.5.9', kind: 'timer', file: 'dist/lib/client/index.js' },
    what: 'quit() and disconnect() leave the timer of the next ping.',
  },
  {
    ...{
      package: '@smithy/node-http-handler',
      since: '3.1.0',
      mended: '3.1.2',
      kind: 'listener',
      file: 'dist-cjs/index.js',
    },
    what: 'Each request leaves a listener at the signal that it is given.',
  },
  {
    ...{ package: 'tail', since: '2.0.0', mended: '2.0.4', kind: 'watcher', file: 'lib/tail.js' },
    what: 'unwatch() forgets a file that is about to be watched again.',
  },
  {
    ...{
      package: 'typeorm',
      since: '0.1.0',
      mended: '1.1.1',
      kind: 'connection',
      file: 'cache/DbQueryResultCache.js',
      function: 'DbQueryResultCache.clear',
    },
    what: 'To clear the cache of results takes a connection, and keeps it.',
  },
  {
    ...{
      package: 'typeorm',
      since: '0.3.0',
      mended: '1.1.0',
      kind: 'connection',
      file: 'cache/DbQueryResultCache.js',
      function: 'storeInCache',
    },
    what: 'A result that the table of the cache does not take keeps its connection.',
  },
  {
    ...{
      package: 'typeorm',
      since: '0.3.3',
      mended: '0.3.4',
      kind: 'connection',
      file: 'data-source/DataSource.js',
      function: 'DataSource.initialize',
    },
    what: 'To initialize a data source of MySQL takes a connection to ask for its version, and keeps it.',
  },
  {
    ...{
      package: 'winston',
      since: '3.9.0',
      mended: '3.13.0',
      kind: 'listener',
      file: 'lib/winston/transports/file.js',
    },
    what: 'A file that is zipped and rotated away stays open.',
  },
  {
    ...{ package: 'y-websocket', since: '1.0.0', mended: '1.3.5', kind: 'timer', file: 'bin/utils.js' },
    what: 'A client that goes away leaves its interval of pings.',
  },
  {
    ...{ package: 'zx', since: '8.0.0', mended: '8.1.9', kind: 'listener', file: 'build/vendor-core.cjs' },
    what: 'Each command leaves a listener at the signal that it is given.',
  },
];

/** Of a leak that no line of the user's leads to. */
const MOST_FRAMES = 16;

/** Of which package the code is that made a resource for the user's line, and which of its leaks that is. */
export interface Maker {
  package: Package;
  known: KnownLeak | null;
}

/** `stack`: where the resource was made, innermost first. Null where the user's line made it, or Node for it. */
export function makerOf(stack: readonly Pick<Frame, 'file' | 'function' | 'user'>[], kind: Kind): Maker | null {
  const user = stack.findIndex((frame) => frame.user);
  const frames = stack.slice(0, user < 0 ? MOST_FRAMES : user).flatMap((frame) => {
    const of = packageOf(frame.file);
    return of ? [{ function: frame.function, of }] : [];
  });
  for (const known of ATLAS) {
    const frame = known.kind === kind ? frames.find((each) => isOf(known, each)) : undefined;
    if (frame) return { package: named(frame.of), known };
  }
  const outermost = frames.at(-1);
  return outermost ? { package: named(outermost.of), known: null } : null;
}

function isOf(row: KnownLeak, frame: { function: string; of: PackageFile }): boolean {
  const { name, version, inside } = frame.of;
  if (name !== row.package || inside !== row.file || version === null) return false;
  if (row.function !== undefined && !frame.function.endsWith(row.function)) return false;
  return !isBefore(version, row.since) && isBefore(version, row.mended);
}

function named({ name, version }: Package): Package {
  return { name, version };
}
