/** Which lease a session is lent by: found through the connection that the service holds, as long as it is not closed. */
import type { Resource } from '../../../account/ledger.ts';
import { type Connection, isUnderWay, type Session } from './driver.ts';

interface Known {
  lease: Resource;
  isBusy: () => boolean;
}

export class Leases {
  /** Set once for each session, of which there are few: a weak map that changes all the time is work for the collector. */
  readonly #known: WeakMap<Session, Known> = new WeakMap();

  /** Null when it is given back, or was never lent. */
  of({ _impl }: Connection): Resource | null {
    const lease = _impl && this.#known.get(_impl)?.lease;
    return lease && !lease.closed ? lease : null;
  }

  serve(session: Session, lease: Resource): void {
    let own = this.#known.get(session);
    if (!own) {
      own = { lease, isBusy: busy(new WeakRef(session)) };
      this.#known.set(session, own);
    }
    own.lease = lease;
    lease.isBusy = own.isBusy;
  }
}

function busy(session: WeakRef<Session>): () => boolean {
  return () => {
    const alive = session.deref();
    return alive !== undefined && isUnderWay(alive);
  };
}
