/** The code of the rows of adapters.ts that are of packages, each loaded when its library is. */
import type { ADAPTERS } from '../adapters.ts';
import type { LoadPart } from '../process/on-demand.ts';
import type { Desk } from './desk.ts';

/** By package, or `package/file` for an entry of its own: takes hold of one copy of it, of which `exports` is what `require` returns and `file` where it is. */
// biome-ignore lint/suspicious/noExplicitAny: the library's own exports, of any version
export type Attachments = Record<string, (exports: any, file: string) => void>;

export interface AdapterModule {
  attachments(desk: Desk): Attachments;
}

type Row = (typeof ADAPTERS)[number];
/** Those that are of packages. */
type Name = Extract<Row, { of: { packages: unknown } }>['name'];

/** By the names that they have when built: each is a file of its own there (build.mjs), since few services use more than one. */
export const MODULES = {
  'generic-pool': (load) => load('./watch/pools/generic-pool.js') as typeof import('./pools/generic-pool.ts'),
  pg: (load) => load('./watch/pools/pg.js') as typeof import('./pools/pg.ts'),
  mysql2: (load) => load('./watch/pools/mysql2.js') as typeof import('./pools/mysql2.ts'),
  mysql: (load) => load('./watch/pools/mysql.js') as typeof import('./pools/mysql.ts'),
  'sequelize-pool': (load) => load('./watch/pools/sequelize-pool.js') as typeof import('./pools/sequelize-pool.ts'),
  mariadb: (load) => load('./watch/pools/mariadb.js') as typeof import('./pools/mariadb.ts'),
  postgres: (load) => load('./watch/pools/postgres.js') as typeof import('./pools/postgres.ts'),
  tedious: (load) => load('./watch/pools/tedious.js') as typeof import('./pools/tedious.ts'),
  oracledb: (load) => load('./watch/pools/oracledb.js') as typeof import('./pools/oracledb.ts'),
  tarn: (load) => load('./watch/pools/tarn.js') as typeof import('./pools/tarn.ts'),
  ioredis: (load) => load('./watch/clients/ioredis.js') as typeof import('./clients/ioredis.ts'),
  redis: (load) => load('./watch/clients/redis.js') as typeof import('./clients/redis.ts'),
  bullmq: (load) => load('./watch/clients/bullmq.js') as typeof import('./clients/bullmq.ts'),
  'worker-pools': (load) => load('./watch/clients/worker-pools.js') as typeof import('./clients/worker-pools.ts'),
  amqplib: (load) => load('./watch/clients/amqplib.js') as typeof import('./clients/amqplib.ts'),
  grpc: (load) => load('./watch/clients/grpc.js') as typeof import('./clients/grpc.ts'),
  undici: (load) => load('./watch/clients/undici.js') as typeof import('./clients/undici.ts'),
  mongodb: (load) => load('./watch/clients/mongodb.js') as typeof import('./clients/mongodb.ts'),
  kafkajs: (load) => load('./watch/clients/kafkajs.js') as typeof import('./clients/kafkajs.ts'),
  'better-sqlite3': (load) => load('./watch/clients/better-sqlite3.js') as typeof import('./clients/better-sqlite3.ts'),
} as const satisfies Record<Name, (load: LoadPart) => AdapterModule>;
