/** Puts the faults that can be made beneath the probe's own hooks, so that the ledger sees them as it sees real ones. */

import type { Ledger } from '../../account/ledger.ts';
import type { Sites } from '../../account/site.ts';
import type { LibraryAdapter } from '../../watch/modules.ts';
import { type Fault, Injector } from './injector.ts';
import { failingOracledb } from './oracledb.ts';
import { failingPg } from './pg.ts';
import { failConnects, failRequests } from './sockets.ts';

export type Beneath = Pick<LibraryAdapter, 'name' | 'attach'>;

/** `first`: the fault of the turn that begins with the program, as JSON; `null` for none. */
export function startInjector(first: string, sites: Sites, ledger: Ledger) {
  const injector = new Injector(sites, ledger, JSON.parse(first) as Fault | null);
  failConnects(injector);
  failRequests(injector);
  return { injector, libraries: [...failingPg(injector), failingOracledb(injector)] };
}

/** Each adapter's library is first made to fail on demand, whether or not it is then watched. */
export function beneath(adapters: readonly LibraryAdapter[], below: readonly Beneath[]): LibraryAdapter[] {
  const made = new WeakSet<object>();
  const withFaults = adapters.map((adapter): LibraryAdapter => {
    const own = below.find(({ name }) => name === adapter.name);
    if (!own) return adapter;
    return {
      name: adapter.name,
      attach(exports, file) {
        // an adapter is asked again while its library is still being loaded
        if (!made.has(exports) && own.attach(exports, file)) made.add(exports);
        return adapter.attach(exports, file);
      },
    };
  });
  const others = below.filter(({ name }) => !adapters.some((adapter) => adapter.name === name));
  return [...withFaults, ...others];
}
