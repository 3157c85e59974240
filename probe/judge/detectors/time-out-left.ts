/**
 * flow-ended, of time-outs: one that is to give up on something still waits, though the code that set it has gone on, or
 * its job run or request has ended.
 *
 * Says `likely` of many of which no continuation is left that would still hear of them, or where nothing is under way any
 * more that they could wait for; else a `suspect`, since raced promises keep a continuation that will never run.
 * False positives it avoids: what is still awaited, however long, or may wait for other timers; time-outs that events set, of connections and sessions
 * that go on; what fires has done its work.
 * False positives: several that a message handler sets by an async function and keeps for later.
 * False negatives: a few of them, and outside of jobs and requests raced ones of fewer than `MANY.raced`.
 */
import type { Resource } from '../../account/ledger.ts';
import type { Detector } from './detector.ts';
import { span } from './words.ts';

const MANY = { gone: 8, raced: 12 };
/** Turns of the program in which they were set. */
const OCCASIONS = 3;
/** Times the longest one that was cleared so far. */
const BEYOND_HISTORY = 3;

export const timeOutLeft: Detector = {
  detector: 'flow-ended',
  picks({ open, history }, { at, graceMs }) {
    if (open < MANY.gone) return null;
    const patience = Math.max(graceMs, BEYOND_HISTORY * history.longestUse);
    return (resource) => at - resource.openedAt > patience && (isLeft(resource) || hasGoneOn(resource));
  },
  concludes(picked, { history }, { at, timersAlone }) {
    const under = underWay(picked, timersAlone());
    const gone = under === 'nothing' ? picked : picked.filter(isLeft);
    const isSure = gone.length >= MANY.gone;
    const leaked = isSure ? gone : under === 'as much' ? [] : picked;
    const occasions = new Set(leaked.map(({ turn }) => turn)).size;
    if ((!isSure && leaked.length < MANY.raced) || occasions < OCCASIONS) return null;
    const oldest = leaked.reduce((first, { openedAt }) => Math.min(first, openedAt), at);
    const others =
      history.released > 0 ? `${history.released} others of this line were cleared` : 'not one was cleared';
    return {
      certainty: isSure ? 'likely' : 'suspect',
      leaked,
      evidence: [
        `${leaked.length} time-outs set here are still to come, the first since ${span(at - oldest)}, though ${gone.some(({ hasLostHost }) => hasLostHost) ? 'their connections have ended' : 'the code that set them has gone on'}; ${others}.`,
      ],
    };
  },
};

/** What there is that they could wait for: other timers, where there is nothing else. */
function underWay(picked: readonly Resource[], timers: number | null): 'nothing' | 'as much' | 'unknown' {
  if (timers === null) return 'unknown';
  const own = picked.filter(({ keepsAlive }) => keepsAlive?.() !== false).length;
  if (timers - own < picked.length / 4) return 'nothing';
  return timers - own >= picked.length / 2 ? 'as much' : 'unknown';
}

function isLeft({ isLeftBehind, hasLostHost }: Resource): boolean {
  return isLeftBehind || hasLostHost;
}

function hasGoneOn({ overtaken, scope }: Resource): boolean {
  return overtaken > 0 || (scope !== null && scope.ended !== 0);
}
