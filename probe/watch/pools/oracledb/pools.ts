/** Leases of pools: asked for, served, timed out. They are given back through their connection. */
import { guarded } from '../../../process/lapses.ts';
import { bindLast } from '../../callbacks.ts';
import type { Desk } from '../../desk.ts';
import { patch } from '../../patch.ts';
import { peerOf } from '../peer.ts';
import { PoolAccounts } from '../pool-account.ts';
import { type Connection, POOL_CLOSED, type Pool } from './driver.ts';
import type { Leases } from './leases.ts';
import { type Asked, RequestQueues } from './queue.ts';
import type { PoolFacts } from './traps.ts';

const PART = 'oracledb';

export interface PoolEvents {
  /** A pool is there that was not seen before. */
  found(pool: WeakRef<Pool>): void;
  failedAcquire(pool: Pool, askedAt: number, error: unknown): void;
}

export class Pools {
  private readonly desk: Desk;
  private readonly leases: Leases;
  private readonly events: PoolEvents;
  private readonly accounts: PoolAccounts<Pool>;
  private readonly queues: RequestQueues;
  private readonly bySessions: WeakMap<object, WeakRef<Pool>> = new WeakMap();
  /** The acquire that is being called right now. */
  private asking: Asked | null = null;

  constructor(desk: Desk, leases: Leases, events: PoolEvents) {
    this.desk = desk;
    this.leases = leases;
    this.events = events;
    this.accounts = new PoolAccounts<Pool>(desk, PART, (weak) => ({
      name: weak.deref()?.poolAlias ?? null,
      max: weak.deref()?.poolMax ?? 0,
      gauges: () => {
        const pool = weak.deref();
        if (!pool || pool.status === POOL_CLOSED) return null;
        const { connectionsInUse: used, connectionsOpen: open } = pool;
        return { used, idle: open - used, pending: this.accounts.of(pool).waiting };
      },
      idleLimits: () => ({ min: weak.deref()?.poolMin ?? null, max: weak.deref()?.poolMax ?? null }),
      *peers() {
        const { _usedConnectionList = [], _freeConnectionList = [] } = weak.deref()?._impl ?? {};
        for (const _impl of _usedConnectionList) {
          yield { resource: leases.of({ _impl }), peer: peerOf({ _impl }, 'used') };
        }
        for (const _impl of _freeConnectionList) yield { resource: null, peer: peerOf({ _impl }, 'idle') };
      },
    }));
    this.queues = new RequestQueues({
      asking: () => this.asking,
      ask: (pool, wrapper) => this.ask(pool, wrapper),
      served: (asked, connection) => this.served(asked, connection),
      failed: ({ account, request, pool }, error) => {
        account.fail(request);
        this.events.failedAcquire(pool, request.askedAt, error);
      },
    });
  }

  facts(pool: Pool): PoolFacts {
    const { name, waiting } = this.accounts.of(pool);
    return { name, waiting, abandoned: this.queues.abandoned(pool) };
  }

  patch({ prototype }: { prototype: Record<string, unknown> }): void {
    const { flows } = this.desk;
    const find = this.find.bind(this);
    const begin = this.begin.bind(this);
    const end = this.end.bind(this);
    patch(prototype, '_setup', (original) => {
      return function _setup(this: Pool): unknown {
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        const result = Reflect.apply(original, this, arguments);
        guarded(PART, () => find(this));
        return result;
      };
    });
    patch(prototype, 'getConnection', (original) => {
      const wrapped = {
        getConnection(this: Pool): unknown {
          const begun = guarded(PART, () => begin(this, wrapped.getConnection)) ?? null;
          const mark = begun?.own.request.mark ?? null;
          // biome-ignore lint/complexity/noArguments: the callback alone is replaced
          bindLast(arguments, flows, mark);
          try {
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            return flows.shed(original, this, arguments, mark);
          } finally {
            if (begun) guarded(PART, () => end(begun));
          }
        },
      };
      return wrapped.getConnection;
    });
  }

  private find(pool: Pool): void {
    this.accounts.of(pool);
    this.queues.watch(pool);
    if (this.bySessions.has(pool._impl)) return;
    const weak = new WeakRef(pool);
    this.bySessions.set(pool._impl, weak);
    this.events.found(weak);
  }

  /** The pool that keeps its sessions there. */
  behind(sessions: object | undefined): Pool | null {
    return (sessions && this.bySessions.get(sessions)?.deref()) ?? null;
  }

  /** One of its logons, begun at `began`, has succeeded. */
  loggedOn(sessions: object, began: number): void {
    const pool = this.behind(sessions);
    if (pool) this.accounts.of(pool).created(began);
  }

  // biome-ignore lint/complexity/noBannedTypes: the method itself, for its stack
  private ask(pool: Pool, wrapper: Function): Asked {
    const account = this.accounts.of(pool);
    return { request: account.ask(wrapper), account, pool, state: 'unknown' };
  }

  // biome-ignore lint/complexity/noBannedTypes: the method itself, for its stack
  private begin(pool: Pool, wrapper: Function): { own: Asked; outer: Asked | null } {
    const { asking: outer } = this;
    const own = this.ask(pool, wrapper);
    this.asking = own;
    return { own, outer };
  }

  private end({ own, outer }: { own: Asked; outer: Asked | null }): void {
    this.asking = outer;
    // the pool is closed, its queue is full, or an argument is wrong
    if (own.state === 'unknown') own.account.fail(own.request);
    else if (own.state !== 'over') own.account.wait(own.request);
  }

  private served({ account, request }: Asked, connection: Connection): void {
    if (!connection._impl) {
      account.stopWaiting(request);
      return;
    }
    const lease = account.open(request);
    lease.handle = new WeakRef(connection);
    this.leases.serve(connection._impl, lease);
  }
}
