/**
 * Counted kinds: what comes and goes dozens of times a request (a listener on a kept-alive socket) is a number at its
 * holder, for some nanoseconds. Only what makes that number higher than it ever was is opened, with its stack: where
 * things pile up each one does, and where they come and go hardly any.
 */

/** So many of anything are usual. */
const USUAL = 16;

export class Tallies {
  /** The most that each holder ever had, beyond the usual, and how often. */
  readonly #most: WeakMap<object, { count: number; times: number }> = new WeakMap();

  /**
   * Whether `count`, which a holder has now, is more than it ever was; or as much, for the second, fourth, eighth time:
   * what made it so before may be gone, and what makes it so now may stay.
   */
  isMost(holder: object, count: number): boolean {
    const most = this.#most.get(holder);
    if (count <= USUAL || count < (most?.count ?? 0)) return false;
    if (most === undefined || count > most.count) {
      this.#most.set(holder, { count, times: 1 });
      return true;
    }
    most.times++;
    return (most.times & (most.times - 1)) === 0;
  }

  /** One more at `holder`, of what nobody takes away again. */
  add(holder: object): boolean {
    const count = (this.#most.get(holder)?.count ?? 0) + 1;
    this.#most.set(holder, { count, times: 1 });
    return count > USUAL;
  }
}
