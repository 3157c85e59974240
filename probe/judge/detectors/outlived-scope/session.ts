/**
 * outlived-scope, of what a borrower's statement left in a session that it gave back: the statement's line is named, and
 * where the session was given back is said.
 *
 * A lock is `likely` once a grace has passed: whoever else wants it waits. Anything else is `likely` where others worked
 * in the session as it was left, and else a `suspect`; nothing where the next borrowers of such sessions first changed it
 * themselves, as a pool does whose users all say what they need before they do anything.
 *
 * False positives it avoids: what a pool's own connect event sets; what is set back, by RESET or to its value before; what
 * was set up once for each session by the line that takes it (a suspect); a lock that was tried in vain.
 * False positives: sessions that are meant to be left so, by one line for another.
 * False negatives: a lock that a routine of the database's takes; the end of the session before the grace is over.
 */

import type { Resource } from '../../../account/ledger.ts';
import { sqlShape } from '../../../recording/sql-shape.ts';
import type { Context, Detector, Group } from '../detector.ts';
import { largest, span } from '../words.ts';

export const lockLeft: Detector = {
  detector: 'outlived-scope',
  picks,
  concludes: (leaked, group, context) => ({
    certainty: 'likely',
    leaked,
    evidence: evidenceOf(leaked, group, context),
  }),
};

export const leftInSession: Detector = {
  detector: 'outlived-scope',
  picks,
  concludes(picked, group, context) {
    const harmful = picked.filter(({ uses }) => uses > 0);
    const isSaid = group.accounts.some(({ useTimes }) => useTimes.count > 0);
    if (harmful.length === 0 && isSaid) return null;
    const leaked = harmful.length > 0 ? harmful : picked;
    const certainty = harmful.length > 0 ? 'likely' : 'suspect';
    return { certainty, leaked, evidence: evidenceOf(leaked, group, context) };
  },
};

function picks(_: Group, { at, graceMs }: Context): (resource: Resource) => boolean {
  return ({ uses, openedAt }) => uses > 0 || at - openedAt > graceMs;
}

function evidenceOf(leaked: readonly Resource[], { source }: Group, { at }: Context): string[] {
  const { one, many } = source.nature.words;
  const uses = leaked.reduce((total, resource) => total + resource.uses, 0);
  const oldest = largest(leaked.map(({ openedAt }) => at - openedAt));
  const what = leaked.length === 1 ? `1 ${one} was` : `${leaked.length} ${many} were`;
  const [statement] = leaked.flatMap(({ leftBy }) => (leftBy ? [sqlShape(leftBy.statement)] : []));
  return [
    `${what} still in the session when the connection was given back, the oldest for ${span(oldest)} now: nothing on that path undid it.`,
    ...(uses > 0 ? [`Others then worked in it as it was left, ${uses === 1 ? 'once' : `${uses} times`}.`] : []),
    ...(statement ? [`Left there by: ${statement}`] : []),
  ];
}
