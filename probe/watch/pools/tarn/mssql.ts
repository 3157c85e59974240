/**
 * mssql, which borrows from tarn a turn after it was called, and makes its pool only once it is connected. So the line is
 * noted when a transaction, a request or a prepared statement is asked for something, and when a pool is connected; they
 * carry it to the acquire.
 */
import type { Site } from '../../../account/site.ts';
import type { AdapterName } from '../../../adapters.ts';
import { around, type Method } from '../../../process/around.ts';
import { ownerOf } from '../../clients/clients.ts';
import type { Making } from '../pool-account.ts';
import type { Pool, TarnPools } from '../tarn.ts';

const PART = 'tarn' satisfies AdapterName;

/** Its own, upon tarn's. */
interface ConnectionPool {
  pool?: Pool | null;
  config?: { database?: unknown };
}

/** What its public methods call, while their caller is on the stack. */
const BORROWERS = {
  Transaction: ['_begin'],
  Request: ['_query', '_batch', '_bulk', '_execute'],
  PreparedStatement: ['_prepare'],
} as const;

type Class = { prototype: object } | undefined;

export function watchMssql(pools: TarnPools, exports: Readonly<Record<string, Class>>): void {
  const { prototype } = exports.ConnectionPool ?? {};
  if (!prototype) return;
  const sites = new WeakMap<object, Site>();
  const makings = new WeakMap<object, Making>();
  for (const [name, methods] of Object.entries(BORROWERS)) {
    for (const method of methods) {
      stand(exports[name]?.prototype, method, (borrower, wrapper) => {
        const site = pools.siteHere(wrapper);
        if (site) sites.set(borrower, site);
      });
    }
  }
  stand(prototype, '_connect', (pool, wrapper) => {
    if (!makings.has(pool)) makings.set(pool, pools.asked(wrapper));
  });
  around<ConnectionPool>(PART, ownerOf(prototype, 'acquire') ?? {}, 'acquire', {
    before(own, borrower) {
      const { pool, config: { database } = {} } = own;
      if (pool) pools.adopt(pool, 'mssql', typeof database === 'string' ? database : null, makings.get(own));
      const site = sites.get(borrower as object);
      pools.caller = site ? { site } : null;
    },
    finally: () => {
      pools.caller = null;
    },
  });
}

function stand(prototype: object | undefined, method: string, before: (self: object, wrapper: Method) => void): void {
  const owner = prototype && ownerOf(prototype, method);
  if (owner) around<object>(PART, owner, method, { before: (self, _, __, wrapper) => before(self, wrapper) });
}
