/** Puts accounts together by the line that detectors are to judge: the blamed one. */

import type { Account, Ledger, Resource } from '../account/ledger.ts';
import { isUnwatched } from '../process/lapses.ts';
import { blamedFrame, ownerDepth } from './blame.ts';
import type { Group, History } from './detectors/detector.ts';

/**
 * Accounts whose stacks share the top user frame share a history: a helper's callers are alike in how long they
 * borrow. Each blamed line is a group of its own. `floorsOf` gives a group's floors.
 */
export function groupsOf(ledger: Ledger, at: number, floorsOf: (key: string) => Group['floors']): Group[] {
  const open = new Map<Account, Resource[]>();
  for (const resource of ledger.opened(at)) push(open, resource.account, resource);
  const lines = new Map<string, Account[]>();
  for (const { kind, library, accounts } of ledger.sources) {
    if (isUnwatched(library)) continue;
    for (const account of accounts.values()) {
      push(lines, `${kind} ${library} ${account.shape} ${positionOf(account, 0)}`, account);
    }
  }
  return [...lines.values()].flatMap((line) => groupsOfLine(line, open, floorsOf));
}

function groupsOfLine(
  line: Account[],
  open: ReadonlyMap<Account, Resource[]>,
  floorsOf: (key: string) => Group['floors'],
): Group[] {
  if (!line.some((account) => open.has(account))) return [];
  const depth = ownerDepth(line);
  const history = historyOf(line);
  const groups = new Map<string, Account[]>();
  for (const account of line) push(groups, positionOf(account, depth), account);
  return [...groups].flatMap(([position, accounts]) => {
    const [{ source, shape, site }] = accounts as [Account];
    const key = `${source.kind} ${source.library} ${shape} ${position}`;
    return {
      ...{ key, kind: source.kind, library: source.library, shape, accounts, history, floors: floorsOf(key) },
      frame: site ? blamedFrame(site, depth) : -1,
      open: accounts.flatMap((account) => open.get(account) ?? []),
      acquired: sum(accounts, 'acquired'),
      released: sum(accounts, 'released'),
    };
  });
}

function historyOf(accounts: readonly Account[]): History {
  return {
    released: sum(accounts, 'released'),
    afterScope: sum(accounts, 'releasedAfterScope'),
    inFlow: sum(accounts, 'releasedInFlow'),
    uses: accounts.reduce((count, { useTimes }) => count + useTimes.count, 0),
    longestUse: accounts.reduce((longest, { useTimes }) => Math.max(longest, useTimes.max), 0),
  };
}

/** Where the frame `depth` above the top user frame is; all without a stack share one place. */
function positionOf({ site }: Account, depth: number): string {
  const frame = site?.stack[blamedFrame(site, depth)];
  return frame ? `${frame.file}:${frame.line}:${frame.column}` : '-';
}

export function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function sum(accounts: readonly Account[], key: 'acquired' | 'released' | 'releasedAfterScope' | 'releasedInFlow') {
  return accounts.reduce((total, account) => total + account[key], 0);
}
