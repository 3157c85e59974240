/** Puts the failures that can be made beneath the probe's own hooks, so that the ledger sees them as it sees real ones. */
import type { Ledger } from '../../account/ledger.ts';
import type { Sites } from '../../account/site.ts';
import type { Ending } from '../../process/exit.ts';
import type { Beneath } from '../../watch/libraries.ts';
import { tellingAtEnd } from './at-end.ts';
import { type Fault, Injector } from './injector.ts';
import { failingOracledb } from './oracledb.ts';
import { failingPg } from './pg.ts';
import { failConnects, failRequests } from './sockets.ts';

export interface Injected {
  injector: Injector;
  beneath: Beneath;
  /** To be called at the end of the process. */
  atEnd: (ending: Ending) => void;
}

/**
 * `first`: the failure of the turn that begins with the program, as JSON; `null` for none. `turns`: the folder where a
 * program that ends by itself says how its only turn went.
 */
export function startInjector(first: string, sites: Sites, ledger: Ledger, turns: string | undefined): Injected {
  const injector = new Injector(sites, ledger, JSON.parse(first) as Fault | null);
  failConnects(injector);
  failRequests(injector);
  const atEnd = turns === undefined ? () => {} : tellingAtEnd(injector, sites, turns);
  return { injector, beneath: { ...failingPg(injector), ...failingOracledb(injector) }, atEnd };
}
