/**
 * Some of many that come, by chance: what comes has rhythms of its own. In rows, where what is done with one is done seldom
 * and is cheaper the second time: by the next row the processor's caches have lost it.
 */
export class ByChance {
  readonly #oneOf: number;
  readonly #row: number;
  /** Until the next one. */
  #gap = 0;
  #taken = 0;
  #seed = 1;

  /** One of so many, on average; so many at a time. */
  constructor(oneOf: number, row = 1) {
    this.#oneOf = oneOf;
    this.#row = row;
  }

  /** Whether the next one is among them. */
  takes(): boolean {
    if (this.#gap > 0) {
      this.#gap--;
      return false;
    }
    this.#gap = this.gap();
    return true;
  }

  /** How many others there are between one that is taken and the next. */
  gap(): number {
    if (++this.#taken % this.#row !== 0) return 0;
    this.#seed = (Math.imul(this.#seed, 1103515245) + 12345) & 0x7fffffff;
    // on average as many as make one of so many of all
    return (this.#seed >> 16) % (2 * this.#row * (this.#oneOf - 1) + 1);
  }
}
