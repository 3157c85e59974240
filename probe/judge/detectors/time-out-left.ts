/**
 * flow-ended, of time-outs: one that is to give up on something still waits, though the code that set it has gone on, or
 * its job run or request has ended.
 *
 * Says `likely` of many of which no continuation is left that would still hear of them, of more that one flow set one
 * after the other if not one was ever cleared, and where nothing is under way any more that they could wait for; else a
 * `suspect`, of those that have waited for half of their time, since raced promises keep a continuation that will never run.
 * False positives it avoids: what is still awaited, however long; what others wait for, by callbacks or by promises that
 * were made elsewhere; time-outs that events set, of connections and sessions that go on; what fires has done its work;
 * what does not keep the process, as `AbortSignal.timeout()` does not.
 * False positives: requests that one flow starts and does not await yet, while the server has not answered a single one;
 * a loose `reject` of promises that were made elsewhere, sent by a flow of its own, while that server does not answer.
 * False negatives: a few of them, and outside of jobs and requests raced ones of fewer than `MANY.raced`.
 */
import type { Resource } from '../../account/ledger.ts';
import type { Detector } from './detector.ts';
import { isScopeOver } from './over.ts';
import { span } from './words.ts';

const MANY = { gone: 8, raced: 12 };
/** Turns of the program in which they were set. */
const OCCASIONS = 3;
/** Times the longest one that was cleared so far. */
const BEYOND_HISTORY = 3;

export const timeOutLeft: Detector = {
  detector: 'flow-ended',
  picks({ open, history }, context) {
    const { at, graceMs } = context;
    if (open < MANY.gone) return null;
    const patience = Math.max(graceMs, BEYOND_HISTORY * history.longestUse);
    return (resource) => {
      if (at - resource.openedAt <= patience || resource.keepsAlive?.() === false) return false;
      return isLost(resource) || resource.overtaken > 0 || isScopeOver(resource, context);
    };
  },
  concludes(picked, { history }, { at, timersAlone }) {
    const under = underWay(picked, timersAlone());
    const gone = goneOf(picked, history.released, under);
    const leaked =
      gone ?? (under === 'as much' ? [] : picked.filter(({ openedAt, lastsMs }) => at - openedAt > lastsMs / 2));
    const occasions = new Set(leaked.map(({ turn }) => turn)).size;
    if ((gone === null && leaked.length < MANY.raced) || occasions < OCCASIONS) return null;
    const oldest = leaked.reduce((first, { openedAt }) => Math.min(first, openedAt), at);
    const over = leaked.some(({ hasLostHost }) => hasLostHost)
      ? 'their connections have ended'
      : 'the code that set them has gone on';
    const others =
      history.released > 0 ? `${history.released} others of this line were cleared` : 'not one was cleared';
    return {
      certainty: gone === null ? 'suspect' : 'likely',
      leaked,
      evidence: [
        `${leaked.length} time-outs set here are still to come, the first since ${span(at - oldest)}, though ${over}; ${others}.`,
      ],
    };
  },
};

/** What there is that they could wait for: other timers, where there is nothing else. */
function underWay(picked: readonly Resource[], timers: number | null): 'nothing' | 'as much' | 'unknown' {
  if (timers === null) return 'unknown';
  const others = timers - picked.length;
  if (others < picked.length / 4) return 'nothing';
  return others >= picked.length / 2 ? 'as much' : 'unknown';
}

/** Those that nobody waits for any more, as far as that is sure. */
function goneOf(picked: Resource[], released: number, under: ReturnType<typeof underWay>): Resource[] | null {
  const lost = under === 'nothing' ? picked : picked.filter(isLost);
  if (lost.length >= MANY.gone) return lost;
  const passed = released > 0 ? [] : picked.filter((resource) => isLost(resource) || isPassed(resource));
  return passed.length >= MANY.raced ? passed : null;
}

function isLost({ hasLostFlow, hasLostHost }: Resource): boolean {
  return hasLostFlow || hasLostHost;
}

function isPassed({ isLeftBehind, overtaken }: Resource): boolean {
  return isLeftBehind && overtaken > 0;
}
