/**
 * Counted kinds: what comes and goes dozens of times a request (a listener on a kept-alive socket) is a number at its
 * holder, for some nanoseconds. Only a holder that has passed twice what was usual for it is *armed*: what is added there
 * from then on is asked for and opened, with its stack.
 *
 * False negatives: what was added before a holder was armed has no line; a leak goes on adding.
 */

/** So many of anything are usual. */
const USUAL = 16;

interface Tally {
  count: number;
  /** Beyond this it is armed. */
  limit: number;
  /** The most since it was last at or below its limit. */
  peak: number;
}

export class Tallies {
  readonly #tallies: WeakMap<object, Tally> = new WeakMap();

  /** One more at `holder`. Whether it is armed. */
  add(holder: object): boolean {
    const tally = this.#tallies.get(holder);
    if (tally === undefined) {
      this.#tallies.set(holder, { count: 1, limit: USUAL, peak: 1 });
      return false;
    }
    const count = ++tally.count;
    if (count > tally.peak) tally.peak = count;
    return count > tally.limit;
  }

  /** One less. What a holder once had and lost again was usual for it. */
  remove(holder: object): void {
    const tally = this.#tallies.get(holder);
    if (tally === undefined || tally.count === 0) return;
    tally.count--;
    if (tally.count > tally.limit / 2 || tally.peak <= tally.limit) return;
    tally.limit = 2 * tally.peak;
    tally.peak = tally.count;
  }

  countOf(holder: object): number {
    return this.#tallies.get(holder)?.count ?? 0;
  }
}
