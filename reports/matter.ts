/** What a finding is about, where that is not a resource that nobody gave back. */
import { NATURES, type Matter as NatureMatter } from '../probe/recording/natures.ts';
import type { Finding, Withdrawn } from '../probe/recording/report.ts';

/** An `exhaustion` and a `deadlock` are of a whole pool; all others are of the nature of what leaks. */
export type Matter = NatureMatter | 'exhaustion' | 'deadlock';

export function matterOf({ detector, nature }: Finding | Withdrawn): Matter {
  if (detector === 'pool-exhausted') return 'exhaustion';
  if (detector === 'hold-and-wait') return 'deadlock';
  return NATURES[nature].matter;
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
