/**
 * keeps-alive: at the end of the process, what was told not to hold it open (`unref()`) was for longer than a grace all
 * that did, and had nothing left to do. Without whoever ended it, the process would have hung.
 *
 * False positives: a service that lives by such a thread on purpose, though its code says the opposite.
 * False negatives: a process that is killed before it can say what it knows; see watch/handles/held-again.ts.
 */
import type { Detector } from './detector.ts';
import { largest, span } from './words.ts';

/** What is left may take a moment to end. */
const LEAST_MS = 500;

export const keepsAlive: Detector = {
  detector: 'keeps-alive',
  picks(_, { isEnd, graceMs }) {
    // asked at each look, for this is how it is known since when
    return (resource) => (resource.heldAgainMs?.() ?? 0) > Math.max(graceMs, LEAST_MS) && isEnd;
  },
  concludes(leaked) {
    const longest = largest(leaked.map((resource) => resource.heldAgainMs?.() ?? 0));
    return {
      certainty: 'likely',
      leaked,
      evidence: [
        `It alone kept the process from ending, for ${span(longest)}, though unref() was called: a listener to its messages that is added later takes that back. Call unref() after adding it.`,
      ],
    };
  },
};
