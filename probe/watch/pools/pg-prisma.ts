/**
 * Prisma upon pg. Its client makes a pool with the first query, when the line that made the client is not on the stack any
 * more: the line is noted when the driver adapter is made, which is given to the client.
 *
 * False negatives: the adapters of Prisma for other drivers tell nobody when they are made; their pools are of no line of
 * the user's.
 */
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import type { Making, PoolAccounts } from './pool-account.ts';

const PART = 'pg' satisfies AdapterName;

/** `prototype`: of the factory that `new PrismaPg()` makes. */
export function watchPrisma<Pool extends object>(prototype: object, accounts: PoolAccounts<Pool>): void {
  const makers = new WeakMap<object, Making>();
  // in the constructor
  onFirstSet<object>(PART, prototype, 'options', (factory, _, setter) => {
    makers.set(factory, accounts.asked(setter));
  });
  around<object>(PART, prototype, 'connect', {
    before: (factory) => {
      accounts.maker = makers.get(factory) ?? null;
    },
    finally: () => {
      accounts.maker = null;
    },
  });
}
