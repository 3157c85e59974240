/**
 * outlived-scope, of timers that fire once: they end by themselves, so only those are told that work left which failed,
 * while what others set at the line, for as long, was cleared.
 *
 * False positives it avoids: what each piece of work leaves, as an entry's time to live, also where an error is remembered
 * for longer than the rest; what only a failure sets, such as another try, and one after that (nobody clears those); what
 * another caller of the same helper set.
 * False positives: entries of failures alone whose time to live is that of others, which the next request clears.
 * False negatives: fewer than `MANY`, a line whose work fails as often as not, and one where others mostly fire, or are
 * collected, long after they were set, before a look finds them cleared.
 */
import type { Account } from '../../../account/ledger.ts';
import type { Detector } from '../detector.ts';
import { areOfFailed } from '../failed.ts';
import { isScopeOver } from '../over.ts';
import { median, span } from '../words.ts';

const MANY = 8;
/** So many were cleared at the line, called alike, and as many as this share of all that ended. */
const CLEARED = { few: 4, share: 0.5 };

export const oneShot: Detector = {
  detector: 'outlived-scope',
  picks: (_, context) => (resource) => {
    const { scope } = resource;
    return scope !== null && isScopeOver(resource, context) && context.at - scope.ended > context.graceMs;
  },
  concludes(leaked, group, context) {
    if (leaked.length < MANY || !areOfFailed(leaked, group, context)) return null;
    const accounts = [...new Set(leaked.map(({ account }) => account))];
    const sum = (of: (account: Account) => number) => accounts.reduce((total, account) => total + of(account), 0);
    const [released, cleared] = [sum((account) => account.released), sum((account) => account.cleared)];
    if (cleared < Math.max(CLEARED.few, CLEARED.share * released)) return null;
    if (leaked.some(({ account, lastsMs }) => lastsMs > account.longestCleared)) return null;
    const idle = span(median(leaked.map(({ scope }) => context.at - (scope?.ended ?? context.at))));
    return {
      certainty: 'likely',
      leaked,
      evidence: [
        `${leaked.length} that were set here by work that failed are still to come, for ${idle} at the median; of the ${released} that others set and that have ended, ${cleared} were cleared.`,
      ],
    };
  },
};
