/** What detectors see and say. They are pure: a group, a context with the clock's reading, and nothing else. */

import type { Account, Holder, PoolState, Resource, Shape } from '../../account/ledger.ts';
import type { ScopeTotals } from '../../account/scope.ts';
import type { Site } from '../../account/site.ts';
import type { Certainty, Detector as DetectorName, Exhausted, Kind } from '../../recording/format.ts';
import type { Floors } from '../floors.ts';

/** How leases at a line, by whichever caller, have come back so far. */
export interface History {
  released: number;
  /** … only after the scope that acquired them had ended. */
  afterScope: number;
  /** … by the flow that acquired them, where flows can be followed. */
  inFlow: number;
  /** Use times known, and the longest of them in milliseconds. */
  uses: number;
  longestUse: number;
}

/** All dealings of one line of code, the one to blame, with one kind of source. */
export interface Group {
  key: string;
  kind: Kind;
  library: string;
  shape: Shape;
  accounts: Account[];
  /** Index of the blamed frame in the first account's stack; -1 without a stack. */
  frame: number;
  /** Open resources, newest first. */
  open: Resource[];
  acquired: number;
  released: number;
  /** Of all callers of a shared helper. */
  history: History;
  floors: Floors;
}

export interface Context {
  /** The clock's reading, milliseconds. */
  at: number;
  graceMs: number;
  /** 0: judge by the site's own history. */
  heldMs: number;
  scopes: ReadonlyMap<string, ScopeTotals>;
}

export interface Verdict {
  detector: DetectorName;
  certainty: Certainty;
  /** The ones that leak; a subset of `open`. */
  leaked: Resource[];
  /** One plain sentence each. */
  evidence: string[];
}

export type Detector = (group: Group, context: Context) => Verdict | null;

/** Like `Detector`, for what can only be seen of a pool as a whole. */
export type PoolDetector = (pool: PoolState, context: Context) => PoolVerdict | null;

export interface PoolVerdict extends Omit<Verdict, 'leaked'> {
  /** The line to name. */
  site: Site | null;
  exhausted: Exhausted;
  holders: Holder[];
}
