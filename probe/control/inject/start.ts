/** Puts the failures that can be made beneath the probe's own hooks, so that the ledger sees them as it sees real ones. */
import type { Ledger } from '../../account/ledger.ts';
import type { Sites } from '../../account/site.ts';
import type { Beneath } from '../../watch/libraries.ts';
import { type Fault, Injector } from './injector.ts';
import { failingOracledb } from './oracledb.ts';
import { failingPg } from './pg.ts';
import { failConnects, failRequests } from './sockets.ts';

/** `first`: the failure of the turn that begins with the program, as JSON; `null` for none. */
export function startInjector(first: string, sites: Sites, ledger: Ledger): { injector: Injector; beneath: Beneath } {
  const injector = new Injector(sites, ledger, JSON.parse(first) as Fault | null);
  failConnects(injector);
  failRequests(injector);
  return { injector, beneath: { ...failingPg(injector), ...failingOracledb(injector) } };
}
