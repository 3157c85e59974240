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
  /** By whom its latest lease was only counted; it may be over. */
  countedBy: PoolAccount | null = null;
  /** Known from its first lease on, which is never only counted. */
  session: Session | null = null;
  isKnown = false;
  /** Of a lease that is only counted, as a resource has it; the operation only if it was used. */
  uses = 0;
  lastOperation: string | null = null;
  /** When it was lent, and last used: by how many events of such leases. */
  lentAt = 0;
  usedAt = 0;

  constructor(ref: WeakRef<object> | null, isBusy: (() => boolean) | null = null) {
    this.ref = ref;
    this.isBusy = isBusy;
  }

  /** Its next lease is not only counted: the first one, and each while something may be left in its session. */
  get isToBeTold(): boolean {
    return !this.isKnown || this.session?.isToldOf === true;
  }

  count(by: PoolAccount): void {
    this.lease = null;
    this.countedBy = by;
    this.uses = 0;
    this.lentAt = this.usedAt = by.next();
  }

  /** Its borrower uses it, while it is only counted. */
  use(operation: string | null): void {
    // mostly the same as before, and to note a string V8 has to look at the memory that it is in
    if (this.lastOperation !== operation) this.lastOperation = operation;
    this.uses++;
    this.usedAt = this.countedBy?.next() ?? 0;
  }
}
