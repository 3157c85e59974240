/** mysql 2, which loads its classes only when they are asked for. */
import { createRequire } from 'node:module';
import type { AdapterName } from '../../adapters.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { BareConnections } from './mysql/bare.ts';
import { MysqlPools } from './mysql/pools.ts';

const PART = 'mysql' satisfies AdapterName;

export function attachments(desk: Desk): Attachments {
  const pools = new MysqlPools(desk, PART);
  const bare = new BareConnections(desk, PART);
  return {
    mysql: (_, file) => {
      const classOf = (name: string): { prototype: object } => createRequire(file)(`./lib/${name}`);
      const [Connection, PoolConnection, Pool] = ['Connection', 'PoolConnection', 'Pool'].map(classOf);
      if (!Connection || !PoolConnection || !Pool) return;
      pools.watchPool(Pool.prototype);
      pools.watchReleases(PoolConnection.prototype);
      pools.watchStatements(Connection.prototype);
      bare.watch(Connection.prototype, PoolConnection.prototype);
    },
  };
}
