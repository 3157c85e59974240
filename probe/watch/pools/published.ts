/**
 * Pools that publish on `outlive:lease` (lease.ts) what happens to their leases. Nothing of theirs is touched, so the
 * connections that one opens while it is asked keep the flow that asked: what is told by flows may be less.
 */
import type { Request, Resource } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import type { LeaseMessage, LeasePool } from '../../lease.ts';
import type { Method } from '../../process/around.ts';
import type { Desk } from '../desk.ts';
import { type PoolAccount, PoolAccounts, type PoolDescription } from './pool-account.ts';

const PART = 'lease' satisfies AdapterName;

/** What is known of one pool beside its account. */
interface Lending {
  account: PoolAccount;
  asked: WeakMap<object, Request>;
  lent: WeakMap<object, Resource>;
  used: number;
}

export class PublishedPools {
  readonly #desk: Desk;
  /** By library. */
  readonly #accounts: Map<string, PoolAccounts<LeasePool>> = new Map();
  readonly #lendings: WeakMap<LeasePool, Lending> = new WeakMap();

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** `listener` is on the stack, for a site. */
  told({ event, pool, request, lease }: LeaseMessage, listener: Method): void {
    const lending = this.#lendingOf(pool);
    const { account } = lending;
    if (event === 'released') this.#released(lending, lease, listener);
    else if (event === 'asked') this.#asked(lending, request, listener);
    else {
      const own = request && lending.asked.get(request);
      if (!own) return;
      if (event === 'acquired') this.#acquired(lending, own, pool, lease);
      else if (event === 'timed out') account.timedOut(own, false);
      else account.fail(own);
    }
  }

  #lendingOf(pool: LeasePool): Lending {
    const known = this.#lendings.get(pool);
    if (known) return known;
    const { library } = pool;
    const accounts =
      this.#accounts.get(library) ??
      new PoolAccounts<LeasePool>(this.#desk, PART, library, (weak) => this.#describe(weak));
    this.#accounts.set(library, accounts);
    const lending = { account: accounts.of(pool), asked: new WeakMap(), lent: new WeakMap(), used: 0 };
    this.#lendings.set(pool, lending);
    return lending;
  }

  #describe(weak: WeakRef<LeasePool>): PoolDescription {
    const { name = null, max = 0 } = weak.deref() ?? {};
    const gauges = () => {
      const pool = weak.deref();
      const lending = pool && this.#lendings.get(pool);
      // how many idle ones there are nobody says
      return lending ? { used: lending.used, idle: 0, pending: lending.account.waiting } : null;
    };
    return { name, max, gauges };
  }

  #asked({ account, asked }: Lending, request: object | null, listener: Method): void {
    if (request === null) return;
    const own = account.ask(listener);
    asked.set(request, own);
    account.wait(own);
    this.#desk.flows.enter(own.mark);
  }

  #acquired(lending: Lending, own: Request, { isFresh = false }: LeasePool, lent: object | null): void {
    const lease = lending.account.open(own, lent);
    lending.used++;
    if (lent === null) return;
    lease.ref = new WeakRef(lent);
    if (isFresh) lease.handle = lease.ref;
    lending.lent.set(lent, lease);
  }

  #released(lending: Lending, lent: object | null, listener: Method): void {
    const lease = lent && lending.lent.get(lent);
    if (!lease || lease.closed) return;
    lending.used--;
    this.#desk.close(lease, listener);
  }
}
