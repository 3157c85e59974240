/** A session with the server, and what borrowers have left in it. */
import type { Account, Resource } from '../../account/ledger.ts';
import type { Session } from '../../account/resource.ts';
import type { Method } from '../../process/around.ts';
import { guarded } from '../../process/lapses.ts';
import type { Driver } from './driver.ts';
import type { Effect } from './effects.ts';

export type Leaving = Extract<Effect, { does: 'leave' }>;

/** Something that a session has now. */
export interface Left extends Leaving {
  readonly driver: Driver;
  readonly account: Account;
  readonly lease: Resource;
  readonly statement: string;
  /** By the first who ever had the session: perhaps how each is set up. */
  readonly isFirst: boolean;
  isInTransaction: boolean;
  /** How many its session had had before. */
  readonly number: number;
  /** The server has not said yet that it is so. */
  isPending: boolean;
  /** Once it was given back. */
  resource: Resource | null;
}

/** `lease` of a session in which something was left is given back by a call to `wrapper`. */
type GivenBack = (session: KnownSession, lease: Resource, wrapper: Method) => void;

/** One that was lent at least once. */
export class KnownSession implements Session {
  readonly ref: WeakRef<object>;
  readonly left: Left[] = [];
  /** Whose harm is done, to be told of once. */
  harmful: Left[] = [];
  lease: Resource | null = null;
  lent = 0;
  isUsed = false;
  isToldOf = false;
  /** How many things were ever left in it. */
  count = 0;
  isInTransaction = false;
  /** Of its transaction, by name: `count` at that time. */
  readonly savepoints: Map<string, number> = new Map();
  readonly #told: GivenBack;

  constructor(connection: object, told: GivenBack) {
    this.ref = new WeakRef(connection);
    this.#told = told;
  }

  endTransaction(): void {
    this.isInTransaction = false;
    this.savepoints.clear();
    for (const left of this.left) left.isInTransaction = false;
  }

  back(lease: Resource, wrapper: Method): void {
    const left = this.left[0];
    if (left !== undefined) guarded(left.driver.part, this.#told, this, lease, wrapper);
    if (this.lease === lease) this.lease = null;
  }
}
