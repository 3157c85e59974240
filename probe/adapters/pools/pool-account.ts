/** What every pool adapter keeps of one pool: its source, and the pool itself as a resource. */
import { type PoolGauges, Resource, type Source } from '../../ledger.ts';
import { now } from '../../runtime.ts';
import type { Desk, Request } from '../adapter.ts';

export interface PoolDescription {
  /** Null: it is numbered. */
  name: string | null;
  max: number;
  /** Null when the pool is gone. */
  gauges(): PoolGauges | null;
}

/** A pool that holds connections; gone when it holds none any more. */
class OpenPool extends Resource {
  gauges: PoolDescription['gauges'] = () => null;
  override isGone(): boolean {
    const gauges = this.gauges();
    return gauges === null || gauges.used + gauges.idle === 0;
  }
}

/** The accounts of one library's pools. */
export class PoolAccounts<Pool extends object> {
  private readonly desk: Desk;
  private readonly library: string;
  private readonly describe: (pool: WeakRef<Pool>) => PoolDescription;
  private readonly accounts: WeakMap<Pool, { source: Source; pool: OpenPool | null; description: PoolDescription }> =
    new WeakMap();
  private readonly pools: Source;

  constructor(desk: Desk, library: string, describe: (pool: WeakRef<Pool>) => PoolDescription) {
    this.desk = desk;
    this.library = library;
    this.describe = describe;
    this.pools = desk.ledger.source('connection', `${library} pool`);
  }

  /** A lease of `pool` opens; the first one also opens the pool as a resource, on the account of who caused it. */
  open(pool: Pool, request: Request): Resource {
    const account = this.of(pool);
    if (account.pool === null || account.pool.closed) {
      const { ledger } = this.desk;
      account.pool = new OpenPool(ledger.account(this.pools, request.site, 'pool'), request.scope, now());
      account.pool.gauges = account.description.gauges;
      ledger.open(account.pool);
    }
    account.pool.lastUsedAt = now();
    account.pool.uses++;
    return this.desk.open(account.source, 'lease', request);
  }

  of(pool: Pool): { source: Source; pool: OpenPool | null; description: PoolDescription } {
    let account = this.accounts.get(pool);
    if (!account) {
      const description = this.describe(new WeakRef(pool));
      account = { source: this.desk.pool(this.library, description), pool: null, description };
      this.accounts.set(pool, account);
    }
    return account;
  }
}
