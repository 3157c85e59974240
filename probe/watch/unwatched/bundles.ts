/**
 * Libraries inside a bundle: nobody loads them by name, so no adapter takes hold of them. Text of theirs that survives
 * minification tells. Read in slices, so that a large bundle does not hold the loop.
 *
 * False positives: a bundled library that is never used; a script that has such a text for another reason.
 * False negatives: chunks that are neither the main script nor connect to anything; obfuscated text.
 */
import { basename } from 'node:path';
import { closeSync, fstatSync, openSync, readSync } from '../../process/runtime.ts';

/** Of a file, so much is read at most; bytes. */
const MOST = 32 * 1024 * 1024;
const SLICE = 128 * 1024;

/** A text that only this library has, in all versions that are known. */
const MARKS: Readonly<Record<string, string>> = {
  _acquireClient: 'pg',
  _dispatchPooledResourceToNextWaitingClient: 'generic-pool',
  _tryAcquireOrCreate: 'tarn',
  'node-oracledb': 'oracledb',
  'You have tried to call .then()': 'mysql2',
  PROTOCOL_ENQUEUE_AFTER_QUIT: 'mysql',
  ER_GET_CONNECTION_TIMEOUT: 'mariadb',
  maxRetriesPerRequest: 'ioredis',
  SocketClosedUnexpectedlyError: 'redis',
  MongoServerSelectionError: 'mongodb',
  MAX_PARAMETERS_EXCEEDED: 'postgres',
  UND_ERR_CONNECT_TIMEOUT: 'undici',
  'WebSocket was closed before the connection was established': 'ws',
  'Requests can only be made in the': 'tedious',
  KafkaJSNumberOfRetriesExceeded: 'kafkajs',
  'Channel ended, no reply will be forthcoming': 'amqplib',
  mqttjs_: 'mqtt',
  NoHostAvailableError: 'cassandra-driver',
  'Terminating worker thread': 'piscina',
  '__workerpool-terminate__': 'workerpool',
  'keepalive@openssh.com': 'ssh2',
  'grpc.keepalive_time_ms': '@grpc/grpc-js',
  'better_sqlite3.node': 'better-sqlite3',
  'removeIdle() destroying obj': 'sequelize-pool',
};
const LONGEST = Math.max(...Object.keys(MARKS).map((mark) => mark.length));

export class Bundles {
  readonly #unseen: (what: string, why: string) => void;
  readonly #reading: Generator<void>[] = [];

  constructor(unseen: (what: string, why: string) => void) {
    this.#unseen = unseen;
  }

  /** To be read when there is time for it. */
  add(file: string): void {
    this.#reading.push(this.#read(file));
  }

  /** Reads a little; false when nothing is left to be read. */
  step(): boolean {
    if (this.#reading[0]?.next().done) this.#reading.shift();
    return this.#reading.length > 0;
  }

  *#read(file: string): Generator<void> {
    const found = new Set<string>();
    for (const text of slicesOf(file)) {
      for (const [mark] of text.matchAll(ANY_MARK)) found.add(MARKS[mark] as string);
      yield;
    }
    for (const name of found) {
      this.#unseen(`${name}, bundled`, `It is part of ${basename(file)}, where no adapter can take hold of it.`);
    }
  }
}

const ANY_MARK = new RegExp(
  Object.keys(MARKS)
    .map((mark) => mark.replace(/[.()]/g, '\\$&'))
    .join('|'),
  'g',
);

/** They overlap, so that no mark is cut in two. */
function* slicesOf(file: string): Generator<string> {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(SLICE + LONGEST);
    for (let at = 0; at < Math.min(size, MOST); at += SLICE) {
      yield buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, buffer.length, at));
    }
  } finally {
    closeSync(descriptor);
  }
}
