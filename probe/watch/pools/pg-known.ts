/** What is known of a pg client, kept on the client, where nobody sees it. */
import type { Resource } from '../../account/ledger.ts';
import { Lent } from './lent.ts';
import type { Client } from './pg-client.ts';

export class Known extends Lent {
  /** Lent by `pool.query`. */
  isQuery = false;
  /** That it was given back in, and that has not ended. */
  transaction: Resource | null = null;
  /** What its `release` is before it is handed over: as long as it is the pool's own events that use it. */
  release: unknown = null;
  declare readonly ref: WeakRef<Client>;
  declare readonly isBusy: () => boolean;
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

  private constructor(client: object, known: Known) {
    super(client);
    this.#known = known;
  }

  /** Once for each client. */
  static put(client: object, known: Known): void {
    new OnClient(client, known);
    if (OnClient.#all.length >= OnClient.#mostKnown) {
      OnClient.#all = OnClient.#all.filter((ref) => ref.deref() !== undefined);
      OnClient.#mostKnown = 2 * OnClient.#all.length + MOST_GONE;
    }
    OnClient.#all.push(new WeakRef(client));
  }

  /** Whatever a method of pg's was called on. */
  static get(client: unknown): Known | undefined {
    return typeof client === 'object' && client !== null && #known in client ? client.#known : undefined;
  }

  /** The probe leaves, and nothing of it is to live on with what goes on to be used. */
  static dropAll(): void {
    for (const ref of OnClient.#all.splice(0)) {
      const client = ref.deref();
      if (client !== undefined && #known in client) client.#known = undefined;
    }
  }
}
