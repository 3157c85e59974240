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
  /** How often it came, and before it the one whose place it took. */
  rank: number;
  /** Another name took its place: where its scopes are counted now. */
  into?: ScopeTotals;
}

const MAX_NAMES = 500;
export const OTHER = '(other)';
/** Requests that are counted and not followed, see watch/scopes/followed.ts. */
export const UNFOLLOWED = '(not followed)';
/** Where more come than are to be followed: of so many one is. */
export const FOLLOWED_ONE_OF = 256;

export class ScopeNames {
  readonly all: Map<string, ScopeTotals> = new Map();
  /** No rank is lower. */
  #lowest = 1;

  /** One more of that name has begun. */
  begin(name: string, kind: ScopeTotals['kind']): ScopeTotals {
    const totals = this.all.get(name) ?? this.#add(name, kind);
    totals.began++;
    totals.rank++;
    return totals;
  }

  /** So many of that name began and ended. */
  pass(name: string, kind: ScopeTotals['kind'], count: number): void {
    const totals = this.all.get(name) ?? this.#add(name, kind);
    for (const each of ['began', 'ended', 'rank'] as const) totals[each] += count;
  }

  #add(name: string, kind: ScopeTotals['kind']): ScopeTotals {
    const isFull = this.all.size - (this.all.has(OTHER) ? 1 : 0) >= MAX_NAMES;
    const rank = isFull && name !== OTHER ? this.#dropRarest() : 0;
    const totals = { name, kind, began: 0, ended: 0, failed: 0, failedWith: new Map(), rank };
    this.all.set(name, totals);
    return totals;
  }

  /** Returns its rank. */
  #dropRarest(): number {
    let rarest: ScopeTotals | null = null;
    let rank = Number.POSITIVE_INFINITY;
    for (const totals of this.all.values()) {
      if (totals.name !== OTHER && totals.rank < rank) [rarest, rank] = [totals, totals.rank];
      if (rank <= this.#lowest) break;
    }
    this.#lowest = rank;
    if (rarest !== null) this.#drop(rarest);
    return rank;
  }

  #drop(totals: ScopeTotals): void {
    this.all.delete(totals.name);
    const other = this.all.get(OTHER) ?? this.#add(OTHER, totals.kind);
    for (const count of ['began', 'ended', 'failed'] as const) other[count] += totals[count];
    other.failedWith.set(OTHER, (other.failedWith.get(OTHER) ?? 0) + totals.failed);
    totals.into = other;
    totals.failedWith.clear();
  }
}
