/**
 * sequelize-pool 7 and 8, and Sequelize upon it. It lends the same object on every borrow. Each acquire is a deferred of
 * its own, which tells how it ended: that ties the two moments together, and no promise is touched.
 */
import type { Cut } from '../../account/cut.ts';
import type { Request, Resource } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { loadedExports } from '../loaded.ts';
import { cutEntry, cutOwn, type OwnCut } from './own-cut.ts';
import { peerOf } from './peer.ts';
import { type PoolAccount, PoolAccounts, type PoolDescription } from './pool-account.ts';

const PART = 'sequelize-pool' satisfies AdapterName;
/** Of a connection: Sequelize listens for them. */
const HARMLESS_EVENTS = ['error', 'end'];

interface Entry {
  resource: unknown;
}

interface Pool {
  readonly name?: unknown;
  readonly size: number;
  readonly available: number;
  readonly using: number;
  readonly waiting: number;
  readonly maxSize: number;
  readonly minSize: number;
  _count: number;
  _inUseObjects?: Entry[];
  _availableObjects?: Entry[];
  _dispense?(): void;
}

interface Asked {
  request: Request;
  account: PoolAccount;
  isServed: boolean;
}

interface Lent {
  lease: Resource | null;
  ref: WeakRef<object>;
}

export function attachments(desk: Desk): Attachments {
  const pools = new SequelizePools(desk);
  return {
    'sequelize-pool': ({ Pool, TimeoutError }, file) => {
      const deferreds = loadedExports<{ Deferred?: { prototype: object } }>(file, 'Deferred.js')?.Deferred;
      if (!deferreds) desk.unseen('leases of sequelize-pool', 'It has no Deferred, by which they are watched.');
      else pools.watch(Pool.prototype, deferreds.prototype, TimeoutError);
    },
  };
}

class SequelizePools {
  readonly #desk: Desk;
  readonly #accounts: PoolAccounts<Pool>;
  readonly #asked: WeakMap<object, Asked> = new WeakMap();
  readonly #lent: WeakMap<object, Lent> = new WeakMap();
  /** The acquire that is being called right now, until its deferred is known. */
  #asking: Asked | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#accounts = new PoolAccounts<Pool>(desk, PART, PART, (weak) => this.#describe(weak));
  }

  #describe(weak: WeakRef<Pool>): PoolDescription {
    const lent = this.#lent;
    const { name, maxSize = 0 } = weak.deref() ?? {};
    const inUse = (): Entry[] => weak.deref()?._inUseObjects ?? [];
    return {
      // `sequelize` is what it calls all of its own
      ...{ name: typeof name === 'string' && name !== 'sequelize' ? name : null, max: maxSize },
      gauges: () => {
        const pool = weak.deref();
        return pool ? { used: pool.using, idle: pool.available, pending: pool.waiting } : null;
      },
      idleLimits: () => ({ min: weak.deref()?.minSize ?? null, max: weak.deref()?.maxSize ?? null }),
      *peers() {
        for (const { resource } of inUse()) {
          yield { resource: lent.get(resource as object)?.lease ?? null, peer: peerOf(resource, 'used') };
        }
        for (const { resource } of weak.deref()?._availableObjects ?? [])
          yield { resource: null, peer: peerOf(resource, 'idle') };
      },
      cut: (cuts) => {
        const pool = weak.deref();
        for (const entry of inUse()) if (pool) this.#cut(pool, entry, cuts);
      },
    };
  }

  #cut(pool: Pool, entry: Entry, cuts: Cut[]): void {
    const { resource } = entry;
    const known = typeof resource === 'object' && resource !== null ? this.#lent.get(resource) : undefined;
    if (!known?.lease || known.lease.isOrphan) return;
    const own = cutOwn(resource as object, HARMLESS_EVENTS);
    if (!own) return;
    entry.resource = own.placeholder;
    cuts.push(cutOf(pool, entry, own, known.lease, known.ref));
  }

  watch(prototype: object, deferreds: object, TimeoutError: new () => Error): void {
    const { flows } = this.#desk;
    // in the constructor; where it leads to only the first connection tells
    onFirstSet<Pool>(PART, prototype, '_removeIdleScheduled', (pool, _, setter) =>
      this.#accounts.made(pool, setter, null),
    );
    around<Pool>(PART, prototype, 'drain', { before: (pool, _, __, wrapper) => this.#accounts.ends(pool, wrapper) });
    around<Pool, Asked>(PART, prototype, 'acquire', {
      before: (pool, _, __, wrapper) => {
        const account = this.#accounts.of(pool);
        this.#asking = { request: account.ask(wrapper), account, isServed: false };
        return this.#asking;
      },
      within: flows.unmarked((asked) => asked.request.mark),
      finally: (_, asked) => {
        this.#asking = null;
        if (asked && !asked.isServed) asked.account.wait(asked.request);
      },
    });
    around<object>(PART, deferreds, 'registerTimeout', {
      before: (deferred) => {
        if (this.#asking) this.#asked.set(deferred, this.#asking);
        this.#asking = null;
      },
    });
    around<object>(PART, deferreds, 'resolve', { before: (deferred, lent) => this.#serve(deferred, lent) });
    around<object>(PART, deferreds, 'reject', {
      before: (deferred, error) => this.#fail(deferred, error instanceof TimeoutError),
    });
    for (const method of ['release', 'destroy']) {
      around<Pool>(PART, prototype, method, {
        before: (_, lent, __, wrapper) => this.#giveBack(lent, wrapper),
        within: flows.unmarked(),
      });
    }
  }

  #serve(deferred: object, lent: unknown): void {
    const asked = this.#asked.get(deferred);
    if (!asked || asked.isServed || typeof lent !== 'object' || lent === null) return;
    asked.isServed = true;
    const known = this.#lent.get(lent) ?? { lease: null, ref: new WeakRef(lent) };
    this.#lent.set(lent, known);
    known.lease = asked.account.open(asked.request, lent);
    known.lease.ref = known.ref;
  }

  #fail(deferred: object, isTimeout: boolean): void {
    const asked = this.#asked.get(deferred);
    if (!asked || asked.isServed) return;
    asked.isServed = true;
    if (isTimeout) asked.account.timedOut(asked.request, false);
    else asked.account.fail(asked.request);
  }

  #giveBack(lent: unknown, releaser: Method): void {
    const known = typeof lent === 'object' && lent !== null ? this.#lent.get(lent) : undefined;
    if (!known?.lease) return;
    this.#desk.close(known.lease, releaser);
    known.lease = null;
  }
}

/** A function of its own: what it makes must not share a scope with the object that was lent. */
function cutOf(pool: Pool, entry: Entry, own: OwnCut, resource: Resource, ref: WeakRef<object>): Cut {
  return cutEntry(entry, own, resource, ref, () => {
    pool._inUseObjects = pool._inUseObjects?.filter((each) => each !== entry) ?? [];
    pool._count--;
    pool._dispense?.();
  });
}
