/**
 * Pools that are gone, or have no connection any more. What their leases came to stays part of all totals, but a pool for each request must not leave an
 * account behind each time: it goes on in one source for all that a recording knows by one number.
 */
import type { Account, Ledger, Line, Source } from './ledger.ts';
import type { PoolState } from './pool-state.ts';

type PoolSource = Source & { pool: PoolState };

/** Those that ran out are kept as they are, for their finding: the latest of them. */
const MAX_EXHAUSTED = 100;

export class GonePools {
  readonly #ledger: Ledger;
  /** By `id`: the first that was gone. */
  readonly #kept: Map<number, PoolSource> = new Map();
  readonly #exhausted: Set<PoolSource> = new Set();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** To be called from time to time, not while open resources are looked at. */
  fold(): void {
    const lines = new Map<Line, Set<Account>>();
    for (const source of this.#ledger.sources) {
      if (!isOfPool(source) || this.#kept.get(source.pool.id) === source || !isOver(source)) continue;
      if (source.pool.exhaustions.length > 0) this.#keepExhausted(source);
      else this.#fold(source, lines);
    }
    for (const [line, accounts] of lines) line.remove(accounts);
  }

  #keepExhausted(source: PoolSource): void {
    this.#exhausted.add(source);
    if (this.#exhausted.size <= MAX_EXHAUSTED) return;
    const [oldest] = this.#exhausted;
    if (!oldest) return;
    this.#exhausted.delete(oldest);
    oldest.pool.exhaustions = [];
  }

  #fold(source: PoolSource, lines: Map<Line, Set<Account>>): void {
    const { pool, accounts } = source;
    const kept = this.#kept.get(pool.id);
    if (kept === undefined) {
      this.#kept.set(pool.id, source);
      return;
    }
    kept.pool.waitedInVain += pool.waitedInVain;
    for (const account of accounts.values()) {
      this.#ledger.account(kept, account.site).absorb(account);
      const gone = lines.get(account.line) ?? new Set();
      lines.set(account.line, gone.add(account));
    }
    pool.waitedInVain = 0;
    this.#ledger.retire(source);
  }
}

function isOfPool(source: Source): source is PoolSource {
  return source.pool !== null;
}

function isOver({ pool, accounts }: PoolSource): boolean {
  const gauges = pool.gauges();
  if (gauges !== null && gauges.used + gauges.idle + gauges.pending > 0) return false;
  for (const { open } of accounts.values()) if (open.size > 0) return false;
  return true;
}
