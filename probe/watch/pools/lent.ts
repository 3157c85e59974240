/**
 * What a pool lends again and again, with what is known of its lease. A lease with neither a stack nor a scope has nothing
 * to tell but how many there were: most are only counted, without so much as a look at the clock, and enter the ledger
 * when somebody looks and finds them still lent. By then nearly all are back. Not so one of a session in which something
 * may be left: each lease of that is somebody's.
 */
import type { Resource } from '../../account/ledger.ts';
import type { Session } from '../../account/resource.ts';
import type { PoolAccount } from './pool-account.ts';

export class Lent {
  /** To the object, where it is one. */
  readonly ref: WeakRef<object> | null;
  /** Whether its borrower waits for an operation, once it was used; null: nobody can tell. */
  readonly isBusy: (() => boolean) | null;
  /** Null also as long as it is only counted. */
  lease: Resource | null = null;
  /** By whom it was only counted the latest time. */
  countedBy: PoolAccount | null = null;
  /** Known from its first lease on, which is never only counted. */
  session: Session | null = null;
  isKnown = false;
  /** Of a lease that is only counted, as a resource has it; the operation only if it was used. */
  uses = 0;
  lastOperation: string | null = null;
  /** When it was lent, and last used: by how many events of such leases; 0: it is not lent so. */
  lentAt = 0;
  usedAt = 0;

  constructor(ref: WeakRef<object> | null, isBusy: (() => boolean) | null = null) {
    this.ref = ref;
    this.isBusy = isBusy;
  }

  get isCounted(): boolean {
    return this.lentAt > 0;
  }

  count(by: PoolAccount): void {
    this.lease = null;
    // what is the same is not stored again: V8 would look at the memory that it is in
    if (this.countedBy !== by) this.countedBy = by;
    this.uses = 0;
    this.lentAt = this.usedAt = by.next();
  }

  /** It is given back, or its lease is in the ledger. */
  uncount(): void {
    this.lentAt = 0;
  }

  /** Its borrower uses it, while it is only counted. */
  use(operation: string | null): void {
    if (this.lastOperation !== operation) this.lastOperation = operation;
    this.uses++;
    this.usedAt = this.countedBy?.next() ?? 0;
  }
}
