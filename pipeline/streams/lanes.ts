/** Partitions in turn, those that another reader holds last, when they are free or done. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Lease {
  release(): Promise<void>;
}

const AGAIN_MS = 250;

/** Holds the lease of a lane while the caller is at it. Null: another has it. */
export async function* lanes(
  partitions: readonly number[],
  take: (partition: number) => Promise<Lease | null>,
  isDone: (partition: number) => Promise<boolean>,
): AsyncGenerator<number> {
  let left = [...partitions];
  while (left.length > 0) {
    const held: number[] = [];
    for (const partition of left) {
      if (await isDone(partition)) continue;
      const lease = await take(partition);
      if (lease === null) {
        held.push(partition);
        continue;
      }
      try {
        yield partition;
      } finally {
        await lease.release();
      }
    }
    if (held.length > 0) await delay(AGAIN_MS);
    left = held;
  }
}
