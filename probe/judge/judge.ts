/** Looks at the ledger from time to time, lets the detectors speak, and tells what stands, what is new, what came back. */

import { type Account, isCounted, type Ledger, type Resource, type Source } from '../account/ledger.ts';
import type { Scopes } from '../account/scope.ts';
import { isUnwatched } from '../process/lapses.ts';
import { CERTAINTIES, type RecordedFinding, type RecordedLine } from '../recording/format.ts';
import { capacity } from './detectors/capacity.ts';
import { collected } from './detectors/collected.ts';
import type { Context, Detector, Group, PoolDetector, Verdict } from './detectors/detector.ts';
import { failPath } from './detectors/fail-path.ts';
import { flowEnded } from './detectors/flow-ended.ts';
import { growthOf } from './detectors/growth.ts';
import { heldTooLong } from './detectors/held-too-long.ts';
import { holdAndWait } from './detectors/hold-and-wait.ts';
import { openTransaction } from './detectors/open-transaction.ts';
import { outlivedScope } from './detectors/outlived-scope.ts';
import { poolExhausted } from './detectors/pool-exhausted.ts';
import { rearmed } from './detectors/rearmed.ts';
import { stranded } from './detectors/stranded.ts';
import { superseded } from './detectors/superseded.ts';
import { findingOf, lineOf, poolFindingOf } from './findings.ts';
import { Floors } from './floors.ts';
import { groupsOf } from './groups.ts';

/** Strongest first, then growth and held-too-long: of equally certain verdicts the first one names the finding. */
const DETECTORS: readonly Detector[] = [
  collected,
  stranded,
  failPath,
  outlivedScope,
  superseded,
  flowEnded,
  openTransaction,
  capacity,
  rearmed,
];
/** How long a source stays armed, and how long it then has rest, milliseconds. */
const ARM_MS = 60_000;
const ARM_PAUSE_MS = 240_000;
const POOL_DETECTORS: readonly PoolDetector[] = [holdAndWait, poolExhausted];
/** Times its account's longest use, after which an idle resource is a suspect. */
const OVERDUE = 3;

export interface Judgement {
  /** Findings that are new or changed, by key. */
  changed: Map<string, RecordedFinding>;
  /** Keys of findings that no longer stand. */
  withdrawn: string[];
  /** What is known of every line that has something open. */
  lines(): RecordedLine[];
}

export interface JudgeOptions {
  graceMs: number;
  heldMs: number;
}

export class Judge {
  private readonly ledger: Ledger;
  private readonly scopes: Scopes;
  private readonly options: JudgeOptions;
  private readonly standing: Map<string, string> = new Map();
  /** By key, as of the last judgement. */
  findings: ReadonlyMap<string, RecordedFinding> = new Map();
  private readonly floors: Map<string, Floors> = new Map();

  constructor(ledger: Ledger, scopes: Scopes, options: JudgeOptions) {
    this.ledger = ledger;
    this.scopes = scopes;
    this.options = options;
  }

  /** `isOver`: nothing more can run, so no grace is due. */
  judge(at: number, isOver: boolean = false): Judgement {
    const { heldMs, graceMs } = this.options;
    const context: Context = { at, heldMs, graceMs: isOver ? 0 : graceMs, scopes: this.scopes.totals };
    const found = new Map<string, RecordedFinding>();
    const groups = groupsOf(this.ledger, at, (key) => this.floorsOf(key, at));
    for (const group of groups) group.floors.add(group, at);
    const growing = growthOf(groups, at);
    const byResource = new Map<Resource, RecordedFinding>();
    for (const group of groups.toSorted((a, b) => Number(hasOwners(a)) - Number(hasOwners(b)))) {
      const open = group.open.filter((resource) => !goesWithOwner(resource));
      if (open.length === 0) continue;
      const own = open.length === group.open.length ? group : { ...group, open };
      const grows: Detector = () => (own === group ? (growing.get(group) ?? null) : null);
      const detectors = [...DETECTORS, grows, heldTooLong];
      const verdict = strongest(detectors.flatMap((detector) => detector(own, context) ?? []));
      if (!verdict) continue;
      const finding = findingOf(own, verdict, context.scopes);
      found.set(group.key, finding);
      for (const resource of verdict.leaked) {
        byResource.set(resource, finding);
        if (verdict.certainty !== 'suspect') resource.isCondemned = true;
      }
    }
    tellOfOwned(groups, byResource);
    this.armSuspects(groups, context);
    adoptUnknown(found);
    for (const source of this.ledger.sources) {
      const { pool, library } = source;
      for (const detector of pool && !isUnwatched(library) ? POOL_DETECTORS : []) {
        const verdict = pool && detector(pool, context);
        if (verdict) {
          if (verdict.site === null) arm(source, at);
          found.set(`${verdict.detector} ${pool.id}`, poolFindingOf(library, pool.name, verdict, context.scopes));
        }
      }
      if (pool) pool.timeoutsJudged = pool.timeouts;
    }
    const lines = () =>
      groups.filter(({ open, shape }) => open.length > 0 && isCounted(shape)).map((group) => lineOf(group, at));
    return { ...this.compare(found), lines };
  }

  /**
   * Whether a suspect is so old and idle that only a garbage collection can tell more. Dereferences nothing: not even to
   * ask what can be collected whether it is busy. `isLast`: there will be no other, so it is due to all that can be.
   */
  awaitsCollection(at: number, isLast: boolean = false): boolean {
    for (const { flow, handle, account, isCondemned, lastUsedAt, isBusy } of this.ledger.opened(at)) {
      if ((flow === null && handle === null) || isCondemned) continue;
      if (account.acquired < 2 && !(isLast && handle)) continue;
      const patience = isLast && handle ? 0 : Math.max(this.options.graceMs, account.useTimes.max);
      if (at - lastUsedAt > patience && (handle || !isBusy?.())) return true;
    }
    return false;
  }

  /** Something aged has no stack: from now on every acquire of its source gets one, for a while. */
  private armSuspects(groups: readonly Group[], { at, graceMs }: Context): void {
    for (const { accounts, open, shape, history } of groups) {
      const [{ site, source }] = accounts as [Account];
      if (site !== null || shape === 'one-shot') continue;
      const patience = Math.max(graceMs, OVERDUE * history.longestUse);
      if (open.some(({ lastUsedAt, isBusy }) => at - lastUsedAt > patience && !isBusy?.())) {
        arm(source, at);
      }
    }
  }

  /** How many findings stand. */
  get standingCount(): number {
    return this.standing.size;
  }

  private floorsOf(key: string, at: number): Floors {
    let floors = this.floors.get(key);
    if (!floors) {
      floors = new Floors(at);
      this.floors.set(key, floors);
    }
    return floors;
  }

  private compare(found: Map<string, RecordedFinding>): Omit<Judgement, 'lines'> {
    const changed = new Map<string, RecordedFinding>();
    this.findings = found;
    for (const [key, finding] of found) {
      // evidence speaks of ages, which change every time; what is found does not
      const { evidence: _, holders: __, ...what } = finding;
      const text = JSON.stringify(what);
      if (this.standing.get(key) !== text) changed.set(key, finding);
      this.standing.set(key, text);
    }
    const withdrawn = [...this.standing.keys()].filter((key) => !found.has(key));
    for (const key of withdrawn) this.standing.delete(key);
    return { changed, withdrawn };
  }
}

function arm(source: Source, at: number): void {
  if (at >= source.armedUntil + ARM_PAUSE_MS) source.armedUntil = at + ARM_MS;
}

function hasOwners({ open }: Group): boolean {
  return open.some(({ owner }) => owner !== null);
}

/** What was opened on something that leaks itself shares its life: it is no leak of its own. */
function goesWithOwner({ owner }: Resource): boolean {
  return owner?.isCondemned === true && !owner.closed;
}

function tellOfOwned(groups: readonly Group[], byResource: ReadonlyMap<Resource, RecordedFinding>): void {
  const owned = new Map<RecordedFinding, number>();
  for (const resource of groups.flatMap(({ open }) => open)) {
    const finding = resource.owner && goesWithOwner(resource) && byResource.get(resource.owner);
    if (finding) owned.set(finding, (owned.get(finding) ?? 0) + 1);
  }
  for (const [finding, count] of owned) {
    finding.evidence.push(`Opened on them and not closed either: ${count} result sets, query streams or LOBs.`);
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

function strongest(verdicts: Verdict[]): Verdict | null {
  const [first, ...others] = verdicts.toSorted(
    (a, b) => CERTAINTIES.indexOf(a.certainty) - CERTAINTIES.indexOf(b.certainty),
  );
  if (!first) return null;
  // once a line is condemned, what the weaker verdicts saw there is part of the same leak
  const leaked = new Set(verdicts.flatMap((verdict) => verdict.leaked));
  return {
    ...first,
    leaked: [...leaked],
    evidence: [...first.evidence, ...others.flatMap(({ evidence }) => evidence)],
  };
}
