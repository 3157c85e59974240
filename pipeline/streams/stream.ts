/** Durable, partitioned topics between jobs. Entries of one key keep their order. */
import type { Connection } from '../store/store.ts';

export interface Message {
  key: string;
  /** JSON. */
  value: unknown;
}

export interface Entry extends Message {
  partition: number;
  /** Gapless per topic and partition, from 0. */
  offset: number;
}

/** What a group has not seen yet of one partition. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
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

export interface Stream {
  /** Durable when it resolves, or, given a transaction, when that commits. */
  publish(topic: string, messages: readonly Message[], transaction?: Connection): Promise<void>;
  /** Batches of each partition in turn until the group has seen everything that was there at the end. */
  drain(topic: string, group: string, options: { maxBatch: number; share?: Share }): AsyncIterable<Batch>;
}

/** Another consumer of the group has already committed past this batch. */
export class StaleBatchError extends Error {
  constructor(batch: Pick<Batch, 'topic' | 'partition'>, group: string) {
    super(`Another consumer of ${group} was faster on partition ${batch.partition} of ${batch.topic}.`);
    this.name = 'StaleBatchError';
  }
}
