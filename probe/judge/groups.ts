/** Groups the accounts of a line by the line to blame. */
import type { Account, Ledger, Line } from '../account/ledger.ts';
import { isOff } from '../process/lapses.ts';
import { blamedFrame, ownerDepth } from './blame.ts';
import type { Group, History } from './detectors/detector.ts';
import { Floors } from './floors.ts';

/** A line's accounts by blamed line, and what they were made from: they hold until that changes. */
interface Made {
  changes: number;
  releases: number;
  byPosition: Map<string, Account[]>;
  depth: number;
}

/** Lines whose floors are kept. */
const MAX_FLOORS = 5000;

export class Groups {
  readonly #ledger: Ledger;
  readonly #made: WeakMap<Line, Made> = new WeakMap();
  readonly #floors: Map<string, Floors> = new Map();
  readonly #rests: Map<string, number[]> = new Map();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /**
   * Groups of the lines that have something open; owners before what they own. Accounts whose stacks share the top user
   * frame share a history: a helper's callers are alike in how long they borrow. Each blamed line is a group of its own.
   */
  open(at: number): Group[] {
    this.#ledger.settle();
    const lines = [...this.#ledger.lines.values()].filter(
      ({ openCount, source }) => openCount > 0 && !isOff(source.adapter),
    );
    lines.sort((a, b) => a.depth - b.depth);
    const groups = new Map<string, Group>();
    for (const group of lines.flatMap((line) => this.#groupsOf(line, at))) {
      const known = groups.get(group.key);
      groups.set(group.key, known ? together(known, group) : group);
    }
    return [...groups.values()];
  }

  /** Everything is at rest: a soak's round has ended. */
  rest(at: number): void {
    for (const { key, open } of this.open(at)) push(this.#rests, key, open);
  }

  #groupsOf(line: Line, at: number): Group[] {
    const { source, accounts } = line;
    const { byPosition, depth } = this.#madeOf(line);
    const history = historyOf(accounts);
    return [...byPosition].map(([position, own]): Group => {
      const { site, depth: ownDepth } = own[0] as Account;
      const key = `${source.nature.kind} ${source.library} ${source.natureName} ${position}`;
      return {
        ...{ key, source, accounts: own, history, floors: this.#floorsOf(key, at), rests: this.#rests.get(key) ?? [] },
        frame: site ? blamedFrame(site, ownDepth ?? depth) : -1,
        open: own.reduce((total, { open }) => total + open.size, 0),
        acquired: sum(own, 'acquired'),
        released: sum(own, 'released'),
      };
    });
  }

  #madeOf(line: Line): Made {
    const { accounts } = line;
    const releases = accounts.reduce((total, account) => total + account.releases.length, 0);
    const known = this.#made.get(line);
    if (known?.changes === line.changes && known.releases === releases) return known;
    const depth = ownerDepth(accounts);
    const byPosition = new Map<string, Account[]>();
    for (const account of accounts) push(byPosition, account.position(account.depth ?? depth), account);
    const made = { changes: line.changes, releases, byPosition, depth };
    this.#made.set(line, made);
    return made;
  }

  #floorsOf(key: string, at: number): Floors {
    const floors = this.#floors.get(key) ?? new Floors(at);
    // the one that was asked for least recently goes first
    this.#floors.delete(key);
    this.#floors.set(key, floors);
    const [oldest] = this.#floors.keys();
    if (this.#floors.size > MAX_FLOORS && oldest !== undefined) this.#floors.delete(oldest);
    return floors;
  }
}

/** A helper may take the same at several lines of its own for the one to blame. */
function together(one: Group, other: Group): Group {
  return {
    ...one,
    accounts: [...one.accounts, ...other.accounts],
    open: one.open + other.open,
    acquired: one.acquired + other.acquired,
    released: one.released + other.released,
    history: {
      released: one.history.released + other.history.released,
      inScope: one.history.inScope + other.history.inScope,
      afterScope: one.history.afterScope + other.history.afterScope,
      inFlow: one.history.inFlow + other.history.inFlow,
      adopted: one.history.adopted + other.history.adopted,
      uses: one.history.uses + other.history.uses,
      longestUse: Math.max(one.history.longestUse, other.history.longestUse),
    },
  };
}

function historyOf(accounts: readonly Account[]): History {
  return {
    released: sum(accounts, 'released'),
    inScope: sum(accounts, 'releasedInScope'),
    afterScope: sum(accounts, 'releasedAfterScope'),
    inFlow: sum(accounts, 'releasedInFlow'),
    adopted: sum(accounts, 'adopted'),
    uses: accounts.reduce((count, { useTimes }) => count + useTimes.count, 0),
    longestUse: accounts.reduce((longest, { useTimes }) => Math.max(longest, useTimes.max), 0),
  };
}

export function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function sum(
  accounts: readonly Account[],
  key: 'acquired' | 'released' | 'releasedInScope' | 'releasedAfterScope' | 'releasedInFlow' | 'adopted',
) {
  return accounts.reduce((total, account) => total + account[key], 0);
}
