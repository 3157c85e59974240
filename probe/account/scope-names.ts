/**
 * Totals by the name of scopes. There are as many names as the service likes, a path that a bot tries, a job named by its
 * id; only so many are kept, and the rest is one. Which those are is decided as in Space-Saving (Metwally et al., 2005):
 * a new name takes the place of the one that came least often, so that what recurs stays, whatever comes in between.
 */

export interface ScopeTotals {
  name: string;
  kind: 'job' | 'request';
  began: number;
  ended: number;
  failed: number;
  /** Ended scopes by the error they failed with. */
  failedWith: Map<string, number>;
  /** Another name took its place: where its scopes are counted now. */
  into?: ScopeTotals;
}

const MAX_NAMES = 500;
export const OTHER = '(other)';

export class ScopeNames {
  readonly all: Map<string, ScopeTotals> = new Map();
  /** How often each came, and before it the one that had its place; in the order they came. */
  readonly #ranks: Map<ScopeTotals, number> = new Map();
  /** No rank is lower. */
  #lowest = 1;

  /** One more of that name has begun. */
  begin(name: string, kind: ScopeTotals['kind']): ScopeTotals {
    const totals = this.all.get(name) ?? this.#add(name, kind);
    totals.began++;
    if (totals.name !== OTHER) this.#ranks.set(totals, (this.#ranks.get(totals) ?? 0) + 1);
    return totals;
  }

  #add(name: string, kind: ScopeTotals['kind']): ScopeTotals {
    const totals = { name, kind, began: 0, ended: 0, failed: 0, failedWith: new Map() };
    if (name !== OTHER) this.#ranks.set(totals, this.#ranks.size < MAX_NAMES ? 0 : this.#dropRarest());
    this.all.set(name, totals);
    return totals;
  }

  /** Returns its rank. */
  #dropRarest(): number {
    let rarest: ScopeTotals | null = null;
    let rank = Number.POSITIVE_INFINITY;
    for (const [totals, of] of this.#ranks) {
      if (of < rank) [rarest, rank] = [totals, of];
      if (rank <= this.#lowest) break;
    }
    this.#lowest = rank;
    if (rarest !== null) this.#drop(rarest);
    return rank;
  }

  #drop(totals: ScopeTotals): void {
    this.#ranks.delete(totals);
    this.all.delete(totals.name);
    const other = this.all.get(OTHER) ?? this.#add(OTHER, totals.kind);
    for (const count of ['began', 'ended', 'failed'] as const) other[count] += totals[count];
    other.failedWith.set(OTHER, (other.failedWith.get(OTHER) ?? 0) + totals.failed);
    totals.into = other;
    totals.failedWith.clear();
  }
}
