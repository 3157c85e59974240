/**
 * Ties an acquire of a pool to the moment when it is served, which may be much later and in another flow.
 *
 * `getConnection` makes one request object, which it adds to the pool's queue or takes up at once; taking it up, and
 * giving up on it, takes it off the queue. So all is seen on the queue itself, of which each pool has one. What it is
 * served with, or fails with, is told on the request. No promise is touched.
 */
import { guarded } from '../../../faults.ts';
import type { Request } from '../../adapter.ts';
import type { PoolAccount } from '../pool-account.ts';
import type { Connection, Pool, PoolRequest } from './driver.ts';

export interface Asked {
  readonly request: Request;
  readonly account: PoolAccount;
  /** Its request object is known. */
  isTied: boolean;
  /** `working`: the pool has taken it up, and it waits for a connection rather than for its turn. */
  state: 'queued' | 'working' | 'over';
}

export interface QueueEvents {
  /** The service's call that is under way right now; null when there is none. */
  asking(): Asked | null;
  /** For a request that no call is known of. */
  // biome-ignore lint/complexity/noBannedTypes: the method itself, for its stack
  ask(pool: Pool, wrapper: Function): Asked;
  served(asked: Asked, connection: Connection): void;
  failed(asked: Asked, pool: Pool, error: unknown): void;
}

// biome-ignore lint/complexity/noBannedTypes: any method of the queue
type AnyFunction = Function;

export class RequestQueues {
  private readonly asked: WeakMap<PoolRequest, Asked> = new WeakMap();
  /** Requests that each pool works on and somebody waits for. */
  private readonly working: WeakMap<Pool, { count: number }> = new WeakMap();
  private readonly events: QueueEvents;

  constructor(events: QueueEvents) {
    this.events = events;
  }

  /** How many requests the pool works on that nobody waits for any more. */
  abandoned(pool: Pool): number {
    return pool._processing - (this.working.get(pool)?.count ?? 0);
  }

  watch(pool: Pool): void {
    if (this.working.has(pool)) return;
    this.working.set(pool, { count: 0 });
    const queue = pool._pendingRequestQueue;
    const hook = (key: 'add' | 'delete', note: (request: PoolRequest, hooked: AnyFunction) => void): void => {
      const original: AnyFunction = queue[key];
      const hooked = function hooked(this: unknown, request: PoolRequest): unknown {
        guarded('oracledb', () => note(request, hooked));
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        return Reflect.apply(original, this, arguments);
      };
      Object.defineProperty(queue, key, { configurable: true, writable: true, value: hooked });
    };
    hook('add', (request, hooked) => this.tie(request, pool, hooked));
    hook('delete', (request, hooked) => {
      const own = this.tie(request, pool, hooked);
      // it is taken up, or it timed out, be it in the queue or while the pool works on it
      if (request.isWaiting) return this.enter(own, 'working', pool);
      if (own.state === 'over') return;
      own.account.timedOut(own.request, own.state === 'working');
      this.enter(own, 'over', pool);
    });
  }

  private enter(own: Asked, state: Asked['state'], pool: Pool): void {
    const working = this.working.get(pool);
    if (working) working.count += Number(state === 'working') - Number(own.state === 'working');
    own.state = state;
  }

  private tie(request: PoolRequest, pool: Pool, hooked: AnyFunction): Asked {
    const known = this.asked.get(request);
    if (known) return known;
    const asking = this.events.asking();
    const own = asking && !asking.isTied ? asking : this.events.ask(pool, hooked);
    own.isTied = true;
    this.asked.set(request, own);
    this.tell(request, 'resolve', pool, () => {
      if (request.conn) this.events.served(own, request.conn);
    });
    this.tell(request, 'reject', pool, (error) => this.events.failed(own, pool, error));
    return own;
  }

  /** Tells the outcome, unless the acquire had timed out before. */
  private tell(request: PoolRequest, key: 'resolve' | 'reject', pool: Pool, told: (error: unknown) => void): void {
    const original: AnyFunction = request[key];
    const { asked } = this;
    const enter = this.enter.bind(this);
    request[key] = function outcome(error?: unknown): void {
      guarded('oracledb', () => {
        const own = asked.get(request);
        if (!own || own.state === 'over') return;
        enter(own, 'over', pool);
        told(error);
      });
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      Reflect.apply(original, this, arguments);
    };
  }
}
