/**
 * tarn 2 and 3, and knex and mssql upon it. It hands out the same object on every borrow; its entry among those in use is fresh
 * each time.
 *
 * The pool tells its listeners how each acquire ended, by the acquire's number. What tells them is hooked: it ties the
 * call to its end, and no promise is touched.
 */
import type { Cut } from '../../account/cut.ts';
import type { Request, Resource } from '../../account/ledger.ts';
import type { Site } from '../../account/site.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import { guarded } from '../../process/lapses.ts';
import { now } from '../../process/runtime.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { cutEntry, cutOwn, type OwnCut } from './own-cut.ts';
import { ownValue, peerOf } from './peer.ts';
import { isBusy } from './pg-client.ts';
import { type Making, type PoolAccount, PoolAccounts, type PoolDescription } from './pool-account.ts';
import { watchKnex } from './tarn/knex.ts';
import { watchMssql } from './tarn/mssql.ts';

const PART = 'tarn' satisfies AdapterName;
/** Of a client of pg's: knex listens for both. */
const HARMLESS_EVENTS = ['error', 'end'];

export interface Pool {
  min: number;
  max: number;
  destroyed: boolean;
  used: Entry[];
  free: Entry[];
  _tryAcquireOrCreate?(): void;
}

/** On tarn's own entries, which nobody else sees. */
const LEASE = Symbol('outlive');

interface Entry {
  resource: unknown;
  [LEASE]?: Resource;
}

/** Who asks through a library that comes to it only later, when its caller is not on the stack any more. */
export interface Caller {
  /** Where the library was called, or all that was noted then. */
  site?: Site | null;
  request?: Request;
  /** What the library gave its caller, where a lease is given back by that alone. */
  handle?: WeakRef<object>;
}

/** Of one connection. */
interface Lent {
  lease: Resource;
  ref: WeakRef<object>;
  /** Null where its driver does not tell. */
  isBusy: (() => boolean) | null;
}

interface Asked {
  request: Request;
  account: PoolAccount;
  handle: WeakRef<object> | null;
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
  return {
    tarn: ({ Pool, TimeoutError }) => pools.watch(Pool.prototype, TimeoutError),
    knex: ({ Client }) => watchKnex(desk, pools, Client.prototype),
    mssql: (exports) => watchMssql(pools, exports),
  };
}

/** What makes pools of tarn for itself. */
type Upon = 'knex' | 'mssql';

export class TarnPools {
  /** Set by what is upon tarn, for the acquire that it calls next. */
  caller: Caller | null = null;
  readonly #desk: Desk;
  readonly #accounts: Readonly<Record<typeof PART | Upon, PoolAccounts<Pool>>>;
  /** Whose a pool is, and by which name. */
  readonly #adopted: WeakMap<Pool, { upon: Upon; name: string | null }> = new WeakMap();
  readonly #prototypes: Set<object> = new Set();
  /** Set once for each connection: a weak map that changes all the time is work for the garbage collector. */
  readonly #lent: WeakMap<object, Lent> = new WeakMap();
  /** Set once for each pool. */
  readonly #underway: WeakMap<Pool, Underway> = new WeakMap();
  /** The acquire that is being called right now. */
  #asking: Asked | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
    const of = (library: string) => new PoolAccounts<Pool>(desk, PART, library, (weak) => this.#describe(weak));
    this.#accounts = { tarn: of(PART), knex: of('knex'), mssql: of('mssql') };
  }

  /**
   * Calls a pool that of what is `upon` tarn, unless somebody else has used it already. `making`: where it was made, which
   * its constructor does not know. False: it is none of tarn's.
   */
  adopt(pool: object, upon: Upon, name: string | null, making?: Making): boolean {
    if (![...this.#prototypes].some((prototype) => Object.prototype.isPrototypeOf.call(prototype, pool))) return false;
    if (this.#underway.has(pool as Pool)) return true;
    this.#adopted.set(pool as Pool, { upon, name });
    if (making) this.#accounts[upon].madeBy(pool as Pool, making);
    return true;
  }

  of(pool: Pool): PoolAccount {
    return this.#accounts[this.#adopted.get(pool)?.upon ?? PART].of(pool);
  }

  siteHere(wrapper: Method): Site | null {
    return this.#desk.siteHere(wrapper);
  }

  /** Whoever calls `wrapper` wants a pool of mssql's. */
  asked(wrapper: Method): Making {
    return this.#accounts.mssql.asked(wrapper);
  }

  /** The borrower of a connection uses it. */
  use(connection: object, operation: string | null): void {
    const lease = this.#lent.get(connection)?.lease;
    if (lease && !lease.closed) this.#desk.use(lease, operation);
  }

  #describe(weak: WeakRef<Pool>): PoolDescription {
    const own = weak.deref();
    return {
      name: (own && this.#adopted.get(own)?.name) ?? null,
      max: own?.max ?? 0,
      gauges: () => {
        const pool = weak.deref();
        if (!pool) return null;
        // its own list of those who wait lacks whose connection is being validated, and still has who just timed out
        return { used: pool.used.length, idle: pool.free.length, pending: this.of(pool).waiting };
      },
      idleLimits: () => ({ min: weak.deref()?.min ?? null, max: weak.deref()?.max ?? null }),
      *peers() {
        const { used = [], free = [] } = weak.deref() ?? {};
        for (const entry of used) yield { resource: entry[LEASE] ?? null, peer: peerOf(entry.resource, 'used') };
        for (const { resource } of free) yield { resource: null, peer: peerOf(resource, 'idle') };
      },
      cut: (cuts) => {
        const pool = weak.deref();
        for (const entry of pool?.used ?? []) if (pool) this.#cut(pool, entry, cuts);
      },
      forget: () => {
        for (const entry of weak.deref()?.used ?? []) delete entry[LEASE];
      },
      present: (enter) => {
        for (const entry of weak.deref()?.used ?? []) this.#lendEntry(entry, enter({}), null);
      },
    };
  }

  #cut(pool: Pool, entry: Entry, cuts: Cut[]): void {
    const { resource, [LEASE]: lease } = entry;
    if (!lease || lease.isOrphan || typeof resource !== 'object' || resource === null) return;
    const ref = this.#lent.get(resource)?.ref;
    const own = ref && cutOwn(resource, HARMLESS_EVENTS);
    if (!own) return;
    entry.resource = own.placeholder;
    cuts.push(cutOf(pool, entry, own, lease, ref));
  }

  watch(prototype: object, TimeoutError: new () => Error): void {
    const { flows, poolKinds } = this.#desk;
    this.#prototypes.add(prototype);
    poolKinds.push({
      library: PART,
      prototype,
      meet: (pool) => Object.hasOwn(pool, 'used') && this.of(pool as Pool),
    });
    // in the constructor; where it leads to only the first connection tells
    onFirstSet<Pool>(PART, prototype, 'destroyed', (pool, _, setter) => {
      for (const accounts of Object.values(this.#accounts)) accounts.made(pool, setter, null);
    });
    around<Pool>(PART, prototype, 'destroy', {
      before: (pool, _, __, wrapper) => {
        for (const accounts of Object.values(this.#accounts)) accounts.ends(pool, wrapper);
      },
    });
    around<Pool, Asked>(PART, prototype, 'acquire', {
      before: (pool, _, __, wrapper) => this.#ask(pool, wrapper),
      within: flows.unmarked((own) => own.request.mark),
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
      within: flows.unmarked(),
    });
  }

  #ask(pool: Pool, wrapper: Method): Asked {
    const account = this.of(pool);
    const { site, request = account.ask(wrapper, site), handle = null } = this.caller ?? {};
    this.caller = null;
    this.#asking = { request, account, handle, operation: null, outer: this.#asking };
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
    if (!entry) {
      own.account.stopWaiting(own.request);
      return;
    }
    this.#lendEntry(entry, own.account.open(own.request, connection), own.handle);
  }

  #lendEntry(entry: Entry, lease: Resource, handle: WeakRef<object> | null): void {
    const { resource: connection } = entry;
    entry[LEASE] = lease;
    lease.handle = handle;
    if (typeof connection === 'object' && connection !== null) this.#lend(connection, lease);
  }

  #lend(connection: object, lease: Resource): void {
    const known = this.#lent.get(connection);
    const lent = known ?? { lease, ref: new WeakRef(connection), isBusy: busyIn(connection) };
    if (!known) this.#lent.set(connection, lent);
    lent.lease = lease;
    lease.isBusy = lent.isBusy;
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
    if (this.of(pool).isObserved) this.#underwayIn(pool).creations.set(number, now());
  }

  #created(pool: Pool, number: number): void {
    const { creations } = this.#underwayIn(pool);
    const began = creations.get(number);
    if (began !== undefined) this.of(pool).created(began);
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

/** A function of its own: what it makes must not share a scope with the object that was lent. */
function cutOf(pool: Pool, entry: Entry, own: OwnCut, resource: Resource, ref: WeakRef<object>): Cut {
  return cutEntry(entry, own, resource, ref, () => {
    const at = pool.used.indexOf(entry);
    if (at !== -1) pool.used.splice(at, 1);
    pool._tryAcquireOrCreate?.();
  });
}

/** Of pg's clients, which tell; null of all else. */
function busyIn(connection: object): (() => boolean) | null {
  return typeof ownValue(connection, 'readyForQuery') === 'boolean' ? isBusy(new WeakRef(connection)) : null;
}
