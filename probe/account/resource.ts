/** One thing that is open, and what becomes of it when what it was opened on ends. */
import type { Method } from '../process/around.ts';
import type { TraceContext } from '../recording/format.ts';
import type { Link } from './chain.ts';
import type { Mark } from './flow.ts';
import type { Account } from './ledger.ts';
import type { Scope } from './scope.ts';
import type { Site } from './site.ts';

/** What becomes of the owned when its owner ends: closed with it, lost since nobody can close it any more, or nothing. */
export type Bond = 'ends with it' | 'is stranded' | 'goes on';

/** What an adapter knows of a resource when it opens it. */
export interface Known {
  /** To the thing itself, whether or not it is needed to release it: who holds it can be asked. */
  ref?: WeakRef<object>;
  /** The object without which nobody can release it, where the library hands out a fresh one per borrow. */
  handle?: WeakRef<object>;
  /** What it was opened on: the connection of a result set. */
  owner?: Resource | null;
  bond?: Bond;
  /** Whether an operation of the borrower has not come back yet. */
  isBusy?: () => boolean;
  /** True when it is over though nobody told the ledger. */
  isGone?: () => boolean;
  /** Whether it keeps the process alive; where nobody can tell, it does. */
  keepsAlive?: () => boolean;
  /** Of what ends by being collected: whether something keeps it that has to be taken away; asked at each look. */
  isKept?: () => boolean;
  /** Of what goes on by beginning anew: whether it should have done so by now; asked at each look. */
  seemsOver?: () => boolean;
  /** Milliseconds for which it, idle, was all that kept the process from ending, though told not to; asked at each look. */
  heldAgainMs?: () => number;
  /** Whether what it was made for, a connection that no adapter enters, is still there. */
  isHosted?: () => boolean;
  /** Whether the connection has ended in whose event a library made it, which nothing else tells of. */
  hasLostHost?: () => boolean;
  /** What it leads to: two that lead to the same are no entries of one cache. Stays in the process: it may name secrets. */
  leadsTo?: () => string | null;
  /** Of what ends by itself: after how many milliseconds. */
  lastsMs?: number;
  /** Of the event loop or the microtasks: what was made in one go has one number. */
  turn?: number;
  /** Nobody goes on with it, whoever took it: what it was handed on to has ended. Asked at each look. */
  isAbandoned?: () => boolean;
  /** Made before it was looked at: nobody knows in which scope. */
  isOfUnknownScope?: boolean;
  /** Made by code of a native context of its own: of a test file, a plugin, which it keeps. */
  isOfContext?: boolean;
}

/** Of a lease: what the server keeps of it, whoever has it. */
export interface Session {
  /** Something was said in it that may leave something. */
  readonly isToldOf: boolean;
  /** `lease` is given back by a call to `wrapper`. */
  back(lease: Resource, wrapper: Method): void;
}

/** Something other than the resource that its flow waits for: a request to a partner, a timer. */
export interface Elsewhere {
  /** `fetch`. */
  what: string;
  since: number;
  isPending(): boolean;
}

const NOTHING: Known = {};

export class Resource implements Link<Resource> {
  readonly account: Account;
  readonly scope: Scope | null;
  readonly openedAt: number;
  /** 0 while it is open. */
  closedAt = 0;
  /** Last sign of use by its borrower. */
  lastUsedAt: number;
  /** Signs of use so far. */
  uses = 0;
  /** What its borrower did with it last, in the library's words, unmasked. */
  lastOperation: string | null = null;
  /** Milliseconds from asking to having it. */
  waitedMs = 0;
  isBusy: (() => boolean) | null;
  isGone: (() => boolean) | null;
  /** Key of the finding that stands on it beyond suspicion. */
  condemnedBy: string | null = null;
  /** Of the latest verdicts on it that were put together. */
  gathering = 0;
  /** Which injected failure leaves it open, where a soak has found that out; one sentence. */
  recipe: string | null = null;
  private flowIsLost = false;
  /** The span of the service that it was acquired in, where somebody observes. */
  trace: TraceContext | null = null;
  /** What the stakes know its mark by; 0: they do not. */
  step = 0;
  /** Null where flows are not followed, and once it is known to be lost. */
  flow: { mark: WeakRef<object>; token: WeakRef<object> } | null = null;
  handle: WeakRef<object> | null;
  ref: WeakRef<object> | null;
  bond: Bond;
  /** Made when the first is owned. */
  owned: Set<Resource> | null = null;
  /** Nobody but its library can reach it any more: proven. */
  isOrphan = false;
  /** … and its connection was destroyed, and its place given back. */
  isHealed = false;
  /** Its owner was given back, and without it nobody can close it any more. */
  isStranded = false;
  /** What its flow or scope had taken last when it was opened: its owner, if the two turn out to end together. */
  companion: Resource | null = null;
  /** Others have it as theirs. */
  isCompanion = false;
  /** Of a pool: which database it leads to, as far as that is known. Stays in the process: it may name secrets. */
  target: string | null = null;
  /** What its flow has turned to since, while it holds this. */
  elsewhere: Elsewhere | null = null;
  /** Held by the very flow that waits for the end of its pool. */
  isHeldByEnder = false;
  /** All who hold its pool wait for one more, of which this is one. */
  isDeadlocked = false;
  /** Used by another flow than the one that acquired it. */
  isHandedOver = false;
  /** Later ones that its flow took at the same line. */
  overtaken = 0;
  /** … and that came back while this one stayed. */
  superseded = 0;
  /** What its flow already had of the same line when it was acquired. */
  earlier: Resource[] | null = null;
  session: Session | null = null;
  /** Of what was left in a session: by which statement, unmasked, and where the session was given back. */
  leftBy: { statement: string; backAt: Site | null } | null = null;
  previous: Resource | null = null;
  next: Resource | null = null;

  /** What does not change: half the fields of a lease would be empty, and there is one for each acquire. */
  private readonly known: Known;

  constructor(account: Account, scope: Scope | null, at: number, known: Known = NOTHING) {
    this.account = account;
    this.known = known;
    this.scope = scope;
    this.openedAt = at;
    this.lastUsedAt = at;
    this.isBusy = known.isBusy ?? null;
    this.isGone = known.isGone ?? null;
    this.handle = known.handle ?? null;
    this.ref = known.ref ?? this.handle;
    this.bond = known.bond ?? 'goes on';
  }

  get keepsAlive(): (() => boolean) | null {
    return this.known.keepsAlive ?? null;
  }

  get isKept(): boolean {
    return this.known.isKept?.() === true;
  }

  get seemsOver(): boolean {
    return this.known.seemsOver?.() === true;
  }

  get heldAgainMs(): (() => number) | null {
    return this.known.heldAgainMs ?? null;
  }

  get isHosted(): (() => boolean) | null {
    return this.known.isHosted ?? null;
  }

  get hasLostHost(): boolean {
    return this.known.hasLostHost?.() === true;
  }

  /** See `Known`. */
  get leadsTo(): string | null {
    return this.target ?? this.known.leadsTo?.() ?? null;
  }

  get lastsMs(): number {
    return this.known.lastsMs ?? Number.POSITIVE_INFINITY;
  }

  get turn(): number {
    return this.known.turn ?? 0;
  }

  /** See `Known`. */
  get isAbandoned(): boolean {
    return this.known.isAbandoned?.() === true;
  }

  get isOfUnknownScope(): boolean {
    return this.known.isOfUnknownScope ?? false;
  }

  get isOfContext(): boolean {
    return this.known.isOfContext ?? false;
  }

  get owner(): Resource | null {
    return this.known.owner ?? null;
  }

  get closed(): boolean {
    return this.closedAt !== 0;
  }

  /** It may turn out to end with `other`. */
  accompanies(other: Resource): void {
    this.companion = other;
    other.isCompanion = true;
  }

  /** The flow of `mark`, or of a layer, has it from now on. */
  follow(mark: { readonly token: object }): void {
    this.flow = { mark: new WeakRef(mark), token: new WeakRef(mark.token) };
    this.flowIsLost = false;
  }

  /** Nothing is known of its flow any more. */
  unfollow(): void {
    this.flow = null;
  }

  /** Whether its flow was ever known: no mark stands for others. */
  get isFollowed(): boolean {
    return this.flow !== null || this.flowIsLost;
  }

  /** No continuation that came by it is left. Only a garbage collection makes it so. */
  get hasLostFlow(): boolean {
    if (this.flow !== null && this.flow.token.deref() === undefined) {
      this.flow = null;
      this.flowIsLost = true;
    }
    return this.flowIsLost;
  }

  /** Its flow has turned to something else since it used it last, and that has not ended: in words, or null. */
  get waitsFor(): string | null {
    const { elsewhere } = this;
    return elsewhere !== null && elsewhere.since >= this.lastUsedAt && elsewhere.isPending() ? elsewhere.what : null;
  }

  /** No continuation is left that has it as its newest: the flow went on to others, or is gone. */
  get isLeftBehind(): boolean {
    return this.hasLostFlow || (this.flow !== null && this.flow.mark.deref() === undefined);
  }
}

/** All that the flow of a mark holds, its newest first. */
export function* heldBy(mark: Mark): Generator<Resource> {
  const { resource } = mark.token;
  if (resource && !resource.closed) yield resource as Resource;
  yield* heldBefore(mark);
}

/** What the flow of a mark had asked for before and still holds, latest first: all that tokens stand for are resources. */
export function heldBefore(mark: Mark | null): Iterable<Resource> {
  return mark === null ? [] : (mark.heldEarlier() as Iterable<Resource>);
}
