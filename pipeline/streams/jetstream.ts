/**
 * Streams on NATS JetStream, for jobs on as many machines as one likes: one of its streams for each topic, a subject for
 * each partition. What is published together is one compressed message for each partition.
 *
 * Readers: positions are in the jobs' database and move in the transaction of the results, as with the log table, so
 * results are exactly-once, and a reader that dies leaves nothing to be acknowledged. Who reads a partition holds a
 * lease on it; without one nothing breaks, work is done twice and rolled back.
 *
 * Writers: a message is there before its transaction commits. The attempt after one that died publishes the same again,
 * which JetStream drops by the message's id within an hour; later it is there twice, and sinks and insights hold it once.
 */
import type { StoredMsg } from '@nats-io/jetstream';
import type { Connection, ConnectionPool } from '../store/store.ts';
import { lanes } from './lanes.ts';
import type { Nats } from './nats.ts';
import { type Part, partsOf, wholeOf } from './payload.ts';
import { enter, groupsOf, type Place, PositionedBatch, positionOf, slowest } from './positions.ts';
import { readAhead } from './read-ahead.ts';
import {
  type Batch,
  type DrainOptions,
  type Entry,
  type Message,
  type Publication,
  partitioned,
  type Stream,
} from './stream.ts';

export interface JetStreamOptions {
  nats: Nats;
  /** Has the tables of `prepareSchema`: the positions are there. */
  pool: ConnectionPool;
  /** That new messages are spread over. */
  partitions: number;
}

export class JetStream implements Stream {
  readonly #nats: Nats;
  readonly #pool: ConnectionPool;
  readonly #partitions: number;

  constructor({ nats, pool, partitions }: JetStreamOptions) {
    this.#nats = nats;
    this.#pool = pool;
    this.#partitions = partitions;
  }

  async publish(topic: string, messages: readonly Message[], { cause }: Publication = {}): Promise<void> {
    if (messages.length === 0) return;
    await this.#nats.topic(topic);
    for (const [partition, own] of partitioned(messages, this.#partitions)) {
      for (const part of await partsOf(own, this.#nats.largest)) {
        await this.#publishPart(this.#nats.subject(topic, partition), part, cause);
      }
    }
  }

  /** A part is a whole message, or pieces that are kept beside and a message that says where. */
  async #publishPart(subject: string, { body, pieces }: Part, cause: string | undefined): Promise<void> {
    const sequences: number[] = [];
    for (const piece of pieces) sequences.push(await this.#nats.publish(`${subject}.piece`, piece, cause));
    await this.#nats.publish(subject, body ?? Buffer.from(JSON.stringify(sequences)), cause);
  }

  async *drain(
    topic: string,
    group: string,
    { maxBatch, share = { index: 0, of: 1 } }: DrainOptions,
  ): AsyncGenerator<Batch> {
    const log = await this.#nats.topic(topic);
    const own = (await this.#partitionsOf(topic)).filter((partition) => partition % share.of === share.index);
    await this.#borrowed((connection) => enter(log, group, own, connection));
    const ends = new Map<number, number>();
    const endOf = async (partition: number) => {
      const known = ends.get(partition);
      if (known !== undefined) return known;
      const last = await this.#nats.last(this.#nats.subject(topic, partition));
      ends.set(partition, last === null ? 0 : last.seq + 1);
      return ends.get(partition)!;
    };
    const position = (partition: number) =>
      this.#borrowed((connection) => positionOf({ log, group, partition }, connection));
    const isDone = async (partition: number) => (await position(partition)) >= (await endOf(partition));
    for await (const partition of lanes(own, (each) => this.#nats.lease(`${topic}.${group}.${each}`), isDone)) {
      const end = await endOf(partition);
      yield* readAhead({
        position: () => position(partition),
        read: (from) => this.#read(topic, { log, group, partition }, { from, end, maxBatch }),
        end,
      });
    }
  }

  async #read(topic: string, place: Place, { from, end, maxBatch }: { from: number; end: number; maxBatch: number }) {
    const subject = this.#nats.subject(topic, place.partition);
    const entries: Entry[] = [];
    let next = from;
    for (let size = 0; entries.length < maxBatch && size < BATCH_SIZE && next < end; ) {
      const message = await this.#nats.next(subject, next);
      if (message === null || message.seq >= end) break;
      const own = await this.#messagesOf(message);
      for (const each of own) entries.push({ ...each, partition: place.partition, offset: message.seq });
      size += message.data.length;
      next = message.seq + 1;
    }
    return entries.length === 0 ? null : new PositionedBatch(topic, place, from, next, entries);
  }

  #messagesOf(message: StoredMsg): Promise<Message[]> {
    return wholeOf(message.data, (sequence) => this.#nats.at(message.subject, sequence));
  }

  async groups(topic: string): Promise<string[]> {
    const log = await this.#nats.topic(topic);
    return this.#borrowed((connection) => groupsOf(log, connection));
  }

  async trim(topic: string, age: number): Promise<void> {
    const log = await this.#nats.topic(topic);
    const read = await this.#borrowed((connection) => slowest(log, connection));
    const young = await this.#nats.firstSince(topic, Date.now() - age);
    for (const partition of await this.#partitionsOf(topic)) {
      const behind = read.size === 0 ? young : read.get(partition);
      if (behind !== undefined) await this.#nats.purge(this.#nats.subject(topic, partition), Math.min(behind, young));
    }
  }

  /** Those that are written to, and those that were when there were more. */
  async #partitionsOf(topic: string): Promise<number[]> {
    const own = Array.from({ length: this.#partitions }, (_, partition) => partition);
    return [...new Set([...own, ...(await this.#nats.partitions(topic))])].sort((a, b) => a - b);
  }

  async #borrowed<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#pool.acquire();
    try {
      return await work(connection);
    } finally {
      connection.release();
    }
  }
}

/** A batch is closed at about so many compressed bytes. */
const BATCH_SIZE = 2 * 1024 * 1024;
