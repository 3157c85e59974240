/** Looks at the ledger from time to time, lets the detectors speak, and tells what stands, what is new, what came back. */
import { blamedFrame, ownerDepth } from './blame.ts';
import type { Context, Detector, Group, Verdict } from './detectors/detector.ts';
import { growth } from './detectors/growth.ts';
import { heldTooLong } from './detectors/held-too-long.ts';
import { outlivedScope } from './detectors/outlived-scope.ts';
import type { Account, Ledger, Resource } from './ledger.ts';
import { CERTAINTIES, type RecordedFinding, type ScopeShare } from './recording/format.ts';
import type { Scopes } from './scope.ts';

/** Strongest first: of equally certain verdicts the first one names the finding. */
const DETECTORS: readonly Detector[] = [outlivedScope, growth, heldTooLong];
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
    for (const group of this.groups(at)) {
      if (group.open.length === 0) continue;
      this.addFloor(group, at);
      const verdicts = DETECTORS.flatMap((detector) => detector(group, context) ?? []);
      const verdict = strongest(verdicts);
      if (verdict) this.nameLines(group, verdict, found);
    }
    return this.compare(found);
  }

  private groups(at: number): Iterable<Group> {
    const open = new Map<Account, Resource[]>();
    for (const resource of this.ledger.opened(at)) {
      const list = open.get(resource.account);
      if (list) list.push(resource);
      else open.set(resource.account, [resource]);
    }
    const groups = new Map<string, Group>();
    for (const { kind, library, accounts } of this.ledger.sources) {
      for (const account of accounts.values()) {
        const { shape, acquired, released, releasedAfterScope } = account;
        const key = `${kind} ${library} ${positionOf(account, 0)}`;
        let group = groups.get(key);
        if (!group) {
          const floors = this.floors.get(key) ?? [];
          const nothing = { acquired: 0, released: 0, releasedAfterScope: 0 };
          group = { key, kind, library, shape, accounts: [], open: [], floors, ...nothing };
          groups.set(key, group);
        }
        group.accounts.push(account);
        group.open.push(...(open.get(account) ?? []));
        group.acquired += acquired;
        group.released += released;
        group.releasedAfterScope += releasedAfterScope;
      }
    }
    return groups.values();
  }

  private addFloor({ key, open, acquired, floors }: Group, at: number): void {
    const last = floors.at(-1);
    if (last && last.acquired === acquired) return;
    const since = last?.at ?? at;
    floors.push({ at, acquired, floor: open.filter(({ openedAt }) => openedAt <= since).length });
    this.floors.set(key, floors.length > MAX_POINTS ? floors.filter((_, index) => index % 2 === 1) : floors);
  }

  /** One finding per blamed line. */
  private nameLines(
    group: Group,
    { detector, certainty, leaked, evidence }: Verdict,
    found: Map<string, RecordedFinding>,
  ) {
    const depth = ownerDepth(group.accounts);
    for (const [position, resources] of groupBy(leaked, ({ account }) => positionOf(account, depth))) {
      const { site, source } = (resources[0] as Resource).account;
      const accounts = group.accounts.filter((account) => positionOf(account, depth) === position);
      const pools = new Set(resources.map(({ account }) => account.source.pool?.name ?? null));
      found.set(`${group.kind} ${group.library} ${position}`, {
        kind: group.kind,
        detector,
        certainty: site === null ? 'suspect' : certainty,
        count: resources.length,
        acquired: sum(accounts, 'acquired'),
        released: sum(accounts, 'released'),
        estimated: group.accounts.some((account) => account.site === null),
        library: group.library,
        pool: pools.size === 1 ? (source.pool?.name ?? null) : null,
        site: site?.id ?? -1,
        frame: site ? blamedFrame(site, depth) : -1,
        siteUnknown: siteUnknown(site),
        evidence,
        scopes: this.shares(resources),
      });
    }
  }

  private shares(leaked: Resource[]): ScopeShare[] {
    const byName = groupBy(
      leaked.flatMap(({ scope }) => scope ?? []),
      ({ name }) => name,
    );
    return [...byName].map(([name, list]) => {
      const runs = [...new Set(list)];
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
  const [first, ...others] = verdicts.sort(
    (a, b) => CERTAINTIES.indexOf(a.certainty) - CERTAINTIES.indexOf(b.certainty),
  );
  return first ? { ...first, evidence: [...first.evidence, ...others.flatMap(({ evidence }) => evidence)] } : null;
}

/** Where the frame `depth` above the top user frame is; all without a stack share one place. */
function positionOf({ site }: Account, depth: number): string {
  const frame = site?.stack[blamedFrame(site, depth)];
  return frame ? `${frame.file}:${frame.line}:${frame.column}` : '-';
}

function siteUnknown(site: Account['site']): string | null {
  if (site === null) return 'no stack was taken: the stack budget was used up (raise OUTLIVE_STACKS, or soak)';
  return site.stack.length === 0 ? 'the stack was empty: nothing but Node’s own code called' : null;
}

function groupBy<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const list = groups.get(key);
    if (list) list.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function sum(accounts: Account[], key: 'acquired' | 'released'): number {
  return accounts.reduce((total, account) => total + account[key], 0);
}
