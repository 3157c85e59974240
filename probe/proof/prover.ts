/**
 * The proof that nobody can give a lease back: nothing but its library's own lists still holds it.
 *
 * In one job, in which no other code runs: each idle lease is cut out of what its library keeps (the adapter knows what
 * that is), garbage is collected, and what is still there is put back. What is gone was held by the library alone. A
 * stand-in takes its place in the pool.
 *
 * False positives: a service that holds a lease only weakly (WeakRef, a walk through the pool's private lists) and means
 * to give it back that way. Listeners of the service's on the lease, a LISTEN client's, are a reason not to judge it.
 * False negatives: leases that a long timer, a store of AsyncLocalStorage or a listener elsewhere still refers to, though
 * nobody will ever use that; and objects that their own sockets refer to, in ways that no adapter knows.
 */
import type { Cut } from '../account/cut.ts';
import type { Ledger } from '../account/ledger.ts';
import type { Collector } from '../process/gc.ts';
import { guarded, isOff } from '../process/lapses.ts';

export interface ProverOptions {
  ledger: Ledger;
  collector: Collector;
  /** False: collects without a cut. */
  isOn: boolean;
  /** Whether what is proven is destroyed, and its place given back. */
  heals: boolean;
  /** Whether something was seen to grow, of which only a collection tells that somebody still holds it. */
  hasGrowth(): boolean;
}

export class Prover {
  readonly #options: ProverOptions;

  constructor(options: ProverOptions) {
    this.#options = options;
  }

  /** Collects garbage if that is allowed now, and proves what it can by it. Nothing may be dereferenced before in this job. */
  collect(at: number, isLast: boolean): boolean {
    const { collector, isOn } = this.#options;
    if (!collector.mayCollect(at, isLast)) return false;
    if (isLast && this.judgesWhatIsLeft()) collector.waitForCompilers();
    // in a frame of its own: what it has looked at must not be on the stack any more
    const cuts = isOn ? this.#cut() : [];
    try {
      return collector.collect(at, isLast);
    } finally {
      for (const cut of cuts) guarded('proof', () => this.#settle(cut, at));
    }
  }

  /** Something is open of which only a collection tells that it has ended. */
  judgesWhatIsLeft(): boolean {
    const { ledger, hasGrowth } = this.#options;
    for (const { openCount, source } of ledger.lines.values()) {
      if (openCount > 0 && source.nature.ends === 'collected') return true;
    }
    return hasGrowth();
  }

  #cut(): Cut[] {
    const cuts: Cut[] = [];
    for (const { adapter, pool } of this.#options.ledger.sources) {
      if (pool?.cut && !isOff(adapter)) guarded('proof', () => pool.cut?.(cuts));
    }
    return cuts;
  }

  #settle(cut: Cut, at: number): void {
    const lent = cut.ref.deref();
    if (lent !== undefined) {
      cut.restore(lent);
      return;
    }
    cut.substitute();
    const { resource } = cut;
    resource.isOrphan = true;
    this.#options.collector.proved();
    resource.account.line.changedAt = at;
    if (!this.#options.heals) return;
    cut.heal();
    resource.isHealed = true;
  }
}
