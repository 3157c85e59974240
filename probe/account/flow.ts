/**
 * Flow: one chain of async continuations, and whether it still exists. Each lease puts a *mark* into the context of the
 * flow that asked for it; what the garbage collector makes of it tells who could still release the lease:
 *
 * - a mark stays alive while some continuation has this very lease as its newest
 * - its *token* stays alive while any continuation came by it: later marks of the flow hold the tokens of leases that
 *   were still open then
 *
 * An async function marks its caller too, which it shares a frame with until its first await: so a caller that starts
 * many at once holds the tokens of all of them, but the marks only of the last.
 *
 * Marks live in an AsyncLocalStorage of the probe's own, so the stores of others are untouched, and only where Node
 * keeps contexts in frames (from 24): elsewhere nothing is collected reliably, and it costs promise hooks.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Method, Surroundings } from '../process/around.ts';
import { asyncContextFrame } from '../process/runtime.ts';
import { Layers } from './layers.ts';
import { Stakes } from './stakes.ts';

/** Tokens that a mark holds at most: a flow that leaks more has long been found. */
const MAX_TOKENS = 64;

const NONE: readonly Token[] = [];

/** What was acquired, as far as a flow has to know it. */
export interface Held {
  readonly closed: boolean;
  /** See `Token`, as long as it is open. */
  step: number;
}

export class Token {
  /** Null until the acquire is served. */
  resource: Held | null = null;
  /** The acquire failed: there will be no resource. */
  failed = false;
  /** What the stakes know it by, until it is served or has failed; 0: they do not. */
  step: number;
  constructor(step: number) {
    this.step = step;
  }
}

export class Mark {
  readonly token: Token;
  /** Of leases that the flow had already asked for and not given back, latest first. */
  readonly earlier: readonly Token[];
  /** For whom a library goes on here by itself. */
  host: object | null = null;
  constructor(earlier: readonly Token[], step = 0) {
    this.earlier = earlier;
    this.token = new Token(step);
  }

  /** What the flow holds here beside the lease of this mark, latest first. */
  *heldEarlier(): Generator<Held> {
    for (const { resource } of this.earlier) if (resource && !resource.closed) yield resource;
  }

  /** Whether it, or an earlier one of its flow, stands for something that is still to be given back. */
  get matters(): boolean {
    return matters(this.token) || (this.earlier.length > 0 && this.earlier.some(matters));
  }

  /** The tokens that a later mark of the flow is to keep, latest first. */
  get kept(): readonly Token[] {
    if (!this.matters) return NONE;
    return [this.token, ...this.earlier].filter(matters).slice(0, MAX_TOKENS);
  }
}

export class Flows {
  /** Null where flows cannot be followed. */
  private readonly storage: AsyncLocalStorage<Mark | undefined> | null;
  readonly layers: Layers = new Layers();
  private readonly stakes: Stakes;
  private hasHosts = false;

  constructor(stakes: Stakes = new Stakes()) {
    this.stakes = stakes;
    this.storage = asyncContextFrame ? new AsyncLocalStorage() : null;
  }

  get supported(): boolean {
    return this.storage !== null;
  }

  current(): Mark | null {
    return this.storage?.getStore() ?? null;
  }

  /** Whether the current flow holds anything, as far as the stakes know. */
  get matters(): boolean {
    return this.stakes.contexts > 0 && this.storage?.getStore()?.matters === true;
  }

  /** Whether there is anything to know of the current flow. */
  get isAny(): boolean {
    return this.stakes.contexts > 0 && this.current() !== null;
  }

  /** A mark for an acquire of the current flow, of what is given back or of anything else; enter it once the library has been called. */
  ask(isGivenBack: boolean): Mark | null {
    if (!this.storage) return null;
    return new Mark(this.storage.getStore()?.kept ?? NONE, this.stakes.came(isGivenBack));
  }

  /** The acquire was served, and `resource` is followed from now on. */
  served({ token }: Mark, resource: Held): void {
    token.resource = resource;
    this.stakes.left(resource.step);
    resource.step = token.step;
    token.step = 0;
  }

  /** The acquire has failed. */
  failed(mark: Mark | null): void {
    if (mark === null) return;
    mark.token.failed = true;
    this.stakes.leaves(mark.token);
  }

  enter(mark: Mark | null): void {
    if (mark) this.storage?.enterWith(mark);
  }

  /**
   * Takes the mark out of the rest of this callback; `enter` puts it back. A library is called without one, so that
   * what it keeps for itself (sockets, timers) does not keep our flow.
   */
  suspend(): Mark | null {
    const mark = this.current();
    // a mark of what was given back keeps nothing that matters, and each change of context costs a copy of it
    if (mark === null || !mark.matters) return null;
    this.storage?.enterWith(undefined);
    return mark;
  }

  /** The library is called without a mark; then it goes on with that of `next`, or as before. */
  unmarked<Asked>(next?: (asked: Asked) => Mark | null | undefined): Surroundings<Asked> {
    return {
      enter: () => this.suspend(),
      leave: (suspended, asked) => {
        const mark = next === undefined || asked === undefined ? null : next(asked);
        this.enter(mark ?? (suspended as Mark | null));
      },
    };
  }

  /** A library goes on for `host` in the rest of this callback; `leave` with what is returned ends that. */
  goesOnFor(host: object): Mark | null {
    const before = this.current();
    const mark = new Mark(NONE);
    mark.token.failed = true;
    mark.host = host;
    if (!this.hasHosts) this.stakes.contexts++;
    this.hasHosts = true;
    this.enter(mark);
    return before;
  }

  leave(before: Mark | null): void {
    this.storage?.enterWith(before ?? undefined);
  }

  /** The same as `unmarked`, for a hook that calls by itself. */
  shed<T>(method: Method, self: unknown, args: IArguments, next: Mark | null = null): T {
    const suspended = this.suspend();
    try {
      return Reflect.apply(method, self, args);
    } finally {
      this.enter(next ?? suspended);
    }
  }

  /** Calls what starts a branch of the flow that may live on by itself: it keeps the tokens, but no mark. */
  branch<T>(method: Method, self: unknown, args: IArguments): T {
    const kept = this.current()?.kept ?? NONE;
    if (!this.storage || kept.length === 0) return this.shed(method, self, args);
    const mark = new Mark(kept);
    mark.token.failed = true;
    return this.storage.run(mark, () => Reflect.apply(method, self, args));
  }

  /** Runs a callback of the service as part of the flow that `mark` stands for; other stores stay as they are. */
  bind(callback: Method, mark: Mark | null): Method {
    const { storage } = this;
    if (!storage || !mark) return callback;
    return function bound(this: unknown): unknown {
      return storage.run(mark, () => Reflect.apply(callback, this, arguments));
    };
  }

  /** Nothing is followed any more. */
  end(): void {
    this.storage?.disable();
    this.layers.end();
  }

  /** Whether the current flow came by `resource`, as far as its marks tell. */
  isHolding(resource: Held): boolean {
    const mark = this.current();
    return (
      mark !== null && (mark.token.resource === resource || mark.earlier.some((token) => token.resource === resource))
    );
  }
}

/** Whether it still stands for something that its flow may give back. */
function matters({ failed, resource }: Token): boolean {
  return !failed && resource?.closed !== true;
}
