/**
 * outlived-scope, of timers that are set again and again: each is innocent until past due, but the code that sets them
 * goes on after its job run has ended.
 *
 * Says `likely` when several job runs left such a loop, of requests never more than a `suspect`.
 * False positives: a refresher per key that is started by whoever asks first (one per line is silent).
 * False negatives: loops outside any scope, and of a period longer than the recording goes on after the scope.
 */
import type { Detector } from '../detector.ts';
import { isScopeOver } from '../over.ts';
import { largest, span } from '../words.ts';

/** Runs that make a pattern. */
const RUNS = 3;

export const rearmed: Detector = {
  detector: 'outlived-scope',
  picks: (_, context) => (resource) => {
    const { account, scope, openedAt } = resource;
    // of Node's own, such as those of an agent's sockets, nobody is the owner
    if (account.site?.stack[account.site.user[0] ?? -1]?.file.startsWith('node:')) return false;
    return scope !== null && isScopeOver(resource, context) && openedAt - scope.ended > context.graceMs;
  },
  concludes(leaked, _, { at }) {
    const runs = new Set(leaked.map(({ scope }) => scope));
    if (runs.size < 2) return null;
    const isJob = leaked.every(({ scope }) => scope?.kind === 'job');
    const latest = largest(leaked.map(({ openedAt, scope }) => openedAt - (scope?.ended ?? at)));
    return {
      certainty: isJob && runs.size >= RUNS ? 'likely' : 'suspect',
      leaked,
      evidence: [
        `Set here again and again by ${runs.size} ${isJob ? 'job runs' : 'requests'} that have ended, as late as ${span(latest)} after their end.`,
      ],
    };
  },
};
