/**
 * Flow: one chain of async continuations, and whether it still exists. Each lease puts a token into the context of the
 * flow that asked for it; when the token is garbage-collected, no continuation of that flow is left to release it.
 *
 * Tokens live in an AsyncLocalStorage of the probe's own, so the stores of others are untouched, and only where Node
 * keeps contexts in frames (from 24): elsewhere a token is never collected reliably and costs promise hooks.
 * A token holds the one before it, as long as that one's lease is open: the flow still is who could release both.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Resource } from './ledger.ts';
import { asyncContextFrame } from './runtime.ts';

/** Links that are looked at: a flow that leaks more has long been found. */
const MAX_LINKS = 64;

export class Token {
  /** Null until the acquire is served. */
  resource: Resource | null = null;
  /** The acquire failed: there will be no resource. */
  failed = false;
  previous: Token | null;
  constructor(previous: Token | null) {
    this.previous = previous;
  }
  /** Whether it still stands for something that its flow may give back. */
  get matters(): boolean {
    return !this.failed && this.resource?.closed !== true;
  }
}

export class Flows {
  /** Null where flows cannot be followed. */
  private readonly storage: AsyncLocalStorage<Token | undefined> | null;

  constructor() {
    this.storage = asyncContextFrame ? new AsyncLocalStorage() : null;
  }

  get supported(): boolean {
    return this.storage !== null;
  }

  /** A token for an acquire of the current flow; enter it once the library has been called. */
  ask(): Token | null {
    return this.storage && new Token(this.current());
  }

  enter(token: Token | null): void {
    if (token) this.storage?.enterWith(token);
  }

  /** Calls the library without a token, so that what it keeps for itself (sockets, timers) does not keep our flow. */
  // biome-ignore lint/complexity/noBannedTypes: any method of the library
  shed<T>(method: Function, self: unknown, args: IArguments): T {
    if (!this.storage?.getStore()) return Reflect.apply(method, self, args);
    return this.storage.run(undefined, () => Reflect.apply(method, self, args));
  }

  /** Takes the token out of the rest of this callback; `enter` puts it back. */
  suspend(): Token | null {
    const token = this.storage?.getStore() ?? null;
    if (token) this.storage?.enterWith(undefined);
    return token;
  }

  /** Runs a callback of the service as part of the flow that `token` stands for; other stores stay as they are. */
  bind<F extends (...args: never[]) => unknown>(callback: F, token: Token | null): F {
    const { storage } = this;
    if (!storage || !token) return callback;
    return function bound(this: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      return storage.run(token, () => Reflect.apply(callback, this, arguments as unknown as never[]));
    } as unknown as F;
  }

  isHolding(resource: Resource): boolean {
    for (const held of heldUpTo(this.current())) if (held === resource) return true;
    return false;
  }

  /** The latest token that matters; those in front of it and, on the way, those behind it are let go. */
  current(): Token | null {
    let token = this.storage?.getStore() ?? null;
    while (token && !token.matters) token = token.previous;
    for (let link = token, links = 0; link && links < MAX_LINKS; link = link.previous, links++) {
      while (link.previous && !link.previous.matters) link.previous = link.previous.previous;
    }
    return token;
  }
}

/** What a flow holds at `token`, latest first. */
export function* heldUpTo(token: Token | null): Generator<Resource> {
  for (let link = token, links = 0; link && links < MAX_LINKS; link = link.previous, links++) {
    if (link.resource && !link.resource.closed) yield link.resource;
  }
}
