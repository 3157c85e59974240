/** A database's recording and the processes' → its part of `report.json`. */
import { siteOf } from '../../probe/recording/build-report.ts';
import type { DatabaseRecording, LookLine, Session } from '../../probe/recording/database.ts';
import type { DatabaseReport, Holding, JoinedSession } from '../../probe/recording/database-report.ts';
import type { Recording } from '../../probe/recording/format.ts';
import { Sources } from '../../probe/recording/source.ts';
import { associationsOf } from './associations.ts';
import { formerHolder, type Held, joined, type Moment, plain } from './join.ts';
import { notable, preparedOnes } from './notable.ts';
import { overTime } from './over-time.ts';

/** Younger sessions may not have been listed by their process yet, milliseconds. */
const SETTLED_MS = 6500;
const MAX_SESSIONS = 500;

export function databaseReport(database: DatabaseRecording, recordings: readonly Recording[]): DatabaseReport {
  const { server, looks, gaps, lastAt } = database;
  const { name, kind, startedMs } = database.database;
  const iso = (at: number) => new Date(startedMs + at).toISOString();
  const describe = describer(database, recordings);
  const moments = joined(database, recordings);
  const ours = addressesOf(moments);
  const shown = moments.findLast(({ sessions }) => sessions.some(({ held }) => held !== null)) ?? moments.at(-1);
  const sessionsOf = (moment: Moment) =>
    moment.sessions
      .map(({ session, held }) => describe(session, held, moment))
      .filter((joint) => joint.holding !== null || isLeftOver(joint, moment, ours, database));
  return {
    ...{ name, kind, looks: looks.length },
    version: server?.version ?? null,
    address: server?.address ?? null,
    maxSessions: server?.maxSessions ?? null,
    from: iso(0),
    to: iso(lastAt),
    gaps: gaps.map(({ from, to, ...gap }) => ({ ...gap, from: iso(from), to: to === null ? null : iso(to) })),
    missing: server?.missing ?? [],
    peak: {
      sessions: peak(looks, ({ sessions }) => Object.values(sessions).reduce((sum, count) => sum + count, 0)),
      active: peak(looks, ({ sessions }) => sessions.active),
      idleInTransaction: peak(looks, ({ sessions }) => sessions['idle in transaction']),
      waitingForLocks: peak(looks, ({ waits }) => waits.Lock ?? 0),
    },
    transactions: transactionsOf(looks),
    cost: costOf(looks),
    over: overTime(database),
    sessionsAt: shown ? new Date(shown.at).toISOString() : null,
    sessions: shown ? sessionsOf(shown).sort(leftOversFirst).slice(0, MAX_SESSIONS) : [],
    leasesWithoutSession: (
      moments.findLast(({ withoutSession }) => withoutSession.length > 0)?.withoutSession ?? []
    ).map((held) => describe.holding(held)),
    notable: [...notable(moments.map(sessionsOf)), ...preparedOnes(looks)],
    ...associationsOf(database, recordings),
  };
}

type Describe = ((session: Session, held: Held | null, moment: Moment) => JoinedSession) & {
  holding(held: Held): Holding;
};

function describer(database: DatabaseRecording, recordings: readonly Recording[]): Describe {
  const sources = Sources.of(recordings);
  const holding = ({ recording, connection }: Held): Holding => {
    const { pool, state, site, frame, ageMs, idleMs, busy } = connection;
    const { library = '', name = '' } = recording.pools.get(pool) ?? {};
    const { pid, thread } = recording.process;
    return {
      pid,
      thread,
      library,
      pool: name,
      state,
      ageMs,
      idleMs,
      busy,
      site: siteOf(recording, site, frame, sources),
    };
  };
  const describe = (session: Session, held: Held | null, moment: Moment): JoinedSession => {
    const former = held ? null : formerHolder(session, database, recordings, moment.at);
    const { connectionId: _, ageMs: __, database: ___, ...seen } = session;
    return { ...seen, holding: held && holding(held), formerly: former && holding(former) };
  };
  return Object.assign(describe, { holding });
}

/** Where the recorded processes connect from, to this server. */
function addressesOf(moments: readonly Moment[]): Set<string | null> {
  const joints = moments.flatMap(({ sessions }) => sessions).filter(({ held }) => held !== null);
  return new Set(joints.map(({ session }) => plain(session.address)));
}

/**
 * A session of the application's own address and database that nobody has: left by a process that is gone, or opened
 * past every pool. Only once every process that runs has had the time to list it.
 */
function isLeftOver(
  { id, address, formerly }: JoinedSession,
  { sessions, isComplete }: Moment,
  ours: ReadonlySet<string | null>,
  { server }: DatabaseRecording,
): boolean {
  const session = sessions.find((each) => each.session.id === id)?.session;
  if (!session || session.ageMs < SETTLED_MS || !ours.has(plain(address))) return false;
  return session.database === server?.database && (isComplete || formerly !== null);
}

function leftOversFirst(a: JoinedSession, b: JoinedSession): number {
  return Number(a.holding !== null) - Number(b.holding !== null) || ageOf(b) - ageOf(a) || b.stateMs - a.stateMs;
}

function ageOf({ holding }: JoinedSession): number {
  return holding?.ageMs ?? -1;
}

function peak(looks: readonly LookLine[], value: (look: LookLine) => number): number {
  return looks.reduce((most, look) => Math.max(most, value(look)), 0);
}

/** A server that restarted may count from zero again: what falls is no progress. */
export function progress(values: readonly number[]): number {
  return values.reduce((sum, value, index) => sum + Math.max(0, value - (values[index - 1] ?? value)), 0);
}

function transactionsOf(looks: readonly LookLine[]): DatabaseReport['transactions'] {
  const of = (key: keyof LookLine['totals']) => progress(looks.map(({ totals }) => totals[key]));
  return { commits: of('commits'), rollbacks: of('rollbacks'), deadlocks: of('deadlocks'), lostSessions: of('lost') };
}

function costOf(looks: readonly LookLine[]): DatabaseReport['cost'] {
  const seen = looks.filter(({ cpuMs }) => cpuMs !== null);
  if (seen.length === 0) return null;
  const cpuMs = progress(seen.map((look) => look.cpuMs as number));
  const { commits, rollbacks } = transactionsOf(seen);
  const transactions = commits + rollbacks;
  return {
    cpuMs,
    cpuPerTransactionMs: transactions > 0 ? Math.round((1000 * cpuMs) / transactions) / 1000 : null,
    memoryPeakBytes: peak(seen, ({ memoryBytes }) => memoryBytes ?? 0) || null,
  };
}
