/** What a finding is about, where that is not a resource that nobody gave back. */
import type { Finding, Withdrawn } from '../probe/recording/report.ts';

/** An `exhaustion` and a `deadlock` are of a whole pool; `pools` are made call by call. */
export type Matter = 'resource' | 'transaction' | 'pools' | 'exhaustion' | 'deadlock';

/** Why a pool ran out; null when the evidence does not say. */
export type Cause = 'leak' | 'slow database' | 'storm' | 'too small' | null;

export interface Demand {
  used: number;
  limit: number;
  /** Null when it is not known. */
  waiting: number | null;
}

export function matterOf({ detector, library, evidence }: Finding | Withdrawn): Matter {
  if (detector === 'pool-exhausted') return 'exhaustion';
  if (detector === 'hold-and-wait') return 'deadlock';
  if (isOfPools(library)) return 'pools';
  return evidence.some((sentence) => /given back inside a transaction/.test(sentence)) ? 'transaction' : 'resource';
}

/** Libraries of pools themselves, not of their leases. */
export function isOfPools(library: string): boolean {
  return library.endsWith(' pool');
}

export function causeOf({ evidence }: Pick<Finding, 'evidence'>): Cause {
  const words = evidence.map((sentence) => /^(?:A )?(leak|slow database|storm|too small):/i.exec(sentence)?.[1]);
  return (words.find(Boolean)?.toLowerCase() as Cause | undefined) ?? null;
}

/** How full the pool was, as its evidence says; null when it does not. */
export function demandOf({ evidence }: Pick<Finding, 'evidence'>): Demand | null {
  const text = evidence.join('\n');
  const exhausted = /with (\d+) of (\d+) in use and (\d+) waiting/.exec(text)?.slice(1).map(Number);
  if (exhausted) return { used: exhausted[0]!, limit: exhausted[1]!, waiting: exhausted[2]! };
  const all = /^All (\d+) connections of pool/m.exec(text)?.[1];
  return all ? { used: Number(all), limit: Number(all), waiting: null } : null;
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
