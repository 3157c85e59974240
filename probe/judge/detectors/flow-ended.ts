/**
 * flow-ended: the flow that acquired it is gone (its token was garbage-collected), it is open and idle. Needs Node 24.
 *
 * Evidence, never proof: somebody else may hold it. So certainty comes from this line's own history. Every one that came
 * back was given back by its own flow: `likely`. Some came back otherwise: only what is far beyond the longest known use
 * is a `suspect`. Nothing ever came back: a `suspect` once there are several, also of a flow that goes on to take more.
 *
 * At the end of the process no grace is due where all that came back was given back by its own flow.
 *
 * False positives it avoids: one that a helper took after an await, whose flow is another than its caller's, and that
 * nobody has used yet (a `suspect`: the caller may hold it); parked in a map and released by a reaper, sessions released by a listener (history); a
 * LISTEN client or lock held for life (the line acquired once, or a few times and never again); used by another flow; heartbeats of connections that are
 * still open.
 * False negatives: a flow that goes on (a loop: see superseded), or that a long timer or a socket of its own keeps.
 */
import type { Detector, Group } from './detector.ts';
import { span } from './words.ts';

const HISTORY = 3;
const BEYOND_HISTORY = 3;
/** Never released: so many are more than the few that a program holds for life … */
const NEVER_RELEASED = 5;
/** … and so many that one flow took one after the other, when it goes on. */
const NEVER_RELEASED_IN_A_ROW = 12;

export const flowEnded: Detector = {
  detector: 'flow-ended',
  picks({ acquired, history }, { at, graceMs, isEnd }) {
    if (acquired < 2) return null;
    const patience = isOwnFlows(history)
      ? isEnd
        ? 0
        : graceMs
      : Math.max(graceMs, BEYOND_HISTORY * history.longestUse);
    // of a flow that goes on and takes more and more, of which none ever came back
    const isLeft = history.released === 0;
    return (resource) =>
      at - resource.lastUsedAt > patience &&
      !resource.isHandedOver &&
      !resource.isHosted?.() &&
      (isLeft ? resource.isLeftBehind : resource.hasLostFlow) &&
      !resource.isBusy?.();
  },
  concludes(picked, { history }) {
    const gone = history.released > 0 ? picked : picked.filter(({ hasLostFlow }) => hasLostFlow);
    if (history.released === 0 && gone.length < NEVER_RELEASED) {
      if (picked.length < NEVER_RELEASED_IN_A_ROW) return null;
      const evidence = `The code that took ${picked.length} of them has gone on to take others; none ever came back.`;
      return { certainty: 'suspect', leaked: picked, evidence: [evidence] };
    }
    const sure = history.adopted === 0 ? gone : gone.filter(({ uses }) => uses > 0);
    const leaked = sure.length > 0 ? sure : gone;
    const them = leaked.length === 1 ? 'it' : 'them';
    return {
      certainty: isOwnFlows(history) && sure.length > 0 ? 'likely' : 'suspect',
      leaked,
      evidence: [`No continuation of the code that took ${them} is left; ${others(history)}.`],
    };
  },
};

/**
 * Of what is closed from wherever its news comes (a watcher, a heartbeat: by a listener, by a shutdown) the end of the
 * flow that made it says nothing, unless this line's own history says otherwise.
 */
export const ownFlowEnded: Detector = {
  ...flowEnded,
  picks: (group, moment) => (isOwnFlows(group.history) ? flowEnded.picks(group, moment) : null),
};

type History = Group['history'];

function isOwnFlows({ inFlow, released }: History): boolean {
  return inFlow >= HISTORY && inFlow === released;
}

function others(history: History): string {
  const { released, inFlow, longestUse } = history;
  if (isOwnFlows(history)) return `all ${released} that came back were given back by the flow that took them`;
  if (released === 0) return 'none ever came back';
  return `${released - inFlow} of ${released} that came back were given back by another flow, after ${span(longestUse)} at most`;
}
