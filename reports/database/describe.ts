/** Sessions and leases in words. */
import { basename } from 'node:path';
import type { Holding, JoinedSession } from '../../probe/recording/database-report.ts';
import { duration } from '../words.ts';

/** `reserve orders.ts:12 (pool orders, process 81)`; what is of no pool has none. */
export function holderName({ site, pool, pid, thread }: Holding): string {
  const place = site ? `${site.function} ${basename(site.file)}:${site.line}`.trim() : 'an unknown line';
  return `${place} (${pool ? `pool ${pool}, ` : ''}process ${pid}${thread ? ` thread ${thread}` : ''})`;
}

/** `held by reserve orders.ts:12 (…)`, or what else is known of who has it. */
export function whoHas({ state, holding, formerly }: Pick<JoinedSession, 'state' | 'holding' | 'formerly'>): string {
  if (holding?.ageMs != null) return `held by ${holderName(holding)}`;
  if (holding) {
    // the process was looked at somewhat earlier or later: what it had then may not be what it had at this moment
    const what = state === 'idle' && holding.state === 'idle' ? 'idle in' : 'lent for a moment by';
    return `${what} pool ${holding.pool} of process ${holding.pid}`;
  }
  if (formerly?.site) return `held by nobody any more, once by ${holderName(formerly)}`;
  if (formerly) return `held by nobody any more, once in pool ${formerly.pool} of process ${formerly.pid}`;
  return 'held by no recorded pool';
}

/** `idle in transaction for 40 s`, `active for 3 s, waits for Lock: tuple`. */
export function activityOf({ state, stateMs, wait }: Pick<JoinedSession, 'state' | 'stateMs' | 'wait'>): string {
  return `${state} for ${duration(stateMs)}${wait ? `, waits for ${wait}` : ''}`;
}

/** `Session 4711, idle in transaction for 40 s, held by reserve orders.ts:12 (pool orders, process 81).` */
export function sessionSentence(session: JoinedSession): string {
  return `Session ${session.id}, ${activityOf(session)}, ${whoHas(session)}.`;
}

/** `A lease of 2 min, held by reserve orders.ts:12 (…): the server has no such session.` */
export function lostLeaseSentence(holding: Holding): string {
  return `A lease of ${duration(holding.ageMs ?? 0)}, held by ${holderName(holding)}, has no session on the server.`;
}
