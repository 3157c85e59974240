/**
 * tarn 2 and 3. It hands out the same object on every borrow; its entry among those in use is fresh each time.
 *
 * The pool tells its listeners how each acquire ended, by the acquire's number. What tells them is hooked: it ties the
 * call to its end, and no promise is touched.
 */
import type { Request, Resource } from '../../account/ledger.ts';
import type { AdapterName, Attachments } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { guarded } from '../../process/lapses.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import { peerOf } from './peer.ts';
import { type PoolAccount, PoolAccounts, type PoolDescription } from './pool-account.ts';

const PART = 'tarn' satisfies AdapterName;

interface Pool {
  min: number;
  max: number;
  destroyed: boolean;
  used: Entry[];
  free: Entry[];
}

/** On tarn's own entries, which nobody else sees. */
const LEASE = Symbol('outlive');

interface Entry {
  resource: unknown;
  [LEASE]?: Resource;
}

interface Asked {
  request: Request;
  account: PoolAccount;
  /** What the caller is given. */
  operation: { possibleTimeoutCause?: unknown } | null;
  /** The acquire that was being called when this one was. */
  outer: Asked | null;
}

/** What is under way in one pool, by its numbers: acquires, and since when connections are being made. */
interface Underway {
  acquires: Map<number, Asked>;
  creations: Map<number, number>;
}

/** `what`: the connection, or the error. */
type Told = (pool: Pool, number: number, what: unknown) => void;

export function attachments(desk: Desk): Attachments {
  const pools = new TarnPools(desk);
  return { tarn: ({ Pool, TimeoutError }) => pools.watch(Pool.prototype, TimeoutError) };
}

class TarnPools {
  readonly #desk: Desk;
  readonly #accounts: PoolAccounts<Pool>;
  /** Set once for each pool. */
  readonly #underway: WeakMap<Pool, Underway> = new WeakMap();
  /** The acquire that is being called right now. */
  #asking: Asked | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#accounts = new PoolAccounts<Pool>(desk, PART, PART, (weak) => this.#describe(weak));
  }

  #describe(weak: WeakRef<Pool>): PoolDescription {
    return {
      name: null,
      max: weak.deref()?.max ?? 0,
      gauges: () => {
        const pool = weak.deref();
        if (!pool) return null;
        // its own list of those who wait lacks whose connection is being validated, and still has who just timed out
        return { used: pool.used.length, idle: pool.free.length, pending: this.#accounts.of(pool).waiting };
      },
      idleLimits: () => ({ min: weak.deref()?.min ?? null, max: weak.deref()?.max ?? null }),
      *peers() {
        const { used = [], free = [] } = weak.deref() ?? {};
        for (const entry of used) yield { resource: entry[LEASE] ?? null, peer: peerOf(entry.resource, 'used') };
        for (const { resource } of free) yield { resource: null, peer: peerOf(resource, 'idle') };
      },
    };
  }

  watch(prototype: object, TimeoutError: new () => Error): void {
    const { flows } = this.#desk;
    around<Pool, Asked>(PART, prototype, 'acquire', {
      before: (pool, _, __, wrapper) => this.#ask(pool, wrapper),
      call: (method, self, args, own) => flows.shed(method, self, args, own?.request.mark ?? null),
      after: (_, operation: Asked['operation'], own) => {
        if (own) own.operation = operation;
      },
      finally: (_, own) => {
        this.#asking = own?.outer ?? null;
      },
    });
    const events = new Map<unknown, Told>([
      ['acquireRequest', (pool, number) => this.#queue(pool, number)],
      ['acquireSuccess', (pool, number, connection) => this.#serve(pool, number, connection)],
      ['acquireFail', (pool, number, error) => this.#fail(pool, number, error, TimeoutError)],
      ['createRequest', (pool, number) => this.#create(pool, number)],
      ['createSuccess', (pool, number) => this.#created(pool, number)],
      ['createFail', (pool, number) => this.#underwayIn(pool).creations.delete(number)],
    ]);
    around<Pool>(PART, prototype, '_executeEventHandlers', {
      call: (method, pool, args) => {
        const told = events.get(args[0]);
        if (told) guarded(PART, told, pool, args[1], args[2]);
        return Reflect.apply(method, pool, args);
      },
    });
    around<Pool>(PART, prototype, 'release', {
      before: (pool, connection, _, wrapper) => this.#giveBack(pool, connection, wrapper),
      call: (method, self, args) => flows.shed(method, self, args),
    });
  }

  #ask(pool: Pool, wrapper: Method): Asked {
    const account = this.#accounts.of(pool);
    this.#asking = { request: account.ask(wrapper), account, operation: null, outer: this.#asking };
    return this.#asking;
  }

  /** The first thing that happens in an acquire. */
  #queue(pool: Pool, number: number): void {
    if (!this.#asking) return;
    this.#underwayIn(pool).acquires.set(number, this.#asking);
    this.#asking.account.wait(this.#asking.request);
  }

  #serve(pool: Pool, number: number, connection: unknown): void {
    const own = this.#over(pool, number);
    if (!own) return;
    const entry = pool.used.findLast((each) => each.resource === connection && !each[LEASE]);
    if (entry) entry[LEASE] = own.account.open(own.request);
    else own.account.stopWaiting(own.request);
  }

  #fail(pool: Pool, number: number, error: unknown, TimeoutError: new () => Error): void {
    const own = this.#over(pool, number);
    if (!own) return;
    // where none could be made, it waits for its time-out too: tarn tries again meanwhile
    const cause = own.operation?.possibleTimeoutCause ?? error;
    const isTimeout = error instanceof TimeoutError && cause instanceof TimeoutError;
    // a pool that is closed serves nobody any more, and lets them wait as well
    if (isTimeout && !pool.destroyed) own.account.timedOut(own.request, pool.used.length < pool.max);
    else own.account.fail(own.request);
  }

  #over(pool: Pool, number: number): Asked | undefined {
    const { acquires } = this.#underwayIn(pool);
    const own = acquires.get(number);
    acquires.delete(number);
    return own;
  }

  #create(pool: Pool, number: number): void {
    if (this.#accounts.of(pool).isObserved) this.#underwayIn(pool).creations.set(number, now());
  }

  #created(pool: Pool, number: number): void {
    const { creations } = this.#underwayIn(pool);
    const began = creations.get(number);
    if (began !== undefined) this.#accounts.of(pool).created(began);
    creations.delete(number);
  }

  #underwayIn(pool: Pool): Underway {
    let underway = this.#underway.get(pool);
    if (!underway) {
      underway = { acquires: new Map(), creations: new Map() };
      this.#underway.set(pool, underway);
    }
    return underway;
  }

  /** As tarn does: the first entry of the connection, which it makes a new one of. */
  #giveBack(pool: Pool, connection: unknown, releaser: Method): void {
    const lease = pool.used.find(({ resource }) => resource === connection)?.[LEASE];
    if (lease) this.#desk.close(lease, releaser);
  }
}
