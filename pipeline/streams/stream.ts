/** Durable, partitioned topics between jobs. Entries of one key keep their order. */
import type { Connection } from '../store/store.ts';

export interface Message {
  key: string;
  /** JSON. */
  value: unknown;
}

export interface Entry extends Message {
  partition: number;
  /** Rises within topic and partition. Gaps are allowed, and several entries that were packed into one may share it. */
  offset: number;
}

/** What a group has not seen yet of one partition. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  /** At least one. */
  readonly entries: readonly Entry[];
  /**
   * Moves the group's offset past the batch, in the transaction that holds the batch's results: both or neither.
   * Throws `StaleBatchError` when another consumer of the group was faster; roll back then.
   */
  commit(transaction: Connection): Promise<void>;
}

/** Of several consumers that share the partitions of a topic, the one with this index takes each `of`-th. */
export interface Share {
  /** From 0. */
  index: number;
  of: number;
}

export interface DrainOptions {
  /** Entries of a batch, about: what a stream keeps packed together may be more. */
  maxBatch: number;
  share?: Share;
}

export interface Publication {
  /** That the results are part of. */
  transaction?: Connection;
  /**
   * What the messages were made of, the same at every attempt: a stream outside of the database knows by it what it has
   * already.
   */
  cause?: string;
}

/**
 * Reading is exactly-once into the jobs' database. Publishing is too on the log table, whose entries are part of the
 * transaction. On a stream elsewhere they come before it: what was published by an attempt that died may be there twice,
 * so what is made of entries has to be the same for the same entry (results have ids, sinks and insights hold each once).
 */
export interface Stream {
  /** Durable when it resolves, or, given a transaction, at the latest when that commits. */
  publish(topic: string, messages: readonly Message[], publication?: Publication): Promise<void>;
  /** Batches of each partition in turn until the group has seen everything that was there at the end. */
  drain(topic: string, group: string, options: DrainOptions): AsyncIterable<Batch>;
  /** The groups that have read the topic. */
  groups(topic: string): Promise<string[]>;
  /**
   * Removes what every group of the topic has read and what is older than so many milliseconds; of a topic that nobody
   * reads, what is older. A group that comes later begins with the oldest that is left.
   */
  trim(topic: string, age: number): Promise<void>;
}

/** A stream outside of the database is away, or refuses. */
export class StreamFailure extends Error {
  override name = 'StreamFailure';
}

/** Another consumer of the group has already committed past this batch. */
export class StaleBatchError extends Error {
  constructor(batch: Pick<Batch, 'topic' | 'partition'>, group: string) {
    super(`Another consumer of ${group} was faster on partition ${batch.partition} of ${batch.topic}.`);
    this.name = 'StaleBatchError';
  }
}

/** By partition, in ascending order: those of one key are together. */
export function partitioned(messages: readonly Message[], partitions: number): [number, Message[]][] {
  const own = new Map<number, Message[]>();
  for (const message of messages) {
    const partition = partitionOf(message.key, partitions);
    const others = own.get(partition);
    if (others) others.push(message);
    else own.set(partition, [message]);
  }
  return [...own].sort(([a], [b]) => a - b);
}

/** FNV-1a: the same key is always in the same partition, in any process. */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}

/** What was published together, as one text: JSON pairs of key and value. */
export function packed(messages: readonly Message[]): string {
  return JSON.stringify(messages.map(({ key, value }) => [key, value]));
}

export function unpacked(text: string): Message[] {
  return (JSON.parse(text) as [string, unknown][]).map(([key, value]) => ({ key, value }));
}
