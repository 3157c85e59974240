/** Reads that several readers do at about the same time, done once: groups that go through a topic in step. */
export class SharedReads<T extends object> {
  /** What is being read, and what somebody still works on. */
  readonly #known = new Map<string, Promise<T> | WeakRef<T>>();
  #readers = 0;

  enter(): void {
    this.#readers++;
  }

  /** The last one to leave takes nothing over to those who come later. */
  leave(): void {
    if (--this.#readers === 0) this.#known.clear();
  }

  /** What `read` gives, or what it has given for the same key while that is in use: not to be changed. */
  async of(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#known.get(key);
    const before = known instanceof WeakRef ? known.deref() : known;
    if (before) return before;
    this.#forget();
    const reading = read();
    this.#known.set(key, reading);
    try {
      const value = await reading;
      this.#known.set(key, new WeakRef(value));
      return value;
    } catch (error) {
      this.#known.delete(key);
      throw error;
    }
  }

  #forget(): void {
    for (const [key, known] of this.#known) {
      if (known instanceof WeakRef && known.deref() === undefined) this.#known.delete(key);
    }
  }
}
