/** Reads that several readers do at about the same time, done once: groups that go through a topic in step. */
export class SharedReads<T> {
  /** What is being read, and what somebody still works on: held no longer, as a batch is large. */
  readonly #known = new Map<string, { reading: Promise<T>; holders: number }>();

  /** What `read` gives, or gave to another who still has it: not to be changed. Let go of it, unless this throws. */
  async take(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#known.get(key) ?? { reading: read(), holders: 0 };
    this.#known.set(key, known);
    known.holders++;
    try {
      return await known.reading;
    } catch (error) {
      this.letGo(key);
      throw error;
    }
  }

  letGo(key: string): void {
    const known = this.#known.get(key);
    if (known && --known.holders === 0) this.#known.delete(key);
  }
}
