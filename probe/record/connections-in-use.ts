/** Who has which connection of which pool: what joins leases with the server's sessions. */

import type { Account, Ledger, Resource } from '../account/ledger.ts';
import type { Peer } from '../account/pool-state.ts';
import { frameToName } from '../judge/blame.ts';
import type { HeldConnection } from '../recording/format.ts';

/** Of one process; the leases held for the longest come first. */
const MAX_CONNECTIONS = 300;
/** Of one pool: more than a database lets in are no connections to one, and each takes a look at some of its objects. */
const MAX_OF_POOL = 1000;

export function heldConnections(ledger: Ledger, at: number): { connections: HeldConnection[]; omitted: number } {
  const frames = new Map<Account, number>();
  const frameOf = (account: Account): number => {
    const frame = frames.get(account) ?? frameToName(account.site, [account]);
    frames.set(account, frame);
    return frame;
  };
  const all: HeldConnection[] = [];
  for (const { pool, peers } of ledger.sources) {
    let seen = 0;
    for (const { resource, peer } of (pool?.peers ?? peers)?.() ?? []) {
      if (++seen > MAX_OF_POOL) break;
      if (peer.localPort === null && peer.connectionId === null) continue;
      all.push(held(pool?.id ?? 0, resource, peer, at, frameOf));
    }
  }
  all.sort((a, b) => (b.ageMs ?? -1) - (a.ageMs ?? -1));
  return { connections: all.slice(0, MAX_CONNECTIONS), omitted: Math.max(0, all.length - MAX_CONNECTIONS) };
}

function held(
  pool: number,
  resource: Resource | null,
  { state, localPort, localAddress = null, server = null, connectionId }: Peer,
  at: number,
  frameOf: (account: Account) => number,
): HeldConnection {
  return {
    pool,
    state,
    site: resource?.account.site?.id ?? -1,
    frame: resource ? frameOf(resource.account) : -1,
    ageMs: resource && Math.round(at - resource.openedAt),
    idleMs: resource && Math.round(at - resource.lastUsedAt),
    busy: resource?.isBusy?.() ?? null,
    localAddress,
    localPort,
    server,
    connectionId,
  };
}
