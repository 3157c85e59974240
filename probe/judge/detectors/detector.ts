/**
 * What detectors see and say. They are pure: a group of resources, a context with the clock's reading, and nothing else.
 * A group may hold a hundred thousand, which are looked at one by one over several turns of the event loop: so a detector
 * first says how it picks, and concludes when all were looked at. Which natures it is shown is the table of natures' affair.
 */
import type { Mark } from '../../account/flow.ts';
import type { Account, Resource, Source } from '../../account/ledger.ts';
import type { Holder, PoolState } from '../../account/pool-state.ts';
import type { ScopeTotals } from '../../account/scope.ts';
import type { Site } from '../../account/site.ts';
import type { Certainty, Detector as DetectorName, Exhausted } from '../../recording/format.ts';
import type { Floors } from '../floors.ts';

/** How leases at a line, by whichever caller, have come back so far. */
export interface History {
  released: number;
  /** … while the scope that acquired them ran. */
  inScope: number;
  /** … only after the scope that acquired them had ended. */
  afterScope: number;
  /** … by the flow that acquired them, where flows can be followed. */
  inFlow: number;
  /** Acquired by a helper that shares no flow with the one that first used it. */
  adopted: number;
  /** Use times known, and the longest of them in milliseconds. */
  uses: number;
  longestUse: number;
}

/** All dealings of one line of code, the one to blame, with one kind of source. */
export interface Group {
  key: string;
  /** Of all its accounts the nature and the library are the same. */
  source: Pick<Source, 'adapter' | 'nature' | 'natureName' | 'library'>;
  accounts: Account[];
  /** Index of the blamed frame in the first account's stack; -1 without a stack. */
  frame: number;
  open: number;
  acquired: number;
  released: number;
  /** Of all callers of a shared helper. */
  history: History;
  floors: Floors;
  /** How many were open at each rest of a soak so far. */
  rests: readonly number[];
}

export interface Context {
  /** The clock's reading, milliseconds. */
  at: number;
  /** What was let go before then is gone, by a collection. */
  collectedAt: number;
  /** The latest collection, which may have left what a compiler of V8's still keeps. */
  triedAt: number;
  graceMs: number;
  /** 0: judge by the site's own history. */
  heldMs: number;
  /** The process is at its end: what is open now stays so. */
  isEnd: boolean;
  /** The flow that ends it, which gives nothing back any more. */
  ending: Mark | null;
  scopes: ReadonlyMap<string, ScopeTotals>;
  /** The largest chance of a rise without a cause that still counts as rising, of all groups together. */
  growthLimit: number;
  /** How many timers hold the event loop, where nothing else is under way; else null. */
  timersAlone(): number | null;
}

export interface Verdict {
  detector: DetectorName;
  certainty: Certainty;
  /** The ones that leak. */
  leaked: Resource[];
  /** One plain sentence each. */
  evidence: string[];
}

export interface Detector {
  readonly detector: DetectorName;
  /** Which of the group's open resources it picks, each shown once, oldest first of each caller; null: none of this group. */
  picks(group: Group, context: Context): ((resource: Resource) => boolean) | null;
  /** The verdict on what it picked, which is at least one; may leave out some. Null: it is no leak. */
  concludes(picked: Resource[], group: Group, context: Context): Omit<Verdict, 'detector'> | null;
}

/** For what can only be seen of a pool as a whole. */
export type PoolDetector = (pool: PoolState, context: Context) => PoolVerdict | null;

export interface PoolVerdict extends Omit<Verdict, 'leaked'> {
  /** The line to name. */
  site: Site | null;
  exhausted: Exhausted;
  holders: Holder[];
}
