/** mysql 2, which loads its classes only when they are asked for. */
import type { AdapterName } from '../../adapters.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { requireFrom } from '../loaded.ts';
import { BareConnections } from './mysql/bare.ts';
import { MysqlPools } from './mysql/pools.ts';

const PART = 'mysql' satisfies AdapterName;

export function attachments(desk: Desk): Attachments {
  const pools = new MysqlPools(desk, PART);
  const bare = new BareConnections(desk, PART);
  return {
    mysql: (_, file) => {
      const load = requireFrom(file);
      const classOf = (name: string): { prototype: object } => load(`./lib/${name}`);
      const [Connection, PoolConnection, Pool] = ['Connection', 'PoolConnection', 'Pool'].map(classOf);
      if (!Connection || !PoolConnection || !Pool) return;
      pools.watchPool(Pool.prototype);
      pools.watchReleases(PoolConnection.prototype);
      pools.watchStatements(Connection.prototype);
      bare.watch(Connection.prototype, PoolConnection.prototype);
    },
  };
}
