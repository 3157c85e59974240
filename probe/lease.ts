/**
 * How a pool makes itself watchable, by whoever wants to know: it publishes what happens to its leases on a channel of
 * Node's `diagnostics_channel`. The channel's name and the four fields of a message are the whole convention; `Leases` is
 * a helper that a pool's author may use or copy. While nobody listens it costs a test of a boolean per acquire and release.
 */
import diagnosticsChannel from 'node:diagnostics_channel';

export const LEASE_CHANNEL = 'outlive:lease';

/** One object for each pool, which stays the same. */
export interface LeasePool {
  /** Whose pool it is: the name of the package. */
  readonly library: string;
  readonly name?: string;
  /** How many it lends at once; 0 or nothing: unlimited. */
  readonly max?: number;
  /** Each borrow gets an object of its own, without which nobody can give it back: a dropped one is proven lost. */
  readonly isFresh?: boolean;
}

export interface LeaseMessage {
  /** `asked` is published by the call that asks, so that its stack tells who; the others at any time later. */
  readonly event: 'asked' | 'acquired' | 'timed out' | 'failed' | 'released';
  readonly pool: LeasePool;
  /** One object for each acquire, which ties `asked` to what comes of it; null with `released`. */
  readonly request: object | null;
  /** What is lent; null before it is. */
  readonly lease: object | null;
}

const channel = diagnosticsChannel.channel(LEASE_CHANNEL);

export class Leases<Lease extends object> {
  readonly #pool: LeasePool;
  readonly #isTimeout: (error: unknown) => boolean;

  /** `isTimeout`: whether an acquire that failed had waited too long. */
  constructor(pool: LeasePool, isTimeout: (error: unknown) => boolean = () => false) {
    this.#pool = pool;
    this.#isTimeout = isTimeout;
  }

  /** `acquire` lends one, or rejects: result and error are its own. */
  async acquire<Lent extends Lease>(acquire: () => Promise<Lent>): Promise<Lent> {
    if (!channel.hasSubscribers) return acquire();
    const request = {};
    this.#publish('asked', request, null);
    try {
      const lease = await acquire();
      this.#publish('acquired', request, lease);
      return lease;
    } catch (error) {
      this.#publish(this.#isTimeout(error) ? 'timed out' : 'failed', request, null);
      throw error;
    }
  }

  /** To be called where it is given back, or destroyed. */
  released(lease: Lease): void {
    if (channel.hasSubscribers) this.#publish('released', null, lease);
  }

  #publish(event: LeaseMessage['event'], request: object | null, lease: object | null): void {
    channel.publish({ event, pool: this.#pool, request, lease } satisfies LeaseMessage);
  }
}
