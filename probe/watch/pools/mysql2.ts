/**
 * mysql2 from 1 to 3, by callback and by promise. What its promises hand out is made anew for each borrow, but the connection
 * behind it is reachable and can be given back as well: so it is that which is cut.
 */
import type { AdapterName } from '../../adapters.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { requireFrom } from '../loaded.ts';
import { BareConnections } from './mysql/bare.ts';
import { MysqlPools } from './mysql/pools.ts';

const PART = 'mysql2' satisfies AdapterName;

interface Class {
  prototype: object;
}

export function attachments(desk: Desk): Attachments {
  const pools = new MysqlPools(desk, PART);
  const bare = new BareConnections(desk, PART);
  const watched = new WeakSet<object>();
  /** Both entries lead to the same classes, which lie beside them. */
  const watch = (_: object, file: string): void => {
    const load = requireFrom(file);
    const [pool, pooled, connection] = ['pool', 'pool_connection', 'connection'].map(
      (name): Class => load(`./lib/${name}.js`),
    );
    if (!pool || !pooled || !connection || watched.has(pool)) return;
    watched.add(pool);
    pools.watchPool(pool.prototype);
    pools.watchReleases(pooled.prototype);
    pools.watchStatements(connection.prototype);
    bare.watch(connection.prototype, pooled.prototype);
  };
  return { mysql2: watch, 'mysql2/promise.js': watch };
}
