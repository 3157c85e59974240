/**
 * The time-outs that a flow has set. They lie beside its marks (flow.ts), since a flow owes nobody to clear them before it
 * goes on, and whatever else it takes meanwhile changes nothing about them:
 *
 * - a *layer* stays alive while some continuation came by its time-out and by none of a later turn
 * - its *token* stays alive while any continuation came by it: later layers hold the tokens of those that still wait
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { asyncContextFrame } from '../process/runtime.ts';
import type { Resource } from './resource.ts';

/** Tokens that a layer holds at most; of the flow of older ones nothing is known any more. */
const MAX_TOKENS = 64;

interface Token {
  readonly resource: Resource;
}

export interface Layer {
  readonly token: Token;
  /** Latest first. */
  readonly earlier: readonly Token[];
  /** Of the one before, if that was set in the same turn: nobody can have awaited it in between. */
  readonly together: Layer | null;
}

export class Layers {
  /** Null where flows cannot be followed. */
  readonly #storage: AsyncLocalStorage<Layer | undefined> | null = asyncContextFrame ? new AsyncLocalStorage() : null;

  /** From here on the flow has set `resource`; null where flows cannot be followed. */
  lay(resource: Resource): Layer | null {
    if (this.#storage === null) return null;
    const current = this.#storage.getStore();
    const isTogether = current?.token.resource.turn === resource.turn;
    const earlier = current === undefined ? [] : [current.token, ...current.earlier].filter(isOpen);
    for (const { resource } of earlier.splice(MAX_TOKENS)) resource.unfollow();
    const layer = { token: { resource }, earlier, together: isTogether ? (current ?? null) : null };
    this.#storage.enterWith(layer);
    return layer;
  }

  /** Takes the layer out of the rest of this callback, which a timer that is set meanwhile would keep; null: there is none. */
  suspend(): Layer | null {
    const layer = this.#storage?.getStore() ?? null;
    if (layer !== null) this.#storage?.enterWith(undefined);
    return layer;
  }

  /** … and back, what `suspend` returned. */
  enter(layer: Layer | null): void {
    if (layer !== null) this.#storage?.enterWith(layer);
  }

  end(): void {
    this.#storage?.disable();
  }
}

function isOpen({ resource }: Token): boolean {
  return !resource.closed;
}
