/**
 * Which requests are followed, as scopes, where the setting leaves that to the probe: up to so many a second all of them,
 * of more than that fewer, and one in some beyond; and all of them for a while when something new is found, and again
 * from time to time as long as it is no more than suspected. A service of few requests has each followed, a busy one pays
 * for few.
 *
 * False negatives: what requests leave that are not followed counts with its line, but for no request; a leak that hardly
 * ever happens, in a busy service, is told with its request only from its second time on.
 */

import { FOLLOWED_ONE_OF } from '../../account/scope-names.ts';
import { Stakes } from '../../account/stakes.ts';
import { ByChance } from '../../process/by-chance.ts';
import type { RecordedFinding } from '../../recording/format.ts';

/** Before the first grant, and at most in store. */
const STORE = 1000;
const A_SECOND = 100;
/** Where more come than that. */
const OF_MANY = 25;
/** Beyond those: so many one after the other, which is cheaper than each by itself. */
const IN_A_ROW = 4;
/** All of them, after something new was found, milliseconds; and of how long, as long as there is a suspicion. */
const WHOLE_MS = 60_000;
const WHOLE_EVERY_MS = 1_800_000;

export class Followed {
  #left = STORE;
  #came = 0;
  #grantedAt: number;
  readonly #some = new ByChance(FOLLOWED_ONE_OF, IN_A_ROW);
  /** Since when all are, the latest time. */
  #wholeAt = Number.NEGATIVE_INFINITY;
  readonly #known: Set<string> = new Set();
  readonly #stakes: Stakes;
  /** All are: so what a request leaves behind goes on in its context. Where few are, it does so as in none. */
  #areAll = false;

  constructor(at: number, stakes: Stakes = new Stakes()) {
    this.#grantedAt = at;
    this.#stakes = stakes;
  }

  /** Whether the next request is followed. */
  takes(): boolean {
    this.#came++;
    if (this.#left > 0) {
      this.#left--;
      if (!this.#areAll) this.#follows(true);
      return true;
    }
    if (this.#areAll) this.#follows(false);
    return this.#some.takes();
  }

  #follows(all: boolean): void {
    this.#areAll = all;
    this.#stakes.contexts += all ? 1 : -1;
  }

  /**
   * `findings` are new or changed at `at`, by key; more of what is known is nothing new. `hasSuspect`: one stands of which
   * a request that was followed could tell more.
   */
  found(findings: ReadonlyMap<string, Pick<RecordedFinding, 'certainty'>>, hasSuspect: boolean, at: number): void {
    const before = this.#known.size;
    for (const [key, { certainty }] of findings) this.#known.add(`${certainty} ${key}`);
    const isNew = this.#known.size > before;
    if (!isNew && !(hasSuspect && at - this.#wholeAt >= WHOLE_EVERY_MS)) return;
    this.#wholeAt = at;
    this.#left = Number.POSITIVE_INFINITY;
  }

  /** What may be followed until the next grant; this one is at `at`. */
  grant(at: number): void {
    const seconds = (at - this.#grantedAt) / 1000;
    const isBusy = this.#came > A_SECOND * seconds;
    this.#grantedAt = at;
    this.#came = 0;
    if (at - this.#wholeAt < WHOLE_MS) return;
    const left = this.#left === Number.POSITIVE_INFINITY ? 0 : this.#left;
    this.#left = Math.min(STORE, left + (isBusy ? OF_MANY : A_SECOND) * seconds);
  }
}
