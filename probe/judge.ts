/** Looks at the ledger from time to time, lets the detectors speak, and tells what stands, what is new, what came back. */

import { capacity } from './detectors/capacity.ts';
import { collected } from './detectors/collected.ts';
import type { Context, Detector, Group, Verdict } from './detectors/detector.ts';
import { flowEnded } from './detectors/flow-ended.ts';
import { growth } from './detectors/growth.ts';
import { heldTooLong } from './detectors/held-too-long.ts';
import { openTransaction } from './detectors/open-transaction.ts';
import { outlivedScope } from './detectors/outlived-scope.ts';
import { superseded } from './detectors/superseded.ts';
import { groupsOf, push } from './groups.ts';
import type { Ledger, Resource } from './ledger.ts';
import { CERTAINTIES, type RecordedFinding, type ScopeShare } from './recording/format.ts';
import type { Scope, Scopes } from './scope.ts';
import type { Site } from './site.ts';

/** Strongest first: of equally certain verdicts the first one names the finding. */
const DETECTORS: readonly Detector[] = [
  collected,
  outlivedScope,
  superseded,
  flowEnded,
  openTransaction,
  capacity,
  growth,
  heldTooLong,
];
/** Times its account's longest use, after which an idle resource is a suspect. */
const OVERDUE = 3;
/** Floor points kept per group; older ones are thinned to every second. */
const MAX_POINTS = 120;

export interface Judgement {
  /** Findings that are new or changed, by key. */
  changed: Map<string, RecordedFinding>;
  /** Keys of findings that no longer stand. */
  withdrawn: string[];
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
  private readonly floors: Map<string, Group['floors']> = new Map();

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
    for (const group of groupsOf(this.ledger, at, (key) => this.floors.get(key) ?? [])) {
      if (group.open.length === 0) continue;
      this.addFloor(group, at);
      const verdict = strongest(DETECTORS.flatMap((detector) => detector(group, context) ?? []));
      if (verdict) found.set(group.key, this.findingOf(group, verdict));
    }
    return this.compare(found);
  }

  /** Whether a suspect is so old and idle that only a garbage collection can tell more. Dereferences nothing. */
  awaitsCollection(at: number): boolean {
    for (const { token, account, lastUsedAt, isBusy } of this.ledger.opened(at)) {
      if (token === null || account.acquired < 2) continue;
      const { count, max } = account.useTimes;
      const patience = Math.max(this.options.graceMs, count > 0 ? OVERDUE * max : 0);
      if (at - lastUsedAt > patience && !isBusy?.()) return true;
    }
    return false;
  }

  private addFloor({ key, open, acquired, floors }: Group, at: number): void {
    const last = floors.at(-1);
    if (last && last.acquired === acquired) return;
    const since = last?.at ?? at;
    floors.push({ at, acquired, floor: open.filter(({ openedAt }) => openedAt <= since).length });
    this.floors.set(key, floors.length > MAX_POINTS ? floors.filter((_, index) => index % 2 === 1) : floors);
  }

  private findingOf(group: Group, { detector, certainty, leaked, evidence }: Verdict): RecordedFinding {
    const { site, source } = (leaked[0] as Resource).account;
    const pools = new Set(leaked.map(({ account }) => account.source.pool?.name ?? null));
    return {
      kind: group.kind,
      detector,
      certainty: site === null ? 'suspect' : certainty,
      count: leaked.length,
      acquired: group.acquired,
      released: group.released,
      estimated: group.accounts.some((account) => account.site === null),
      library: group.library,
      pool: pools.size === 1 ? (source.pool?.name ?? null) : null,
      site: site?.id ?? -1,
      frame: group.frame,
      siteUnknown: siteUnknown(site),
      evidence,
      scopes: this.shares(leaked),
    };
  }

  private shares(leaked: Resource[]): ScopeShare[] {
    const byName = new Map<string, Scope[]>();
    for (const scope of new Set(leaked.map((resource) => resource.scope))) if (scope) push(byName, scope.name, scope);
    return [...byName].map(([name, runs]) => {
      const errors = new Set(runs.map(({ failedWith }) => failedWith));
      const [error = null] = errors;
      const totals = this.scopes.totals.get(name);
      const isOnly = errors.size === 1 && error !== null && totals?.failedWith.get(error) === runs.length;
      return { name, ended: totals?.ended ?? runs.length, leaked: runs.length, failedWith: isOnly ? error : null };
    });
  }

  private compare(found: Map<string, RecordedFinding>): Judgement {
    const changed = new Map<string, RecordedFinding>();
    for (const [key, finding] of found) {
      // evidence speaks of ages, which change every time; what is found does not
      const { evidence: _, ...what } = finding;
      const text = JSON.stringify(what);
      if (this.standing.get(key) !== text) changed.set(key, finding);
      this.standing.set(key, text);
    }
    const withdrawn = [...this.standing.keys()].filter((key) => !found.has(key));
    for (const key of withdrawn) this.standing.delete(key);
    return { changed, withdrawn };
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

function siteUnknown(site: Site | null): string | null {
  if (site === null) return 'no stack was taken: the stack budget was used up (raise OUTLIVE_STACKS, or soak)';
  return site.stack.length === 0 ? 'the stack was empty: nothing but Node’s own code called' : null;
}
