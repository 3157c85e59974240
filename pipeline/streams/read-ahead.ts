/** Reads a partition one batch ahead of its consumer, who works on one while the next is fetched. */
import type { PositionedBatch } from './positions.ts';

export interface PartitionReader {
  /** Where the group is, as the database says. */
  position(): Promise<number>;
  /** The next batch from there on; null when there is nothing before the end. */
  read(from: number): Promise<PositionedBatch | null>;
  /** The offset before which all is to be read. */
  end: number;
}

/**
 * Until the group has everything before the end. What is read ahead is right only if the batch before it is committed:
 * if it is not, its own `commit` refuses it, and the position is asked for again.
 */
export async function* readAhead({ position, read, end }: PartitionReader): AsyncGenerator<PositionedBatch> {
  let from = await position();
  let ahead: Promise<PositionedBatch | null> | null = null;
  try {
    while (from < end) {
      const batch: PositionedBatch | null = await (ahead ?? read(from));
      if (batch === null) return;
      ahead = batch.next < end ? read(batch.next) : null;
      ahead?.catch(() => {}); // who needs it hears of it
      try {
        yield batch;
      } finally {
        batch.done();
      }
      if (batch.isMoved && ahead !== null) {
        from = batch.next;
        continue;
      }
      await ended(ahead);
      ahead = null;
      from = await position(); // the last batch may have been rolled back
    }
  } finally {
    await ended(ahead);
  }
}

/** Of a read that nobody waits for: it has a connection on loan, whose pool may be closed next. */
async function ended(read: Promise<PositionedBatch | null> | null): Promise<void> {
  const batch = await read?.catch(() => null);
  batch?.done();
}
