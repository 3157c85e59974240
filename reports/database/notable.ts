/** What stood out on the server during a run: transactions left open, and who made whom wait. */
import type { LookLine } from '../../probe/recording/database.ts';
import type { JoinedSession } from '../../probe/recording/database-report.ts';
import { duration, plural } from '../words.ts';
import { activityOf, whoHas } from './describe.ts';

/** Shorter than these a transaction may rest, and a lock be waited for, without a word; milliseconds. */
export const RESTING_MS = 5000;
export const WAITING_MS = 1000;
const MAX_SENTENCES = 12;

/** Longest first; what the same holder did several times is one sentence. `moments`: all sessions, moment by moment. */
export function notable(moments: readonly (readonly JoinedSession[])[]): string[] {
  const worst = new Map<string, { session: JoinedSession; ids: Set<string>; sentence: (others: number) => string }>();
  const note = (key: string, session: JoinedSession, sentence: (others: number) => string): void => {
    const known = worst.get(key);
    const ids = (known?.ids ?? new Set()).add(session.id);
    worst.set(key, known && known.session.stateMs >= session.stateMs ? known : { session, ids, sentence });
  };
  for (const sessions of moments) {
    const byId = new Map(sessions.map((session) => [session.id, session]));
    for (const session of sessions) {
      const who = whoHas(session);
      if (session.state === 'idle in transaction' && session.stateMs >= RESTING_MS) {
        note(`rests ${who}`, session, (others) => `${named(session, others)}, ${activityOf(session)}, ${who}.`);
      }
      if (session.locks && session.state === 'idle' && session.stateMs >= RESTING_MS) {
        const locks = plural(session.locks, 'advisory lock');
        note(
          `keeps ${who}`,
          session,
          (others) => `${named(session, others)}, ${activityOf(session)}, ${who}, keeps ${locks}.`,
        );
      }
      for (const blocker of session.stateMs >= WAITING_MS ? session.blockedBy : []) {
        const other = byId.get(blocker);
        const whose = other ? `, ${other.state}, ${whoHas(other)}` : '';
        note(
          `waits ${who} ${other ? whoHas(other) : blocker}`,
          session,
          (others) =>
            `${named(session, others)}, ${who}, waited ${duration(session.stateMs)} for a lock of session ${blocker}${whose}.`,
        );
      }
    }
  }
  return [...worst.values()]
    .sort((a, b) => b.session.stateMs - a.session.stateMs)
    .slice(0, MAX_SENTENCES)
    .map(({ ids, sentence }) => sentence(ids.size - 1));
}

/** Transactions that no session has: nothing ends them but a statement. */
export function preparedOnes(looks: readonly LookLine[]): string[] {
  const oldest = looks.findLast(({ prepared }) => prepared !== undefined)?.prepared;
  if (!oldest || oldest.oldestMs < RESTING_MS) return [];
  return [
    `${plural(oldest.count, 'prepared transaction')} of no session, the oldest for ${duration(oldest.oldestMs)}: with ${oldest.count === 1 ? 'its' : 'their'} locks, until COMMIT PREPARED or ROLLBACK PREPARED.`,
  ];
}

function named({ id }: JoinedSession, others: number): string {
  return others === 0 ? `Session ${id}` : `Session ${id} (and ${plural(others, 'other')} alike)`;
}
