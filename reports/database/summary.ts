/** A database's run in a few sentences, for terminal and page. */
import type { DatabaseReport } from '../../probe/recording/database-report.ts';
import { duration, number, plural } from '../words.ts';

export function summaryOf(server: DatabaseReport): string[] {
  const { peak, transactions, cost, gaps, missing, maxSessions, looks, from, to } = server;
  const limit = maxSessions === null ? '' : ` of ${number(maxSessions)} that it accepts`;
  const lasted = Date.parse(to) - Date.parse(from);
  const ended = transactions.commits + transactions.rollbacks;
  return [
    `At most ${plural(peak.sessions, 'session')}${limit}, ${number(peak.active)} active, ${number(peak.idleInTransaction)} idle in transaction, ${number(peak.waitingForLocks)} waiting for a lock, in ${plural(looks, 'look')} over ${duration(lasted)}.`,
    server.kind === 'redis'
      ? `${plural(ended, 'command')} processed, ${plural(transactions.lostSessions, 'connection')} refused.`
      : `${plural(ended, 'transaction')} ended, ${number(transactions.rollbacks)} by rollback; ${plural(transactions.deadlocks, 'deadlock')}, ${plural(transactions.lostSessions, 'session')} lost.`,
    ...(cost ? [costSentence(cost)] : []),
    ...gaps.map(gapSentence),
    ...missing,
  ];
}

function costSentence({ cpuMs, cpuPerTransactionMs, memoryPeakBytes }: NonNullable<DatabaseReport['cost']>): string {
  const each = cpuPerTransactionMs === null ? '' : `, ${cpuPerTransactionMs.toPrecision(2)} ms for a transaction`;
  const memory =
    memoryPeakBytes === null ? '' : `; its processes had at most ${number(memoryPeakBytes / 1e6)} MB of their own`;
  return `The server used ${duration(cpuMs)} of CPU time${each}${memory}.`;
}

function gapSentence({ from, to, why, isRefused }: DatabaseReport['gaps'][number]): string {
  const until = to === null ? 'to the end' : `for ${duration(Date.parse(to) - Date.parse(from))}`;
  const cause = isRefused ? 'it had no session left even for the sampler' : why;
  return `Nothing was seen of it from ${from.slice(11, 19)} UTC ${until}: ${cause}.`;
}
