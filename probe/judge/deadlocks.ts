/**
 * Deadlocks that were seen. A time-out lets go of one, and its callers give up: it happened none the less, and stands to
 * the end. It is withdrawn only when somebody gave back or used a connection though nothing had timed out.
 */
import type { PoolState } from '../account/pool-state.ts';
import type { Context, PoolVerdict } from './detectors/detector.ts';
import { holdAndWait } from './detectors/hold-and-wait.ts';

interface Seen {
  verdict: PoolVerdict;
  at: number;
  timeouts: number;
}

export class Deadlocks {
  readonly #seen: Map<PoolState, Seen> = new Map();

  /** The verdict that stands on `pool`; or why one no longer does. */
  look(pool: PoolState, context: Context): PoolVerdict | string | null {
    const known = this.#seen.get(pool);
    const verdict = holdAndWait(pool, context);
    if (verdict) {
      // what a time-out told of is over, and was one
      const timeouts = known?.timeouts ?? Math.min(pool.timeouts, pool.timeoutsJudged);
      this.#seen.set(pool, { verdict, at: context.at, timeouts });
      for (const { resource } of verdict.holders) resource.isDeadlocked = true;
      return verdict;
    }
    if (!known) return null;
    const why = pool.timeouts > known.timeouts ? null : whyNot(known);
    if (why === null) return known.verdict;
    this.#seen.delete(pool);
    for (const { resource } of known.verdict.holders) resource.isDeadlocked = false;
    return why;
  }
}

function whyNot({ verdict: { holders }, at }: Seen): string | null {
  for (const { resource } of holders) {
    if (resource.closed) return 'one of those who waited gave its connection back after all';
    if (resource.lastUsedAt > at || resource.isBusy?.()) return 'one of those who waited used its connection after all';
  }
  return null;
}
