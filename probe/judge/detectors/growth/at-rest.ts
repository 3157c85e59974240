/**
 * growth, in a program too short for windows: work at the line is over, and what it made one after the other is still
 * there. Judged caller by caller, since a helper is called for what stays for life, too.
 *
 * What was made in one go is one occasion: a pool of workers, a watcher for each folder; not `SEVERAL` that code made by
 * calls that wait for each, as a script does that opens files. `likely` where several others of
 * the same caller have ended, or where none did and there are many.
 *
 * False positives it avoids: fewer than `SEVERAL` that each lead elsewhere or listen to something (a worker for each
 * queue), what is used again once later ones were made (threads of a pool), heartbeats of connections that are still
 * open, what was made while the program started and never since, code of libraries that no user frame called, unless it
 * adds ever more listeners to one emitter, or made it for connections that have ended; what requests have that go on,
 * whether they are followed or not, as far as others of the line tell.
 * Not avoided: a handful made one by one at the start, each with a wait in between: a suspect, for a minute.
 * False negatives: fewer than `FEW`; a line that goes on and on (see floors.ts).
 */
import { type Account, positionAt, type Resource } from '../../../account/ledger.ts';
import type { Nature } from '../../../recording/natures.ts';
import { push } from '../../groups.ts';
import { callerOf, isPart, listens, targetOf } from '../alike.ts';
import type { Detector } from '../detector.ts';
import { overOf } from '../over.ts';
import { areOfUnknown, mayGoOn } from '../unfollowed.ts';
import { largest, span } from '../words.ts';

const FEW = 3;
/**
 * Still there, for more than a suspicion: where others have ended, where none has, where their use would show, and where
 * each is of another context.
 */
const LIKELY = { others: 4, none: 8, unused: 4, contexts: 4 };
/** So many are too many also where each leads elsewhere. */
const SEVERAL = 20;
/** Times the longest known use time that the line must have been still for. */
const STILL = 3;
/** A program that has gone on for so many times as long as it took to make them, and at least so long, keeps them. */
const KEPT = { times: 10, ms: 60_000 };

export const leftAtRest: Detector = {
  detector: 'growth',
  picks({ accounts, history }, context) {
    const { at, graceMs } = context;
    const patience = Math.max(graceMs, STILL * history.longestUse);
    const isStill = accounts.every(({ line }) => at - line.changedAt > patience);
    if (!isStill) return null;
    const goesOn = accounts.some(({ open }) => mayGoOn(open, context));
    return (resource) => {
      const { account, scope, turn, isBusy, isHosted } = resource;
      const isOne = isCandidate(account) || resource.hasLostHost;
      const isOver = scope === null ? !goesOn : scope.ended !== 0;
      return isOne && turn > 0 && isOver && !isHosted?.() && !isBusy?.();
    };
  },
  concludes(picked, group, context) {
    const { source } = group;
    const { at } = context;
    const lists = [...byCaller(overOf(picked, group, context)).values()];
    const leaked = leftOf(
      lists.map((open) =>
        releasedBy(open) >= LIKELY.others && !source.nature.isOfPeer ? open : withoutDistinct(open),
      ),
      at,
    );
    if (leaked.length === 0) return null;
    const released = releasedBy(leaked);
    const isMuch = leaked.length >= likelyFrom(leaked, released, source.nature) && !areOfUnknown(leaked, context);
    const quiet = span(at - largest(leaked.map(({ openedAt }) => openedAt)));
    const others = released > 0 ? `${released} others of this line have ended` : 'not one has ended';
    return {
      certainty: isMuch && occasionsOf(leaked) >= FEW ? 'likely' : 'suspect',
      leaked,
      evidence: [
        `${leaked.length} made here one after the other are still there, ${quiet} after the last one was made; ${others}.`,
      ],
    };
  },
};

/** Those without a stack are of the line that has one (see judge.ts). */
function isCandidate({ site, source }: Account): boolean {
  if (site === null) return [...source.accounts.values()].some((other) => other.site !== null && isCandidate(other));
  return source.nature.ofAnyCode === true || site.user.some((index) => site.stack[index]?.user);
}

/** The few of another caller go with many: the first turn of a loop has other frames above it than those after an await. */
function leftOf(lists: readonly Resource[][], at: number): Resource[] {
  const left = lists.filter((open) => isLeft(open, at));
  return left.length === 0 ? [] : [...left, ...lists.filter(({ length }) => length < FEW)].flat();
}

/** `open`: oldest first. */
function isLeft(open: readonly Resource[], at: number): boolean {
  if (open.length < FEW || occasionsOf(open) < FEW) return false;
  const [first, last] = [open[0] as Resource, open.at(-1) as Resource];
  if (releasedBy(open) === 0) {
    const tookMs = last.openedAt - first.openedAt;
    if (at - last.openedAt > Math.max(KEPT.ms, KEPT.times * tookMs)) return false;
  }
  return usedAgain(open) < open.length / 2;
}

/** Without those of which a program may well want several: each leads elsewhere, or hears of what others do. */
function withoutDistinct(open: Resource[]): Resource[] {
  if (open.length >= SEVERAL) return open;
  const targets = open.map(targetOf);
  const counts = new Map<string | null, number>();
  for (const target of targets) counts.set(target, (counts.get(target) ?? 0) + 1);
  return open.filter((resource, i) => {
    const target = targets[i] ?? null;
    return !isPart(resource) && !listens(resource) && (target === null || (counts.get(target) as number) > 1);
  });
}

/** How many were used after later ones were made. */
function usedAgain(open: readonly Resource[]): number {
  let used = 0;
  let [turn, began, next] = [0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const resource of open.toReversed()) {
    if (resource.turn !== turn) [turn, next] = [resource.turn, began];
    began = resource.openedAt;
    if (resource.lastUsedAt > next) used++;
  }
  return used;
}

function releasedBy(resources: readonly Resource[]): number {
  const accounts = new Set(resources.map(({ account }) => account));
  return [...accounts].reduce((total, { released }) => total + released, 0);
}

function byCaller(resources: readonly Resource[]): Map<string, Resource[]> {
  const callers = new Map<Account, string>();
  const lists = new Map<string, Resource[]>();
  for (const resource of resources) {
    const { account } = resource;
    // each context may be of another file
    const caller = callers.get(account) ?? (resource.isOfContext ? positionAt(account.site, 0) : callerOf(account));
    callers.set(account, caller);
    push(lists, caller, resource);
  }
  for (const list of lists.values()) list.sort((a, b) => a.openedAt - b.openedAt);
  return lists;
}

function likelyFrom(leaked: readonly Resource[], released: number, { showsUse }: Nature): number {
  // whatever made them is over with its context, which each of them keeps
  if (leaked.every(({ isOfContext }) => isOfContext)) return LIKELY.contexts;
  if (showsUse) return LIKELY.unused;
  return released >= LIKELY.others ? LIKELY.others : LIKELY.none;
}

function occasionsOf(resources: readonly Resource[]): number {
  const [first] = resources;
  // nobody needs so many at once
  if (first?.account.source.nature.isMadeAtOnce && resources.length >= SEVERAL) return resources.length;
  return new Set(resources.map(({ turn }) => turn)).size;
}
