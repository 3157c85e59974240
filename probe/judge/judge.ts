/** Looks at the ledger from time to time, lets the detectors speak, and tells what stands, what is new, what came back. */

import type { Crowd } from '../account/crowd.ts';
import type { Account, Ledger, Source } from '../account/ledger.ts';
import type { PoolState } from '../account/pool-state.ts';
import type { Scopes } from '../account/scope.ts';
import { guarded, isOff } from '../process/lapses.ts';
import type { OpenSite, RecordedFinding } from '../recording/format.ts';
import { NATURES } from '../recording/natures.ts';
import { benjaminiHochberg } from '../recording/trend.ts';
import { findingsOfCrowds } from './crowds.ts';
import type { Context, Group } from './detectors/detector.ts';
import { POINTS } from './detectors/growth/floors.ts';
import { poolFindingOf } from './findings.ts';
import { Groups } from './groups.ts';
import { type Look, lookAt } from './look.ts';
import { POOL_DETECTORS } from './rules.ts';

/** Of all groups called rising, the share that may be so by chance. */
const FALSE_RATE = 0.001;
/** How long a source stays armed, and how long it then has rest, milliseconds. */
const ARM_MS = 60_000;
const ARM_PAUSE_MS = 240_000;
/** Groups of up to so many are always looked at whole. */
const FEW = 64;
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
  /** Keys of findings that no longer stand. */
  withdrawn: string[];
  /** What is known of every line that has something open. */
  openSites(): OpenSite[];
}

export interface JudgeOptions {
  graceMs: number;
  heldMs: number;
}

export interface LookOptions {
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
  readonly #standing: Map<string, string> = new Map();
  /** Of large groups, the latest look and when it was. */
  readonly #looks: Map<string, { look: Look; at: number }> = new Map();

  constructor(ledger: Ledger, scopes: Scopes, options: JudgeOptions, crowds: readonly Crowd[] = []) {
    this.#crowds = crowds;
    this.#ledger = ledger;
    this.#scopes = scopes;
    this.#options = options;
    this.#groups = new Groups(ledger);
  }

  /** How many findings stand. */
  get standingCount(): number {
    return this.#standing.size;
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
  *looking(at: number, { isOver = false, isWhole = false }: LookOptions = {}): Generator<void, Judgement> {
    const groups = this.#groups.open(at);
    yield* this.#addFloors(groups, at);
    const context: Context = {
      ...{ at, heldMs: this.#options.heldMs, graceMs: isOver ? 0 : this.#options.graceMs },
      ...{ scopes: this.#scopes.totals, growthLimit: growthLimitOf(groups) },
    };
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
    this.#judgePools(context, found);
    // reads the service's own emitters
    const ofCrowds = this.#crowds.length > 0 ? guarded('listeners', findingsOfCrowds, this.#crowds) : undefined;
    for (const [key, finding] of ofCrowds ?? []) found.set(key, finding);
    return { ...this.#compare(found), openSites: () => openSitesOf(looks) };
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

  #judgePools(context: Context, found: Map<string, RecordedFinding>): void {
    this.hasRunOut = false;
    for (const source of this.#ledger.sources) {
      const { pool, library, adapter } = source;
      if (pool === null) continue;
      for (const detector of isOff(adapter) ? [] : POOL_DETECTORS) {
        const verdict = detector(pool, context);
        if (!verdict) continue;
        if (verdict.site === null) arm(source, context.at);
        const key = `${verdict.detector} ${pool.id}`;
        const finding = poolFindingOf(library, pool.name, verdict, context.scopes);
        // of those that are one in the recording, the one that most hold
        if (finding.count >= (found.get(key)?.count ?? 0)) found.set(key, finding);
        break;
      }
      this.hasRunOut ||= pool.cut !== undefined && hasRunOut(pool);
      pool.timeoutsJudged = pool.timeouts;
    }
  }

  /**
   * Whether a collection is due at the very end, to all that can be collected. Dereferences nothing that can be collected,
   * which would keep it through the collection that follows in the same job.
   */
  awaitsLastCollection(at: number): boolean {
    for (const { flow, handle, account, condemnedBy, isOrphan, lastUsedAt, isBusy } of this.#ledger.opened(at)) {
      const canBeProven = handle !== null || account.source.pool?.cut !== undefined;
      if (canBeProven && !isOrphan) return true;
      if (flow === null || condemnedBy !== null) continue;
      const patience = Math.max(this.#options.graceMs, account.useTimes.max);
      if (account.acquired >= 2 && at - lastUsedAt > patience && !isBusy?.()) return true;
    }
    return false;
  }

  #compare(found: Map<string, RecordedFinding>): Omit<Judgement, 'openSites'> {
    const changed = new Map<string, RecordedFinding>();
    this.findings = found;
    for (const [key, finding] of found) {
      // evidence speaks of ages, which change every time; what is found does not
      const { evidence: _, holders: __, ...what } = finding;
      const text = JSON.stringify(what);
      if (this.#standing.get(key) !== text) changed.set(key, finding);
      this.#standing.set(key, text);
    }
    const withdrawn = [...this.#standing.keys()].filter((key) => !found.has(key));
    for (const key of withdrawn) this.#standing.delete(key);
    return { changed, withdrawn };
  }
}

/** Somebody timed out since the last judgement, or waits while all are lent. */
function hasRunOut({ timeouts, timeoutsJudged, waiting, max, gauges }: PoolState): boolean {
  return timeouts > timeoutsJudged || (waiting.size > 0 && max > 0 && (gauges()?.used ?? 0) >= max);
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
  if (account && account.site === null && account.source.nature.entry === 'each') arm(account.source, at);
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

/** What leaked without a stack belongs to the line of the same library that is known to leak, if there is one. */
function adoptUnknown(found: Map<string, RecordedFinding>): void {
  for (const [key, unknown] of found) {
    if (unknown.site !== -1) continue;
    const known = [...found.values()]
      .filter(({ site, kind, library }) => site !== -1 && kind === unknown.kind && library === unknown.library)
      .sort((a, b) => b.count - a.count)[0];
    if (!known) continue;
    known.count += unknown.count;
    known.estimated = true;
    found.delete(key);
  }
}
