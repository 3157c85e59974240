/** A pool in numbers, for whoever looks while the program runs. */
import type { Ledger } from './ledger.ts';
import type { PoolGauges } from './pool-state.ts';

export interface PoolNumbers extends PoolGauges {
  id: number;
  library: string;
  name: string;
  /** 0: unlimited or unknown. */
  max: number;
  /** Of the leases that are open: taken before the probe came; that nobody can reach any more; … and were destroyed. */
  before: number;
  lost: number;
  healed: number;
}

/** Pools that are still there. `at`: the clock's reading. */
export function numbersOf(ledger: Ledger, at: number): PoolNumbers[] {
  return [...ledger.sources].flatMap(({ pool, library, accounts }) => {
    const gauges = pool?.gauges();
    if (!pool || !gauges) return [];
    const numbers = { id: pool.id, library, name: pool.name, max: pool.max, ...gauges, before: 0, lost: 0, healed: 0 };
    for (const account of accounts.values()) {
      for (const { isOrphan, isHealed } of ledger.openOf(account, at)) {
        if (account.isBefore) numbers.before++;
        if (isOrphan) numbers.lost++;
        if (isHealed) numbers.healed++;
      }
    }
    return [numbers];
  });
}
