/** Some of many that come, by chance: what comes has rhythms of its own. */
export class ByChance {
  readonly #oneOf: number;
  /** Until the next one. */
  #gap = 0;
  #seed = 1;

  /** One of so many, on average. */
  constructor(oneOf: number) {
    this.#oneOf = oneOf;
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

  /** How many others there are until the next one. */
  gap(): number {
    this.#seed = (Math.imul(this.#seed, 1103515245) + 12345) & 0x7fffffff;
    // with 0 to 2 n - 2 between two it is one of n
    return (this.#seed >> 16) % (2 * this.#oneOf - 1);
  }
}
