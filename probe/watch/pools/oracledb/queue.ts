/**
 * Ties an acquire of a pool to the moment when it is served, which may be much later and in another flow.
 *
 * `getConnection` makes one request object, which it adds to the pool's queue or takes up at once; taking it up, and
 * giving up on it, takes it off the queue. So all is seen on the queue itself, of which each pool has one. What it is
 * served with, or fails with, is told on the request. No promise is touched.
 */
import type { Request } from '../../../account/ledger.ts';
import { around, type Method } from '../../../process/around.ts';
import { guarded } from '../../../process/lapses.ts';
import type { PoolAccount } from '../pool-account.ts';
import { type Connection, PART, type Pool, type PoolRequest } from './driver.ts';

/** On the pool's own requests, which nobody else sees. */
const ASKED = Symbol('outlive');

export interface Asked {
  readonly request: Request;
  readonly account: PoolAccount;
  readonly pool: Pool;
  /** `unknown`: its request object is not there yet; `working`: the pool has taken it up, and it waits for a connection rather than for its turn. */
  state: 'unknown' | 'queued' | 'working' | 'over';
}

interface TiedRequest extends PoolRequest {
  [ASKED]?: { asked: Asked; resolve: PoolRequest['resolve']; reject: PoolRequest['reject'] };
}

export interface QueueEvents {
  /** The service's call that is under way right now; null when there is none. */
  asking(): Asked | null;
  /** For a request that no call is known of. */
  ask(pool: Pool, wrapper: Method): Asked;
  served(asked: Asked, connection: Connection): void;
  failed(asked: Asked, error: unknown): void;
}

export class RequestQueues {
  /** Requests that each pool works on and somebody waits for. */
  readonly #working: WeakMap<Pool, { count: number }> = new WeakMap();
  readonly #events: QueueEvents;
  /** In place of the requests' own; each is called as a method of its request. */
  readonly #resolve: PoolRequest['resolve'];
  readonly #reject: PoolRequest['reject'];

  constructor(events: QueueEvents) {
    this.#events = events;
    const ends = (request: TiedRequest, error: unknown): void => this.#ends(request, error);
    this.#resolve = function resolve(this: TiedRequest): void {
      guarded(PART, ends, this, null);
      Reflect.apply(this[ASKED]?.resolve as Method, this, arguments);
    };
    this.#reject = function reject(this: TiedRequest, error: unknown): void {
      guarded(PART, ends, this, error);
      Reflect.apply(this[ASKED]?.reject as Method, this, arguments);
    };
  }

  /** How many requests the pool works on that nobody waits for any more. */
  abandoned(pool: Pool): number {
    return pool._processing - (this.#working.get(pool)?.count ?? 0);
  }

  watch(pool: Pool): void {
    if (this.#working.has(pool)) return;
    this.#working.set(pool, { count: 0 });
    const queue = pool._pendingRequestQueue;
    const hook = (key: 'add' | 'delete', note: (request: PoolRequest, wrapper: Method) => void): void => {
      // its own from now on: of this queue alone, not of every Set
      Object.defineProperty(queue, key, { configurable: true, writable: true, value: queue[key] });
      around<object, void>(PART, queue, key, {
        before: (_, request, __, wrapper) => note(request as PoolRequest, wrapper),
      });
    };
    hook('add', (request, wrapper) => this.#tie(request, pool, wrapper));
    hook('delete', (request, wrapper) => {
      const own = this.#tie(request, pool, wrapper);
      // it is taken up, or it timed out, be it in the queue or while the pool works on it
      if (request.isWaiting) return this.#enter(own, 'working');
      if (own.state === 'over') return;
      own.account.timedOut(own.request, own.state === 'working');
      this.#enter(own, 'over');
    });
  }

  #enter(own: Asked, state: Asked['state']): void {
    const working = this.#working.get(own.pool);
    if (working) working.count += Number(state === 'working') - Number(own.state === 'working');
    own.state = state;
  }

  #tie(request: TiedRequest, pool: Pool, wrapper: Method): Asked {
    const known = request[ASKED];
    if (known) return known.asked;
    const asking = this.#events.asking();
    const asked = asking?.state === 'unknown' ? asking : this.#events.ask(pool, wrapper);
    asked.state = 'queued';
    const { resolve, reject } = request;
    request[ASKED] = { asked, resolve, reject };
    request.resolve = this.#resolve;
    request.reject = this.#reject;
    return asked;
  }

  /** Tells the outcome, unless the acquire had timed out before. */
  #ends(request: TiedRequest, error: unknown): void {
    const own = request[ASKED]?.asked;
    if (!own || own.state === 'over') return;
    this.#enter(own, 'over');
    if (error !== null) this.#events.failed(own, error);
    else if (request.conn) this.#events.served(own, request.conn);
  }
}
