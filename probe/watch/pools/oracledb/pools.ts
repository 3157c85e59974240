/** Leases of pools: asked for, served, timed out. They are given back through their connection. */
import { around, type Method } from '../../../process/around.ts';
import type { Desk } from '../../desk.ts';
import { peerOf } from '../peer.ts';
import { PoolAccounts, type PoolDescription } from '../pool-account.ts';
import { type Connection, PART, POOL_CLOSED, type Pool, type PoolFacts } from './driver.ts';
import type { Leases } from './leases.ts';
import { type Asked, RequestQueues } from './queue.ts';

export interface PoolEvents {
  /** A pool is there that was not seen before. */
  found(pool: WeakRef<Pool>): void;
  failedAcquire(pool: Pool, askedAt: number, error: unknown): void;
}

export class Pools {
  readonly #desk: Desk;
  readonly #leases: Leases;
  readonly #events: PoolEvents;
  readonly #accounts: PoolAccounts<Pool>;
  readonly #queues: RequestQueues;
  readonly #bySessions: WeakMap<object, WeakRef<Pool>> = new WeakMap();
  /** The acquire that is being called right now. */
  #asking: Asked | null = null;

  constructor(desk: Desk, leases: Leases, events: PoolEvents) {
    this.#desk = desk;
    this.#leases = leases;
    this.#events = events;
    this.#accounts = new PoolAccounts<Pool>(desk, PART, PART, (weak) => this.#describe(weak));
    this.#queues = new RequestQueues({
      asking: () => this.#asking,
      ask: (pool, wrapper) => this.#ask(pool, wrapper),
      served: (asked, connection) => this.#served(asked, connection),
      failed: ({ account, request, pool }, error) => {
        account.fail(request);
        this.#events.failedAcquire(pool, request.askedAt, error);
      },
    });
  }

  #describe(weak: WeakRef<Pool>): PoolDescription {
    const leases = this.#leases;
    return {
      name: weak.deref()?.poolAlias ?? null,
      max: weak.deref()?.poolMax ?? 0,
      gauges: () => {
        const pool = weak.deref();
        if (!pool || pool.status === POOL_CLOSED) return null;
        const { connectionsInUse: used, connectionsOpen: open } = pool;
        return { used, idle: open - used, pending: this.#accounts.of(pool).waiting };
      },
      idleLimits: () => ({ min: weak.deref()?.poolMin ?? null, max: weak.deref()?.poolMax ?? null }),
      *peers() {
        const { _usedConnectionList = [], _freeConnectionList = [] } = weak.deref()?._impl ?? {};
        for (const _impl of _usedConnectionList) {
          yield { resource: leases.of({ _impl }), peer: peerOf({ _impl }, 'used') };
        }
        for (const _impl of _freeConnectionList) yield { resource: null, peer: peerOf({ _impl }, 'idle') };
      },
    };
  }

  facts(pool: Pool): PoolFacts {
    const { name, waiting } = this.#accounts.of(pool);
    return { name, waiting, abandoned: this.#queues.abandoned(pool) };
  }

  watchPools(prototype: object): void {
    const { flows } = this.#desk;
    around<Pool, void>(PART, prototype, '_setup', {
      before: (pool, options, _, wrapper) => this.#accounts.made(pool, wrapper, targetOfOptions(options)),
      after: (pool) => this.#find(pool),
    });
    around<Pool, { own: Asked; outer: Asked | null }>(PART, prototype, 'getConnection', {
      before: (pool, _, __, wrapper) => this.#begin(pool, wrapper),
      callback: (callback, begun) => flows.bind(callback, begun?.own.request.mark ?? null),
      within: flows.unmarked((begun) => begun.own.request.mark),
      finally: (_, begun) => begun && this.#end(begun),
    });
  }

  #find(pool: Pool): void {
    this.#accounts.of(pool);
    this.#queues.watch(pool);
    if (this.#bySessions.has(pool._impl)) return;
    const weak = new WeakRef(pool);
    this.#bySessions.set(pool._impl, weak);
    this.#events.found(weak);
  }

  /** The pool that keeps its sessions there. */
  behind(sessions: object | undefined): Pool | null {
    return (sessions && this.#bySessions.get(sessions)?.deref()) ?? null;
  }

  /** One of its logons, begun at `began`, has succeeded. */
  loggedOn(sessions: object, began: number): void {
    const pool = this.behind(sessions);
    if (pool) this.#accounts.of(pool).created(began);
  }

  #ask(pool: Pool, wrapper: Method): Asked {
    const account = this.#accounts.of(pool);
    return { request: account.ask(wrapper), account, pool, state: 'unknown' };
  }

  #begin(pool: Pool, wrapper: Method): { own: Asked; outer: Asked | null } {
    const outer = this.#asking;
    const own = this.#ask(pool, wrapper);
    this.#asking = own;
    return { own, outer };
  }

  #end({ own, outer }: { own: Asked; outer: Asked | null }): void {
    this.#asking = outer;
    // the pool is closed, its queue is full, or an argument is wrong
    if (own.state === 'unknown') own.account.fail(own.request);
    else if (own.state !== 'over') own.account.wait(own.request);
  }

  #served({ account, request }: Asked, connection: Connection): void {
    if (!connection._impl) {
      account.stopWaiting(request);
      return;
    }
    const lease = account.open(request);
    lease.handle = new WeakRef(connection);
    this.#leases.serve(connection._impl, lease);
  }
}

/** Where a pool's options lead to, and as whom. */
function targetOfOptions(options: unknown): string | null {
  const { connectString = '', user = '' } = (options ?? {}) as { connectString?: unknown; user?: unknown };
  return typeof connectString === 'string' ? `${connectString}\0${String(user)}` : null;
}
