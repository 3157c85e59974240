/**
 * Counted kinds: what comes and goes dozens of times a request (a listener on a kept-alive socket) is a number at its
 * holder, for some nanoseconds. Only what makes that number higher than it ever was is opened, with its stack: where
 * things pile up each one does, and where they come and go hardly any.
 */

/** So many of anything are usual. */
const USUAL = 16;

export class Tallies {
  /** The most that each holder ever had, beyond the usual. */
  readonly #most: WeakMap<object, number> = new WeakMap();

  /** Of a holder that has `count` now. */
  isMost(holder: object, count: number): boolean {
    if (count <= USUAL || count <= (this.#most.get(holder) ?? USUAL)) return false;
    this.#most.set(holder, count);
    return true;
  }

  /** One more at `holder`, of what nobody takes away again. */
  add(holder: object): boolean {
    const count = (this.#most.get(holder) ?? 0) + 1;
    this.#most.set(holder, count);
    return count > USUAL;
  }
}
