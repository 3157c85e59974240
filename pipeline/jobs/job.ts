/** What the jobs have in common: each is a bounded run that ends when its topic is drained, and can be run again. */
import type { Connection, ConnectionPool } from '../store/store.ts';
import type { Stream } from '../streams/stream.ts';

/**
 * Where a job is in a batch: `before-write` a transaction begins and is empty; `after-write` all is written, nothing
 * committed; `commit` COMMIT is sent, its answer not there; `next-read` the batch is done.
 */
export const PHASES = ['before-write', 'after-write', 'commit', 'next-read'] as const;
export type Phase = (typeof PHASES)[number];

export interface JobOptions {
  pool: ConnectionPool;
  stream: Stream;
  /** Ends the job between two batches. */
  signal?: AbortSignal | undefined;
  observe?: ((phase: Phase) => void) | undefined;
  /** Entries per transaction; 2,000 by default. */
  maxBatch?: number | undefined;
}

export const MAX_BATCH = 2_000;

/**
 * Runs `write` in a transaction of a connection from the pool: all of it or nothing. It may send statements without
 * waiting for those before, which are done in their order; when it ends, none of them is still under way (`together`).
 */
export async function transact(
  { pool, observe }: Pick<JobOptions, 'pool' | 'observe'>,
  write: (transaction: Connection) => Promise<void>,
): Promise<void> {
  const connection = await pool.acquire();
  let broken: Error | undefined;
  try {
    const begun = connection.begin();
    observe?.('before-write');
    await together([begun, write(connection)]);
    observe?.('after-write');
    const committed = connection.commit();
    observe?.('commit');
    await committed;
  } catch (error) {
    await connection.rollback().catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    connection.release(broken);
  }
}

/** As `Promise.all`, but when it throws, none is still at work: what comes after a rollback would be committed by itself. */
export async function together<Work extends readonly Promise<unknown>[]>(work: readonly [...Work]) {
  try {
    return await Promise.all(work);
  } finally {
    await Promise.allSettled(work);
  }
}

/** Adds one to a count by name. */
export function count(counts: Record<string, number>, name: string, by = 1): void {
  counts[name] = (counts[name] ?? 0) + by;
}
