/** Looks at the ledger from time to time, lets the detectors speak, and tells what stands, what is new, what came back. */

import type { Crowd } from '../account/crowd.ts';
import type { Mark } from '../account/flow.ts';
import type { GrowthWatch } from '../account/growth.ts';
import { type Account, type Ledger, positionAt, type Resource, type Source } from '../account/ledger.ts';
import type { PoolState } from '../account/pool-state.ts';
import type { Scopes } from '../account/scope.ts';
import { guarded, isOff } from '../process/lapses.ts';
import { timersAlone } from '../process/timers-alone.ts';
import type { OpenSite, RecordedFinding } from '../recording/format.ts';
import { NATURES } from '../recording/natures.ts';
import { benjaminiHochberg } from '../recording/trend.ts';
import { findingsOfCrowds } from './crowds.ts';
import { Deadlocks } from './deadlocks.ts';
import type { Context, Group, PoolVerdict } from './detectors/detector.ts';
import { POINTS } from './detectors/growth/floors.ts';
import { poolExhausted } from './detectors/pool-exhausted.ts';
import { causeOf, folded } from './exhaustion.ts';
import { poolFindingOf } from './findings.ts';
import { Groups } from './groups.ts';
import { Growths } from './growths.ts';
import { isAwaited, type Look, lookAt } from './look.ts';
import { type Standing, shutDown, shutDownSentence, whyNot } from './withdrawals.ts';

/** Of all groups called rising, the share that may be so by chance. */
const FALSE_RATE = 0.001;
/** How long a source stays armed, and how long it then has rest, milliseconds. */
const ARM_MS = 60_000;
const ARM_PAUSE_MS = 240_000;
/** Groups of up to so many are always looked at whole. */
const FEW = 64;
/** How long what was withdrawn may still turn out to have come back by a shutdown, milliseconds. */
const LATELY = 2000;
/** Resources between two yields where nothing is done but count. */
const SLICE = 2048;

/** What is to be said of a group that has nothing of age, whatever was said before. */
const YOUNG = {
  isSettled: false,
  owned: new Map(),
  awaitsCollection: false,
  isOverdue: false,
} as const satisfies Partial<Look>;

export interface Judgement {
  /** Findings that are new or changed, by key. */
  changed: Map<string, RecordedFinding>;
  /** Findings that no longer stand, and why in a clause. */
  withdrawn: [key: string, why: string][];
  /** What is known of every line that has something open. */
  openSites(): OpenSite[];
}

export interface JudgeOptions {
  graceMs: number;
  heldMs: number;
}

export interface LookOptions {
  /** The process ends. */
  isEnd?: boolean;
  /** By the flow of this mark. */
  ending?: Mark | null;
  /** What was let go before then is gone, by a collection; on the clock of the look. */
  collectedAt?: number;
  /** The latest one, which may have left some of that. */
  triedAt?: number;
  /** Nothing more can run, so no grace is due. */
  isOver?: boolean;
  /** Every open resource is looked at, whether or not anything can have changed. */
  isWhole?: boolean;
}

export class Judge {
  /** By key, as of the last judgement. */
  findings: ReadonlyMap<string, RecordedFinding> = new Map();
  /** As of the last judgement: only a garbage collection can tell more of something that is open. */
  awaitsCollection = false;
  /** As of the last judgement: a pool has run out, of whose leases a collection can tell who holds them. */
  hasRunOut = false;
  readonly #ledger: Ledger;
  readonly #scopes: Scopes;
  readonly #options: JudgeOptions;
  readonly #groups: Groups;
  readonly #crowds: readonly Crowd[];
  readonly #growths: Growths | null;
  readonly #deadlocks: Deadlocks = new Deadlocks();
  readonly #standing: Map<string, Standing & { text: string }> = new Map();
  /** Withdrawn a moment ago: if a shutdown was why, they stand. */
  #lately: [key: string, standing: Standing][] = [];
  /** How many came back only because of a shutdown, by the finding that named them. */
  readonly #shutDown: Map<string, { finding: RecordedFinding; gone: Set<Resource> }> = new Map();
  /** Of pool findings, why they are withdrawn where it is known. */
  readonly #reasons: Map<string, string> = new Map();
  /** Of large groups, the latest look and when it was. */
  readonly #looks: Map<string, { look: Look; at: number }> = new Map();

  constructor(
    ledger: Ledger,
    scopes: Scopes,
    options: JudgeOptions,
    crowds: readonly Crowd[] = [],
    growths: GrowthWatch | null = null,
  ) {
    this.#crowds = crowds;
    this.#growths = growths && new Growths(growths);
    this.#ledger = ledger;
    this.#scopes = scopes;
    this.#options = options;
    this.#groups = new Groups(ledger);
  }

  /** How many findings stand. */
  get standingCount(): number {
    return this.#standing.size;
  }

  /** Something stands that is no more than suspected. */
  get hasSuspect(): boolean {
    for (const { certainty } of this.findings.values()) if (certainty === 'suspect') return true;
    return false;
  }

  /** All at once. */
  judge(at: number, options: LookOptions = {}): Judgement {
    const looking = this.looking(at, { isWhole: true, ...options });
    for (;;) {
      const { done, value } = looking.next();
      if (done) return value;
    }
  }

  /** The same in slices: in each some hundred resources are looked at, or one detector concludes on all that it picked. */
  *looking(at: number, options: LookOptions = {}): Generator<void, Judgement> {
    const { isOver = false, isEnd = isOver, isWhole = false, ending = null } = options;
    const { collectedAt = Number.NEGATIVE_INFINITY, triedAt = collectedAt } = options;
    const groups = this.#groups.open(at);
    yield* this.#addFloors(groups, at);
    const context: Context = {
      ...{
        at,
        collectedAt,
        triedAt,
        heldMs: this.#options.heldMs,
        graceMs: isOver ? 0 : this.#options.graceMs,
        isEnd,
        ending,
      },
      ...{ scopes: this.#scopes.totals, growthLimit: growthLimitOf(groups), timersAlone },
    };
    this.#reasons.clear();
    // first: what is deadlocked is no leak
    const deadlocked = this.#lookForDeadlocks(context);
    const looks: Look[] = [];
    for (const group of groups) {
      looks.push((isWhole ? null : this.#unchanged(group, context)) ?? (yield* this.#lookAt(group, context)));
      yield;
    }
    const keys = new Set(groups.map(({ key }) => key));
    for (const key of this.#looks.keys()) if (!keys.has(key)) this.#looks.delete(key);
    this.awaitsCollection = looks.some((look) => look.awaitsCollection);
    for (const { group, isOverdue } of looks) if (isOverdue) armUnknown(group, at);
    const found = new Map<string, RecordedFinding>();
    // a finding that stands from an earlier look is told of anew, by what is added below
    for (const { group, finding } of looks) {
      if (finding) found.set(group.key, { ...finding, evidence: [...finding.evidence] });
    }
    tellOfOwned(looks, found);
    adoptUnknown(found);
    this.#judgePools(context, found, deadlocked, looks);
    // reads the service's own emitters
    guarded('listeners', addCrowds, this.#crowds, found);
    for (const [key, finding] of guarded('growth', () => this.#growths?.findings(collectedAt)) ?? [])
      found.set(key, finding);
    return { ...this.#compare(found, looks, context), openSites: () => openSitesOf(looks) };
  }

  /** Everything that is open, by the key of what it would be a finding of. */
  *openByKey(at: number): Generator<[key: string, resource: Resource]> {
    for (const { key, accounts } of this.#groups.open(at)) {
      for (const { open } of accounts) for (const resource of open) yield [key, resource];
    }
  }

  *#lookAt(group: Group, context: Context): Generator<void, Look> {
    const look = yield* lookAt(group, context, this.#ledger);
    if (group.open > FEW) this.#looks.set(group.key, { look, at: context.at });
    else this.#looks.delete(group.key);
    return look;
  }

  /** The last look at a large group, when another would be the same: nothing has happened there, or nothing is of age. */
  #unchanged(group: Group, { at, graceMs, heldMs }: Context): Look | null {
    const known = this.#looks.get(group.key);
    if (group.open <= FEW || !known) return null;
    const age = heldMs > 0 ? Math.min(graceMs, heldMs) : graceMs;
    const isYoung = known.look.finding === null && group.accounts.every(({ open }) => isYounger(open.first, at - age));
    const isStill = known.look.isSettled && group.accounts.every(({ line }) => line.changedAt < known.at);
    if (!isYoung && !isStill) return null;
    const { open, acquired, released } = group;
    const look = { ...known.look, group, site: { ...known.look.site, open, acquired, released } };
    return isYoung ? { ...look, ...YOUNG } : look;
  }

  /** At the end of a window, what had been open all through it. */
  *#addFloors(groups: readonly Group[], at: number): Generator<void, void> {
    for (const { source, floors, accounts, acquired } of groups) {
      const start = canRise(source) ? floors.startOfWindow({ accounts, acquired }, at) : null;
      if (start === null) continue;
      let floor = 0;
      for (const account of accounts) {
        for (const { openedAt } of this.#ledger.openOf(account, at)) {
          if (openedAt > start) break;
          if (++floor % SLICE === 0) yield;
        }
      }
      floors.add(floor, acquired, at);
      yield;
    }
  }

  /** By the source of the pool. */
  #lookForDeadlocks(context: Context): Map<Source, PoolVerdict> {
    const deadlocked = new Map<Source, PoolVerdict>();
    for (const source of this.#ledger.sources) {
      if (source.pool === null || isOff(source.adapter)) continue;
      const seen = this.#deadlocks.look(source.pool, context);
      if (typeof seen === 'string') this.#reasons.set(`hold-and-wait ${source.pool.id}`, seen);
      else if (seen) deadlocked.set(source, seen);
    }
    return deadlocked;
  }

  #judgePools(
    context: Context,
    found: Map<string, RecordedFinding>,
    deadlocked: ReadonlyMap<Source, PoolVerdict>,
    looks: readonly Look[],
  ): void {
    this.hasRunOut = false;
    for (const source of this.#ledger.sources) {
      const { pool, library, adapter } = source;
      if (pool === null) continue;
      const verdict = deadlocked.get(source) ?? (isOff(adapter) ? null : poolExhausted(pool, context));
      this.hasRunOut ||= pool.cut !== undefined && hasRunOut(pool, context.at);
      pool.timeoutsJudged = pool.timeouts;
      if (!verdict) continue;
      if (verdict.site === null) arm(source, context.at);
      const key = `${verdict.detector} ${pool.id}`;
      const finding = poolFindingOf(library, pool.name, verdict, context.scopes);
      const cause = verdict.detector === 'pool-exhausted' ? causeOf(verdict, looks, found) : null;
      if (cause === null) {
        // of those that are one in the recording, the one that most hold
        if (finding.count >= (found.get(key)?.count ?? 0)) found.set(key, finding);
      } else {
        found.set(cause, folded(finding, found.get(cause) as RecordedFinding));
        this.#reasons.set(key, 'what holds the pool is a finding of its own');
      }
      if (verdict.exhausted.cause === 'waiting elsewhere') this.#excuse(verdict, looks, found);
    }
  }

  /** What the pool's holders are known to wait for says more than how long they do. */
  #excuse({ holders }: PoolVerdict, looks: readonly Look[], found: Map<string, RecordedFinding>): void {
    const held = new Set(holders.map(({ resource }) => resource));
    for (const { group, leaked } of looks) {
      if (found.get(group.key)?.certainty !== 'suspect' || !leaked.every((resource) => held.has(resource))) continue;
      found.delete(group.key);
      this.#reasons.set(group.key, 'its code waits for something else, as the finding of its pool says');
    }
  }

  /**
   * Whether a collection is due at the very end, to all that can be collected. Must not deref what can be collected,
   * which would keep it through the collection that follows in the same job.
   */
  awaitsLastCollection(at: number): boolean {
    if (this.#growths?.awaitsCollection) return true;
    for (const { flow, handle, account, condemnedBy, isOrphan, lastUsedAt, isBusy } of this.#ledger.entered()) {
      const { nature, pool } = account.source;
      const canBeProven = handle !== null || pool?.cut !== undefined || nature.ends === 'collected';
      if (canBeProven && !isOrphan) return true;
      if (flow === null || condemnedBy !== null) continue;
      // of a short program's loop, what others came back from is old enough
      const patience = account.released > 0 ? 0 : this.#options.graceMs;
      const isDue = account.acquired >= 2 || isAwaited(account);
      if (isDue && at - lastUsedAt >= patience && !isBusy?.()) return true;
    }
    return false;
  }

  /** A soak's round has ended, and everything is at rest. */
  rest(at: number): void {
    this.#groups.rest(at);
    guarded('growth', () => this.#growths?.rest());
  }

  #compare(
    found: Map<string, RecordedFinding>,
    looks: readonly Look[],
    { at, isEnd }: Context,
  ): Omit<Judgement, 'openSites'> {
    this.#keepShutDown(found, at, isEnd);
    const leaked = new Map(looks.map((look) => [look.group.key, look.leaked]));
    const changed = new Map<string, RecordedFinding>();
    const before = new Map(this.#standing);
    this.findings = found;
    this.#standing.clear();
    for (const [key, finding] of found) {
      // evidence speaks of ages, which change every time; what is found does not, nor how it is made to happen
      const { evidence: _, holders: __, ...what } = finding;
      const recipe = leaked.get(key)?.[0]?.recipe ?? null;
      const text = JSON.stringify([what, this.#shutDown.get(key)?.gone.size, recipe]);
      if (before.get(key)?.text !== text) changed.set(key, finding);
      this.#standing.set(key, { finding, leaked: leaked.get(key) ?? null, at, text });
    }
    const gone = [...before].filter(([key]) => !found.has(key));
    this.#lately = [...this.#lately.filter(([, standing]) => at - standing.at < LATELY), ...gone];
    const withdrawn = gone.map(([key, standing]): [string, string] => [
      key,
      this.#reasons.get(key) ?? whyNot(standing),
    ]);
    return { changed, withdrawn };
  }

  /** What came back only because of a shutdown has not come back: its finding stands, and it was not released. */
  #keepShutDown(found: Map<string, RecordedFinding>, at: number, isEnd: boolean): void {
    const all: (readonly [string, Standing])[] = [...this.#standing, ...(isEnd ? this.#lately : [])];
    for (const [key, standing] of all) {
      const gone = shutDown(standing, at, isEnd);
      const known = this.#shutDown.get(key)?.gone ?? new Set();
      const fresh = gone.filter((resource) => !known.has(resource));
      for (const { account } of fresh) account.released--;
      if (fresh.length > 0) this.#shutDown.set(key, { finding: standing.finding, gone: new Set([...known, ...fresh]) });
    }
    for (const [key, { finding, gone }] of this.#shutDown) {
      const standing = found.get(key);
      const count = (standing?.count ?? 0) + gone.size;
      const { evidence } = standing ?? finding;
      const sentence = shutDownSentence(gone, count);
      found.set(key, {
        ...(standing ?? finding),
        count,
        evidence: [...evidence.filter((text) => text !== sentence), sentence],
      });
    }
  }
}

/** Idle for so long, milliseconds, while others wait for it. The leases of a busy pool are all lent, and come back. */
const IDLE_MS = 1000;

/** Somebody timed out since the last judgement, or waits while all are lent and one of them lies idle. */
function hasRunOut({ timeouts, timeoutsJudged, waiting, max, gauges, leases }: PoolState, at: number): boolean {
  if (timeouts > timeoutsJudged) return true;
  if (waiting.size === 0 || max === 0 || (gauges()?.used ?? 0) < max) return false;
  return leases(at).some(({ busy, idleMs }) => busy !== true && idleMs >= IDLE_MS);
}

/** Each with the one that it was opened on. */
function openSitesOf(looks: readonly Look[]): OpenSite[] {
  const open = looks.filter(({ group, site }) => site.open > 0 && group.source.nature.isTotalled);
  const rows = new Map<Account, number>();
  for (const [row, { group }] of open.entries()) for (const account of group.accounts) rows.set(account, row);
  return open.map(({ site, owner }) => ({ ...site, owner: (owner && rows.get(owner)) ?? null }));
}

function isYounger(resource: { openedAt: number } | null, time: number): boolean {
  return resource === null || resource.openedAt > time;
}

function canRise({ nature }: Group['source']): boolean {
  return nature.judgedBy.includes('growth/floors');
}

/** The largest chance that still counts as a rise, by Benjamini–Hochberg over all groups that can rise. */
export function growthLimitOf(groups: readonly Group[]): number {
  const chances = groups.flatMap(({ source, floors }) =>
    canRise(source) && floors.points.length >= POINTS ? [floors.chance] : [],
  );
  return benjaminiHochberg(chances, FALSE_RATE);
}

/** Something aged has no stack: from now on every acquire of its source gets one, for a while. */
function armUnknown({ accounts }: Group, at: number): void {
  const [account] = accounts;
  if (account && account.site === null && !account.isBefore && account.source.nature.entry === 'each')
    arm(account.source, at);
}

function arm(source: Source, at: number): void {
  if (at >= source.armedUntil + ARM_PAUSE_MS) source.armedUntil = at + ARM_MS;
}

/** What was opened on something that leaks shares its life: it is no leak of its own, but a sentence there. */
function tellOfOwned(looks: readonly Look[], found: ReadonlyMap<string, RecordedFinding>): void {
  const byOwner = new Map<string, string[]>();
  for (const { group, owned } of looks) {
    const { one, many } = NATURES[group.source.natureName].words;
    for (const [key, count] of owned) {
      byOwner.set(key, [...(byOwner.get(key) ?? []), `${count} ${count === 1 ? one : many}`]);
    }
  }
  for (const [key, parts] of byOwner) {
    found.get(key)?.evidence.push(`Opened on them and not closed either: ${parts.join(', ')}.`);
  }
}

/** What Node warned of is evidence where the line is found by its own account, else a finding. */
function addCrowds(crowds: readonly Crowd[], found: Map<string, RecordedFinding>): void {
  if (crowds.length === 0) return;
  for (const [key, finding] of findingsOfCrowds(crowds)) {
    const ofSite = crowds.filter(({ site }) => site.id === finding.site);
    const place = ` ${positionAt(ofSite[0]?.site ?? null, 0)}`;
    // what Node warns of is deep below the line at times, and cut off
    const names = new Set(ofSite.map(({ name, event }) => `${name} "${String(event)}"`));
    const [, own] =
      [...found].find(([key, { kind, library }]) => {
        return kind === 'listener' && (key.endsWith(place) || names.has(library));
      }) ?? [];
    if (own && own.certainty !== 'suspect') own.evidence.push(...finding.evidence);
    else found.set(key, finding);
  }
}

/** What leaked without a stack belongs to the line of the same library that is known to leak, if there is one. */
function adoptUnknown(found: Map<string, RecordedFinding>): void {
  for (const [key, unknown] of found) {
    if (unknown.site !== -1 || unknown.before) continue;
    const known = [...found.values()]
      .filter(({ site, kind, library }) => site !== -1 && kind === unknown.kind && library === unknown.library)
      .sort((a, b) => b.count - a.count)[0];
    if (!known) continue;
    known.count += unknown.count;
    known.estimated = true;
    found.delete(key);
  }
}
