/** What is known of a pg client, kept on the client, where nobody sees it. */
import type { Resource } from '../../account/ledger.ts';
import { Lent } from './lent.ts';
import type { Client } from './pg-client.ts';

export class Known extends Lent {
  /** Lent by `pool.query`. */
  isQuery = false;
  /** That it was given back in, and that has not ended. */
  transaction: Resource | null = null;
  /** The latest statement that was of no interest. */
  idleText: string | null = null;
  /** What its `release` is before it is handed over: as long as it is the pool's own events that use it. */
  release: unknown = null;
  declare readonly ref: WeakRef<Client>;
  declare readonly isBusy: () => boolean;

  /** `client` is lent, and not handed over yet. */
  isServed({ release }: Client, isQuery: boolean): void {
    this.isQuery = isQuery;
    this.release = release;
  }
}

/** Of clients that are gone so many at least are remembered. */
const MOST_GONE = 100;

class Itself {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: what extends this puts its fields there
    return object;
  }
}

/** A private field of another's object: it is asked for with each statement, and a weak map is slow. */
export class OnClient extends Itself {
  static #all: WeakRef<object>[] = [];
  static #mostKnown = MOST_GONE;
  #known: Known | undefined;

  private constructor(client: object, known: Known | undefined) {
    super(client);
    this.#known = known;
    if (OnClient.#all.length >= OnClient.#mostKnown) {
      OnClient.#all = OnClient.#all.filter((ref) => ref.deref() !== undefined);
      OnClient.#mostKnown = 2 * OnClient.#all.length + MOST_GONE;
    }
    OnClient.#all.push(new WeakRef(client));
  }

  static put(client: object, known: Known | undefined): void {
    if (#known in client) client.#known = known;
    else new OnClient(client, known);
  }

  /** Whatever a method of pg's was called on. */
  static get(client: unknown): Known | undefined {
    if (typeof client !== 'object' || client === null) return undefined;
    try {
      return (client as OnClient).#known;
    } catch {
      // to ask whether there is such a field takes longer than to read it; once it is there, no more is thrown
      OnClient.put(client, undefined);
      return undefined;
    }
  }

  /** The probe leaves, and nothing of it is to live on with what goes on to be used. */
  static dropAll(): void {
    for (const ref of OnClient.#all.splice(0)) {
      const client = ref.deref();
      if (client !== undefined && #known in client) client.#known = undefined;
    }
  }
}
