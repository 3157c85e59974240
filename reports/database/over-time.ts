/** A database's looks as a few hundred points, for the time line. */
import type { DatabaseRecording, LookLine } from '../../probe/recording/database.ts';
import type { DatabaseReport } from '../../probe/recording/database-report.ts';

const MOST = 400;

/** Gauges as they were at the end of each point's looks, rates over all of them. */
export function overTime({ database, looks }: DatabaseRecording): DatabaseReport['over'] {
  const over: DatabaseReport['over'] = {
    ...{ at: [], sessions: [], active: [], idleInTransaction: [], waitingForLocks: [] },
    ...{ transactionsPerSecond: [], cpu: [], memoryBytes: [] },
  };
  const stride = Math.ceil(looks.length / MOST) || 1;
  let before: LookLine | null = null;
  let measured: LookLine | null = null;
  for (let i = stride - 1; i < looks.length; i += stride) {
    const look = looks[i] as LookLine;
    over.at.push(database.startedMs + look.at);
    over.sessions.push(Object.values(look.sessions).reduce((sum, count) => sum + count, 0));
    over.active.push(look.sessions.active);
    over.idleInTransaction.push(look.sessions['idle in transaction']);
    over.waitingForLocks.push(look.waits.Lock ?? 0);
    const done = ({ totals }: LookLine) => totals.commits + totals.rollbacks;
    over.transactionsPerSecond.push(before && perSecond(done(look) - done(before), look.at - before.at, 1));
    // the server's processes are looked at less often when there are many
    const isMeasured = look.cpuMs !== null;
    const used = isMeasured && measured ? (look.cpuMs as number) - (measured.cpuMs as number) : null;
    over.cpu.push(used === null || !measured ? null : perSecond(used / 1000, look.at - measured.at, 100));
    over.memoryBytes.push(look.memoryBytes);
    before = look;
    if (isMeasured) measured = look;
  }
  return over;
}

/** What falls is a server that began to count again. */
function perSecond(risen: number, overMs: number, precision: number): number | null {
  if (risen < 0 || overMs <= 0) return null;
  return Math.round((precision * 1000 * risen) / overMs) / precision;
}
