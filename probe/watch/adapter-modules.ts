/** The code of the rows of adapters.ts that are of packages, each loaded when its library is. */
import type { ADAPTERS } from '../adapters.ts';
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
  'generic-pool': () => require('./pools/generic-pool.js') as typeof import('./pools/generic-pool.ts'),
  pg: () => require('./pools/pg.js') as typeof import('./pools/pg.ts'),
  mysql2: () => require('./pools/mysql2.js') as typeof import('./pools/mysql2.ts'),
  mysql: () => require('./pools/mysql.js') as typeof import('./pools/mysql.ts'),
  'sequelize-pool': () => require('./pools/sequelize-pool.js') as typeof import('./pools/sequelize-pool.ts'),
  mariadb: () => require('./pools/mariadb.js') as typeof import('./pools/mariadb.ts'),
  postgres: () => require('./pools/postgres.js') as typeof import('./pools/postgres.ts'),
  tedious: () => require('./pools/tedious.js') as typeof import('./pools/tedious.ts'),
  oracledb: () => require('./pools/oracledb.js') as typeof import('./pools/oracledb.ts'),
  tarn: () => require('./pools/tarn.js') as typeof import('./pools/tarn.ts'),
  ioredis: () => require('./clients/ioredis.js') as typeof import('./clients/ioredis.ts'),
  redis: () => require('./clients/redis.js') as typeof import('./clients/redis.ts'),
  bullmq: () => require('./clients/bullmq.js') as typeof import('./clients/bullmq.ts'),
  'worker-pools': () => require('./clients/worker-pools.js') as typeof import('./clients/worker-pools.ts'),
  amqplib: () => require('./clients/amqplib.js') as typeof import('./clients/amqplib.ts'),
  grpc: () => require('./clients/grpc.js') as typeof import('./clients/grpc.ts'),
  undici: () => require('./clients/undici.js') as typeof import('./clients/undici.ts'),
  mongodb: () => require('./clients/mongodb.js') as typeof import('./clients/mongodb.ts'),
  kafkajs: () => require('./clients/kafkajs.js') as typeof import('./clients/kafkajs.ts'),
  'better-sqlite3': () => require('./clients/better-sqlite3.js') as typeof import('./clients/better-sqlite3.ts'),
} as const satisfies Record<Name, () => AdapterModule>;
