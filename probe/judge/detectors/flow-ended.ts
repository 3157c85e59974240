/**
 * flow-ended: the flow that acquired it is gone (its token was garbage-collected), it is open and idle. Needs Node 24.
 *
 * Evidence, never proof: somebody else may hold it. So certainty comes from this line's own history. Every one that came
 * back was given back by its own flow: `likely`. Some came back otherwise: only what is far beyond the longest known use
 * is a `suspect`. Nothing ever came back: a `suspect` once there are several, also of a flow that goes on to take more.
 *
 * False positives it avoids: parked in a map and released by a reaper, sessions released by a listener (history); a
 * LISTEN client or lock held for life (the line acquired once, or a few times and never again); used by another flow.
 * False negatives: a flow that goes on (a loop: see superseded), or that a long timer or a socket of its own keeps.
 */
import type { Resource } from '../../account/ledger.ts';
import type { Detector, Verdict } from './detector.ts';
import { span } from './words.ts';

const HISTORY = 3;
const BEYOND_HISTORY = 3;
/** Never released: so many are more than the few that a program holds for life … */
const NEVER_RELEASED = 5;
/** … and so many that one flow took one after the other, when it goes on. */
const NEVER_RELEASED_IN_A_ROW = 12;

export const flowEnded: Detector = ({ shape, open, acquired, history }, { at, graceMs }) => {
  if ((shape !== 'lease' && shape !== 'interval') || acquired < 2) return null;
  const isOwnFlows = history.inFlow >= HISTORY && history.inFlow === history.released;
  const patience = Math.max(graceMs, isOwnFlows ? 0 : BEYOND_HISTORY * history.longestUse);
  const leaked = open.filter(
    (resource) =>
      resource.hasLostFlow && !resource.isHandedOver && at - resource.lastUsedAt > patience && !resource.isBusy?.(),
  );
  if (history.released === 0 && leaked.length < NEVER_RELEASED) return neverReleased(open, at - graceMs);
  if (leaked.length === 0) return null;
  const others = isOwnFlows
    ? `all ${history.released} that came back were given back by the flow that took them`
    : history.released === 0
      ? 'none ever came back'
      : `${history.released - history.inFlow} of ${history.released} that came back were given back by another flow, after ${span(history.longestUse)} at most`;
  return {
    detector: 'flow-ended',
    certainty: isOwnFlows ? 'likely' : 'suspect',
    leaked,
    evidence: [`No continuation of the code that took ${leaked.length === 1 ? 'it' : 'them'} is left; ${others}.`],
  };
};

/** The flow goes on and takes more and more, of which none ever came back. */
function neverReleased(open: readonly Resource[], idleSince: number): Verdict | null {
  const leaked = open.filter(
    (resource) =>
      resource.isLeftBehind && !resource.isHandedOver && resource.lastUsedAt < idleSince && !resource.isBusy?.(),
  );
  if (leaked.length < NEVER_RELEASED_IN_A_ROW) return null;
  return {
    detector: 'flow-ended',
    certainty: 'suspect',
    leaked,
    evidence: [`The code that took ${leaked.length} of them has gone on to take others; none ever came back.`],
  };
}
