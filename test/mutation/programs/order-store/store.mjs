import { createPool } from 'generic-pool';

/** Wraps a pool for the whole service. */
export class Store {
  #pool = createPool({ create: async () => new Map(), destroy: async () => {} }, { max: 90 });

  lease() {
    return this.#pool.acquire(); // acquires: store
  }

  giveBack(connection) {
    return this.#pool.release(connection); // gives back: store, invoice, stock
  }

  async with(work) {
    const connection = await this.#pool.acquire(); // acquires: with
    try {
      return await work(connection);
    } finally {
      await this.#pool.release(connection); // gives back: with
    }
  }

  get borrowed() {
    return this.#pool.borrowed;
  }
}

export const store = new Store();
