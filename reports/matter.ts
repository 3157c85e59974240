/** What a finding is about, where that is not a resource that nobody gave back. */
import type { Finding, Withdrawn } from '../probe/recording/report.ts';

/** An `exhaustion` and a `deadlock` are of a whole pool; `pools` are made call by call. */
export type Matter = 'resource' | 'transaction' | 'pools' | 'exhaustion' | 'deadlock';

export function matterOf({ detector, shape }: Finding | Withdrawn): Matter {
  if (detector === 'pool-exhausted') return 'exhaustion';
  if (detector === 'hold-and-wait') return 'deadlock';
  if (shape === 'pool') return 'pools';
  return shape === 'transaction' ? 'transaction' : 'resource';
}

/** Holders by line: the same line may hold through several callers. */
export function holdersByPlace({ holders }: Finding): Finding['holders'] {
  const byPlace = new Map<string, Finding['holders'][number]>();
  for (const holder of holders) {
    const place = holder.site ? `${holder.site.file}:${holder.site.line}` : '';
    const known = byPlace.get(place);
    if (!known) byPlace.set(place, { ...holder });
    else {
      known.count += holder.count;
      known.oldestMs = Math.max(known.oldestMs, holder.oldestMs);
      known.idleMs = Math.max(known.idleMs, holder.idleMs);
      known.busy = known.busy === null || holder.busy === null ? null : known.busy + holder.busy;
    }
  }
  return [...byPlace.values()].sort((a, b) => b.count - a.count);
}
