/**
 * One look at one group: all its open resources are shown to the detectors of its nature, a few hundred at a time, since
 * there may be a hundred thousand. Each `yield` is a place where the event loop may have its turn.
 */
import { companionOf } from '../account/companions.ts';
import type { Account, Ledger, Resource } from '../account/ledger.ts';
import { CERTAINTIES, type OpenSite, type RecordedFinding } from '../recording/format.ts';
import type { Context, Detector, Group, Verdict } from './detectors/detector.ts';
import { findingOf } from './findings.ts';
import { Leaked } from './leaked.ts';
import { OpenSiteCount } from './open-sites.ts';
import { DETECTOR_OF } from './rules.ts';

/** Resources between two yields. */
const SLICE = 256;

export interface Look {
  group: Group;
  finding: RecordedFinding | null;
  /** What the finding names. */
  leaked: readonly Resource[];
  /** Nothing can change but by something that is opened, used or closed: all that is open is condemned. */
  isSettled: boolean;
  site: OpenSite;
  /** Whose resources most of them were opened on. */
  owner: Account | null;
  /** Of what is open on something that leaks itself, by the key of the finding that names that. */
  owned: ReadonlyMap<string, number>;
  /** A suspect is so old and idle that only a garbage collection can tell more. */
  awaitsCollection: boolean;
  /** Something is idle far beyond the usual. */
  isOverdue: boolean;
}

interface Sieve {
  detector: Detector;
  isPicked: (resource: Resource) => boolean;
  picked: Resource[];
}

export function* lookAt(group: Group, context: Context, ledger: Ledger): Generator<void, Look> {
  const { at } = context;
  const sieves = sievesOf(group, context);
  const counts = new OpenSiteCount(at, staleAfter(group, context));
  const owned = new Map<string, number>();
  const patience = patienceOf(group, context);
  let [seen, condemned] = [0, 0];
  let [awaitsCollection, isOverdue] = [false, false];
  for (const account of group.accounts) {
    for (const resource of ledger.openOf(account, at)) {
      if (++seen % SLICE === 0) yield;
      counts.add(resource);
      if (resource.condemnedBy !== null) condemned++;
      else awaitsCollection ||= isDueForCollection(resource, context, patience);
      isOverdue ||= at - resource.lastUsedAt > patience && !resource.isBusy?.();
      if (resource.isDeadlocked || isUncollected(resource, context, patience)) continue;
      const owner = ownerToAwait(resource);
      if (owner !== null) {
        const { condemnedBy } = owner;
        if (condemnedBy !== null) owned.set(condemnedBy, (owned.get(condemnedBy) ?? 0) + 1);
        continue;
      }
      for (const { isPicked, picked } of sieves) if (isPicked(resource)) picked.push(resource);
    }
  }
  const verdict = yield* verdictOf(sieves, group, context, owned.size > 0);
  const finding = verdict && (yield* recorded(group, verdict, context));
  const site = counts.of(group, at);
  const leaked = verdict?.leaked ?? [];
  const { owner } = counts;
  return { group, finding, leaked, isSettled: condemned === seen, site, owner, owned, awaitsCollection, isOverdue };
}

/** Times the longest known use, after which an idle resource is looked at more closely. */
const OVERDUE = 3;

/** What ends by itself is worth a collection where there are so many at a line. */
const MANY = 8;

/** Times the longest known use, after which what must be given back stays; and how many uses must be known for that. */
const STALE = 10;
const USES = 20;

function staleAfter({ history, source }: Group, { graceMs }: Context): number {
  if (source.nature.ends !== 'given back' || history.uses < USES) return Number.POSITIVE_INFINITY;
  return Math.max(graceMs, STALE * history.longestUse);
}

function patienceOf({ history }: Group, { graceMs }: Context): number {
  return Math.max(graceMs, OVERDUE * history.longestUse);
}

function sievesOf(group: Group, context: Context): Sieve[] {
  return group.source.nature.judgedBy.flatMap((rule): Sieve[] => {
    const detector = DETECTOR_OF[rule];
    const isPicked = detector.picks(group, context);
    return isPicked ? [{ detector, isPicked, picked: [] }] : [];
  });
}

/** What a resource shares the life of, so that it is not judged by itself: an owner that leaks, or a companion. */
function ownerToAwait(resource: Resource): Resource | null {
  const { owner } = resource;
  return owner !== null && !owner.closed && owner.condemnedBy !== null ? owner : companionOf(resource);
}

/** The pool is being shut down, and waits for all that is lent. */
export function isAwaited({ source: { pool } }: Account): boolean {
  return pool !== null && pool.endingAt !== 0;
}

/**
 * Perhaps garbage already, which only a collection tells: one that came when it was over, or it tells of what was still
 * in use then.
 */
function isUncollected(resource: Resource, { collectedAt }: Context, patience: number): boolean {
  return resource.account.source.nature.ends === 'collected' && collectedAt <= overAt(resource) + patience;
}

function overAt({ lastUsedAt, scope }: Resource): number {
  return Math.max(lastUsedAt, scope?.ended ?? 0);
}

/** Not to be asked in the job that collects: it dereferences. */
function isDueForCollection(resource: Resource, context: Context, patience: number): boolean {
  const { flow, handle, account, lastUsedAt, isBusy } = resource;
  const { at, graceMs } = context;
  const { nature, pool } = account.source;
  if (nature.ends === 'collected')
    return isUncollected(resource, context, patience) && at - overAt(resource) > patience;
  const canBeProven = handle !== null || pool?.cut !== undefined;
  if (nature.ends === 'by itself' && account.open.size < MANY) return false;
  if (!canBeProven && (flow === null || (account.acquired < 2 && !isAwaited(account)))) return false;
  return at - lastUsedAt > Math.max(graceMs, account.useTimes.max) && (handle !== null || !isBusy?.());
}

/** `isInPart`: some of the group go with what they were opened on, so that its numbers say nothing about growth. */
function* verdictOf(
  sieves: readonly Sieve[],
  group: Group,
  context: Context,
  isInPart: boolean,
): Generator<void, Verdict | null> {
  const verdicts: Verdict[] = [];
  for (const { detector, picked } of sieves) {
    if (isInPart && detector.detector === 'growth') continue;
    // some may have come back between two slices
    const open = picked.filter(({ closed }) => !closed);
    const verdict = open.length === 0 ? null : detector.concludes(open, group, context);
    if (verdict) verdicts.push({ detector: detector.detector, ...verdict });
    if (open.length > SLICE) yield;
  }
  verdicts.sort((a, b) => CERTAINTIES.indexOf(a.certainty) - CERTAINTIES.indexOf(b.certainty));
  const [first] = verdicts;
  if (!first) return null;
  // once a line is condemned, what the weaker verdicts saw there is part of the same leak
  return { ...first, leaked: yield* leakedBy(verdicts), evidence: verdicts.flatMap(({ evidence }) => evidence) };
}

/** Numbers what was gathered: a set of a hundred thousand resources would cost more than all else. */
let gatherings = 0;

/** Of all verdicts, each once. */
function* leakedBy(verdicts: readonly Verdict[]): Generator<void, Resource[]> {
  if (verdicts.length === 1) return verdicts[0]?.leaked ?? [];
  const own = ++gatherings;
  const all: Resource[] = [];
  let seen = 0;
  for (const { leaked } of verdicts) {
    for (const resource of leaked) {
      if (++seen % SLICE === 0) yield;
      if (resource.gathering === own) continue;
      resource.gathering = own;
      all.push(resource);
    }
  }
  return all;
}

function* recorded(group: Group, verdict: Verdict, context: Context): Generator<void, RecordedFinding | null> {
  const leaked = new Leaked();
  const recipes = new Set<string>();
  let seen = 0;
  for (const resource of verdict.leaked) {
    if (++seen % SLICE === 0) yield;
    if (resource.closed) continue;
    leaked.add(resource);
    // also where there is proof, it is worth knowing how to make it happen
    if (resource.recipe !== null) recipes.add(resource.recipe);
    if (verdict.certainty !== 'suspect') resource.condemnedBy = group.key;
  }
  const evidence = [...verdict.evidence, ...recipes].filter((text, i, all) => all.indexOf(text) === i);
  return leaked.count === 0 ? null : findingOf(group, { ...verdict, evidence }, leaked, context.scopes);
}
