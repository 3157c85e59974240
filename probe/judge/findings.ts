/** Verdicts as they are recorded: lines instead of resources, counts instead of lists. */

import type { Account, Resource } from '../account/ledger.ts';
import type { Holder } from '../account/pool-state.ts';
import type { ScopeTotals } from '../account/scope.ts';
import type { Site } from '../account/site.ts';
import type { RecordedFinding, RecordedHolder } from '../recording/format.ts';
import { blamedFrame, frameToName } from './blame.ts';
import type { Group, PoolVerdict, Verdict } from './detectors/detector.ts';
import { largest } from './detectors/words.ts';
import { push } from './groups.ts';
import { type Leaked, leakedOf } from './leaked.ts';

type Totals = ReadonlyMap<string, ScopeTotals>;

/** `leaked`: all of the verdict's. */
export function findingOf(
  group: Group,
  { detector, certainty, leaked: [first], evidence }: Verdict,
  leaked: Leaked,
  scopes: Totals,
): RecordedFinding {
  const { source } = group;
  const site = first?.account.site ?? null;
  const isBefore = first?.account.isBefore === true;
  const { estimated, factor } = sampling(group);
  return {
    kind: source.nature.kind,
    nature: source.natureName,
    detector,
    certainty: site === null && !isBefore ? 'suspect' : certainty,
    count: leaked.count,
    acquired: Math.round(group.acquired * factor),
    released: Math.round(group.released * factor),
    estimated,
    library: source.library,
    pool: leaked.pool,
    site: site?.id ?? -1,
    frame: frameIn(site, group),
    siteUnknown: isBefore ? 'it was taken before outlive came' : siteUnknown(site),
    ...(isBefore && { before: true }),
    evidence: [...evidence, ...leaked.traits.sentences(group)],
    ...backAt(first),
    ...leaked.traces,
    ...(leaked.healed > 0 && { healed: leaked.healed }),
    exhausted: null,
    holders: [],
    scopes: leaked.shares(scopes),
  };
}

/** Where the session of what was left in it was given back; nothing where its pool did that by itself. */
function backAt(first: Resource | undefined): Pick<RecordedFinding, 'back'> {
  const site = first?.leftBy?.backAt;
  const frame = site ? blamedFrame(site, 0) : -1;
  return site?.stack[frame]?.user ? { back: { site: site.id, frame } } : {};
}

/** The group's blamed line in this stack: other accounts of it may have come there by other libraries. */
function frameIn(site: Site | null, { accounts, frame }: Group): number {
  const blamed = accounts[0]?.site?.stack[frame];
  if (site === null || blamed === undefined) return frame;
  const { file, line, column } = blamed;
  return site.stack.findIndex((own) => own.file === file && own.line === line && own.column === column);
}

/** Where stacks were rationed, the totals of a line are scaled up by the share of acquires that had one. */
function sampling({ accounts }: Group): { estimated: boolean; factor: number } {
  let all = 0;
  let unknown = 0;
  for (const source of new Set(accounts.map((account) => account.source))) {
    for (const account of source.accounts.values()) {
      if (account.isBefore) continue;
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
    nature: 'lease',
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
    scopes: leakedOf(holders.map(({ resource }) => resource)).shares(scopes),
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

export function siteUnknown(site: Site | null): string | null {
  if (site === null) return 'no stack was taken: the stack budget was used up (raise OUTLIVE_STACKS, or soak)';
  return site.stack.length === 0 ? 'the stack was empty: nothing but Node’s own code called' : null;
}
