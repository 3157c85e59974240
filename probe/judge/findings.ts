/** Verdicts as they are recorded: lines instead of resources, counts instead of lists. */

import type { Account, Holder, Resource } from '../account/ledger.ts';
import type { Scope, ScopeTotals } from '../account/scope.ts';
import type { Site } from '../account/site.ts';
import type { RecordedFinding, RecordedHolder, RecordedLine, ScopeShare } from '../recording/format.ts';
import { blamedFrame, ownerDepth } from './blame.ts';
import type { Group, PoolVerdict, Verdict } from './detectors/detector.ts';
import { largest } from './detectors/words.ts';
import { push } from './groups.ts';
import { commonTo } from './shared-traits.ts';

/** Of one finding. */
const MAX_TRACES = 5;

type Totals = ReadonlyMap<string, ScopeTotals>;

export function findingOf(group: Group, verdict: Verdict, scopes: Totals): RecordedFinding {
  const { detector, certainty, leaked, evidence } = verdict;
  const { site, source } = (leaked[0] as Resource).account;
  const pools = new Set(leaked.map(({ account }) => account.source.pool?.name ?? null));
  const { estimated, factor } = sampling(group);
  return {
    kind: group.kind,
    shape: group.shape,
    detector,
    certainty: site === null ? 'suspect' : certainty,
    count: leaked.length,
    acquired: Math.round(group.acquired * factor),
    released: Math.round(group.released * factor),
    estimated,
    library: group.library,
    pool: pools.size === 1 ? (source.pool?.name ?? null) : null,
    site: site?.id ?? -1,
    frame: group.frame,
    siteUnknown: siteUnknown(site),
    evidence: [...evidence, ...commonTo(group, leaked)],
    ...tracesOf(leaked),
    exhausted: null,
    holders: [],
    scopes: sharesOf(leaked, scopes),
  };
}

/** Where stacks were rationed, the totals of a line are scaled up by the share of acquires that had one. */
function sampling({ accounts, shape }: Group): { estimated: boolean; factor: number } {
  let all = 0;
  let unknown = 0;
  for (const source of new Set(accounts.map((account) => account.source))) {
    for (const account of source.accounts.values()) {
      if (account.shape !== shape) continue;
      all += account.acquired;
      if (account.site === null) unknown += account.acquired;
    }
  }
  const isKnown = accounts[0]?.site !== null;
  return { estimated: unknown > 0, factor: isKnown && unknown > 0 && unknown < all ? all / (all - unknown) : 1 };
}

export function poolFindingOf(library: string, pool: string, verdict: PoolVerdict, scopes: Totals): RecordedFinding {
  const { detector, certainty, evidence, site, holders } = verdict;
  const accounts = [...new Set(holders.map(({ resource }) => resource.account))];
  return {
    kind: 'connection',
    shape: 'lease',
    detector,
    certainty,
    count: holders.length,
    acquired: accounts.reduce((total, { acquired }) => total + acquired, 0),
    released: accounts.reduce((total, { released }) => total + released, 0),
    estimated: false,
    library,
    pool,
    site: site?.id ?? -1,
    frame: frameToName(site, accounts),
    siteUnknown: siteUnknown(site),
    evidence,
    exhausted: verdict.exhausted,
    holders: holdersByLine(holders),
    scopes: sharesOf(
      holders.map(({ resource }) => resource),
      scopes,
    ),
  };
}

/** Past helpers, as everywhere: by the releases at that line, whoever called it. */
export function frameToName(site: Site | null, accounts: readonly Account[]): number {
  const [{ source, line } = {}] = accounts.filter((account) => account.site === site);
  if (!site) return -1;
  const alike = source && line ? [...source.accounts.values()].filter((account) => account.line === line) : [];
  return blamedFrame(site, ownerDepth(alike));
}

/** What is known of a line that has something open. */
export function lineOf(
  { kind, library, accounts, frame, open, acquired, released, history, floors }: Group,
  at: number,
): RecordedLine {
  const count = (is: (resource: Resource) => boolean): number => open.filter(is).length;
  return {
    site: accounts[0]?.site?.id ?? -1,
    frame,
    kind,
    library,
    acquired,
    released,
    open: open.length,
    busy: count(({ isBusy }) => isBusy?.() === true),
    unscoped: count(({ scope }) => scope === null),
    running: count(({ scope }) => scope !== null && scope.ended === 0),
    lost: count((resource) => resource.hasLostFlow),
    leftBehind: count((resource) => resource.isLeftBehind),
    idleMs: Math.round(largest([0, ...open.map(({ lastUsedAt }) => at - lastUsedAt)])),
    uses: history.uses,
    longestUseMs: Math.round(history.longestUse * 10) / 10,
    inFlow: history.inFlow,
    afterScope: history.afterScope,
    windows: floors.points.length,
  };
}

/** Most first. */
function holdersByLine(holders: readonly Holder[]): RecordedHolder[] {
  const byAccount = new Map<Account, Holder[]>();
  for (const holder of holders) push(byAccount, holder.resource.account, holder);
  return [...byAccount]
    .map(([account, list]) => ({
      site: account.site?.id ?? -1,
      frame: frameToName(account.site, [account]),
      count: list.length,
      oldestMs: Math.round(largest(list.map(({ ageMs }) => ageMs))),
      idleMs: Math.round(largest(list.map(({ idleMs }) => idleMs))),
      busy: list.every(({ busy }) => busy === null) ? null : list.filter(({ busy }) => busy).length,
    }))
    .sort((a, b) => b.count - a.count);
}

function sharesOf(leaked: readonly Resource[], scopes: Totals): ScopeShare[] {
  const byName = new Map<string, Scope[]>();
  for (const scope of new Set(leaked.map((resource) => resource.scope))) if (scope) push(byName, scope.name, scope);
  return [...byName].map(([name, runs]) => {
    const errors = new Set(runs.map(({ failedWith }) => failedWith));
    const [error = null] = errors;
    const totals = scopes.get(name);
    const isOnly = errors.size === 1 && error !== null && totals?.failedWith.get(error) === runs.length;
    return { name, ended: totals?.ended ?? runs.length, leaked: runs.length, failedWith: isOnly ? error : null };
  });
}

/** The service's own spans, if it traces: each once. */
function tracesOf(leaked: readonly Resource[]): Pick<RecordedFinding, 'traces'> {
  const traces = leaked.map(({ trace }) => trace).filter((trace) => trace !== null);
  const each = [...new Map(traces.map((trace) => [trace.traceId, trace])).values()];
  return each.length === 0 ? {} : { traces: each.slice(0, MAX_TRACES) };
}

function siteUnknown(site: Site | null): string | null {
  if (site === null) return 'no stack was taken: the stack budget was used up (raise OUTLIVE_STACKS, or soak)';
  return site.stack.length === 0 ? 'the stack was empty: nothing but Node’s own code called' : null;
}
