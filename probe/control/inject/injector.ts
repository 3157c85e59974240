/**
 * `--fail-path`: makes one outgoing operation fail, the n-th at one line of the service's own code, as it may fail in
 * production. Made only when a soak asks for it at the program's start (OUTLIVE_FAIL_PATH) and told what to do through
 * the side door; without it nothing of this is patched.
 */

import type { Ledger, Resource } from '../../account/ledger.ts';
import { DEEP, type Sites } from '../../account/site.ts';
import { Groups } from '../../judge/groups.ts';
import type { Method } from '../../process/around.ts';
import { now } from '../../process/runtime.ts';
import type { Frame, Kind } from '../../recording/format.ts';
import { isOwed, type NatureName } from '../../recording/natures.ts';

export const FAULT_KINDS = ['query', 'connect', 'request'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** The `ordinal`-th operation of a turn (from 1) that the code at this position asks for. */
export interface Fault {
  kind: FaultKind;
  file: string;
  line: number;
  column: number;
  ordinal: number;
}

/** A position as executed. */
export type Place = Pick<Frame, 'file' | 'line' | 'column'>;

/** An outgoing operation that was asked for; equal stacks have the same `stack`. */
export interface Call {
  kind: FaultKind;
  frame: Frame;
  /** The user's code that called or awaited that, the nearest first, and no more than some. */
  callers: Place[];
  stack: number;
}

/** What was acquired in a turn and is still open at rest, at one line. */
export interface Left {
  kind: Kind;
  nature: NatureName;
  library: string;
  /** Where, as executed; null without a stack. */
  frame: Frame | null;
  count: number;
}

/** Whom a fault is proven of. */
export type Blamed = Pick<Left, 'kind' | 'library' | 'frame'>;

/** What one line has acquired of what is to be given back, whoever is to blame for it. */
export interface Taken extends Place {
  nature: NatureName;
  library: string;
  /** Since the program began. */
  acquired: number;
  /** Of this turn, still open at rest. */
  open: number;
}

/** What has happened since the turn began. */
export interface Turn {
  calls: Call[];
  /** Whether the fault was reached, and made it fail. */
  hit: boolean;
  left: Left[];
  taken: Taken[];
}

/** More calls than these in a turn are not told. */
const MOST_CALLS = 2000;
/** All of them are told in one line. */
const MOST_CALLERS = 8;

export class Injector {
  private readonly sites: Sites;
  private readonly ledger: Ledger;
  private calls: Call[] = [];
  private fault: Fault | null;
  private latest: Fault | null;
  private hit = false;
  private countdown = 0;
  private began = Number.NEGATIVE_INFINITY;
  /** Of turns in which the fault was made. */
  private suspects: Resource[] = [];

  /** `first`: the fault of the turn that begins with the program. */
  constructor(sites: Sites, ledger: Ledger, first: Fault | null) {
    this.sites = sites;
    this.ledger = ledger;
    this.fault = first;
    this.latest = first;
    this.countdown = first?.ordinal ?? 0;
  }

  /** A new turn begins; in it `fault` is made. */
  begin(fault: Fault | null): void {
    // turns without it stand between those with it, for comparison
    if (fault !== null && !sameFault(fault, this.latest)) this.suspects = [];
    this.latest = fault ?? this.latest;
    this.calls = [];
    this.fault = fault;
    this.countdown = fault?.ordinal ?? 0;
    this.hit = false;
    this.began = now();
  }

  /** An operation is asked for by a call to `wrapper`, which is on the stack. Whether it is to fail. */
  mustFail(kind: FaultKind, wrapper: Method): boolean {
    if (this.calls.length >= MOST_CALLS) return false;
    const site = this.sites.capture(wrapper, DEEP);
    const frame = site?.stack[site.user[0] ?? -1];
    // what a library does for itself, nobody's code can be asked about
    if (!site || !frame?.user) return false;
    const callers = site.user.slice(1, 1 + MOST_CALLERS).flatMap((index) => placeOf(site.stack[index]));
    this.calls.push({ kind, frame, callers, stack: site.id });
    const { fault } = this;
    if (!fault || this.hit || fault.kind !== kind || !isAt(frame, fault)) return false;
    if (--this.countdown > 0) return false;
    this.hit = true;
    return true;
  }

  /** At rest: how the turn has gone. */
  end(): Turn {
    const at = now();
    const left = new Groups(this.ledger).open(at).flatMap(({ source, accounts, frame: index }): Left[] => {
      const open = accounts
        .flatMap((account) => [...this.ledger.openOf(account, at)])
        .filter(({ openedAt }) => openedAt >= this.began);
      if (open.length === 0 || !isOwed(source.natureName)) return [];
      if (this.hit) this.suspects.push(...open.filter((resource) => !this.suspects.includes(resource)));
      const frame = accounts[0]?.site?.stack[index] ?? null;
      const { nature, natureName, library } = source;
      return [{ kind: nature.kind, nature: natureName, library, frame, count: open.length }];
    });
    return { calls: this.calls, hit: this.hit, left, taken: this.takenAt(at) };
  }

  private takenAt(at: number): Taken[] {
    return [...this.ledger.lines.values()].flatMap(({ source, accounts }): Taken[] => {
      const site = accounts[0]?.site;
      const [place] = placeOf(site?.stack[site.user[0] ?? -1]);
      if (!place || !isOwed(source.natureName)) return [];
      const open = accounts.flatMap((account) => [...this.ledger.openOf(account, at)]);
      return [
        {
          ...place,
          ...{ nature: source.natureName, library: source.library },
          acquired: accounts.reduce((total, { acquired }) => total + acquired, 0),
          open: open.filter(({ openedAt }) => openedAt >= this.began).length,
        },
      ];
    });
  }

  /** It is proven that the fault of the last turns left these open: what `recipe` says in one sentence. */
  blame(recipe: string, { kind, library, frame }: Blamed): void {
    for (const resource of this.suspects) {
      const { source, site } = resource.account;
      if (source.nature.kind !== kind || source.library !== library || !isOwed(source.natureName)) continue;
      if (frame === null || site?.stack.some((own) => isAt(own, frame))) resource.recipe = recipe;
    }
  }
}

function placeOf(frame: Frame | undefined): Place[] {
  return frame ? [{ file: frame.file, line: frame.line, column: frame.column }] : [];
}

function isAt(frame: Frame, { file, line, column }: Pick<Fault, 'file' | 'line' | 'column'>): boolean {
  return frame.file === file && frame.line === line && frame.column === column;
}

function sameFault(one: Fault | null, other: Fault | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
