/**
 * What is watched: one row each. A row is data; its module is in watch/adapter-modules.ts. `OUTLIVE_OFF`, the help, the
 * documentation's table and the tests of lapses follow from the rows.
 */
import type { NatureName } from './recording/natures.ts';

/** A package that an adapter takes hold of. */
export interface Package {
  readonly name: string;
  /** The file that is loaded, where it is not the main one. */
  readonly entry?: string;
  /** Of an entry that is an ES module: what the adapter needs of its declarations, before it runs or once it has run. */
  readonly es?: { readonly when: 'before' | 'after'; readonly names: readonly string[] };
  /** Versions that the adapter is known to be right for: from the first on, and below the second. */
  readonly from: string;
  readonly below: string;
  /** What it needs of the package's exports: functions, by their path. Without one of them it does nothing, and says so. */
  readonly hooks: readonly string[];
}

export interface AdapterRow {
  /** As in OUTLIVE_OFF. */
  readonly name: string;
  readonly natures: readonly NatureName[];
  /** Packages that may be loaded; or what is always there: a module of Node's, or channels of `diagnostics_channel`. */
  readonly of: { packages: readonly Package[] } | { builtin: string } | { channels: readonly string[] };
  /** False: what it changes cannot be taken back, so it is only there when it is preloaded. */
  readonly attaches?: false;
  /** In words, for the documentation: what is seen of it. */
  readonly sees: string;
}

/** What may be left in a session that goes back to its pool, by whose session it is. */
const LEFT_IN_POSTGRES = [
  'advisory lock',
  'setting',
  'subscription',
  'temporary table',
  'prepared statement',
] as const satisfies readonly NatureName[];
const LEFT_IN_MYSQL = [
  'named lock',
  'table lock',
  'session variable',
  'default database',
  'temporary table',
  'prepared statement',
] as const satisfies readonly NatureName[];
const LEFT_IN_SQL_SERVER = ['transaction'] as const satisfies readonly NatureName[];
export type LeftNature = (typeof LEFT_IN_POSTGRES | typeof LEFT_IN_MYSQL | typeof LEFT_IN_SQL_SERVER)[number];

export const ADAPTERS = [
  {
    name: 'generic-pool',
    natures: ['lease', 'pool'],
    of: {
      packages: [
        {
          ...{ name: 'generic-pool', from: '3.0.0', below: '4.0.0' },
          hooks: [
            'Pool.prototype.acquire',
            'Pool.prototype.release',
            'Pool.prototype.destroy',
            'Pool.prototype._dispatchPooledResourceToNextWaitingClient',
          ],
        },
      ],
    },
    sees: 'leases, time-outs, pools made per call',
  },
  {
    name: 'pg',
    natures: ['lease', 'pool', 'transaction', 'transaction of a pool', ...LEFT_IN_POSTGRES],
    of: {
      packages: [
        {
          ...{ name: 'pg-pool', from: '3.0.0', below: '4.0.0' },
          hooks: ['prototype.connect', 'prototype.newClient', 'prototype._acquireClient', 'prototype._release'],
        },
        { ...{ name: 'pg', from: '8.0.0', below: '9.0.0' }, hooks: ['Client.prototype.query'] },
        {
          ...{ name: '@prisma/adapter-pg', from: '6.6.0', below: '8.0.0' },
          hooks: ['PrismaPg.prototype.connect'],
        },
        {
          ...{ name: '@prisma/adapter-pg', entry: 'dist/index.mjs', from: '6.6.0', below: '8.0.0' },
          ...{ es: { when: 'after', names: ['PrismaPgAdapterFactory'] } },
          hooks: ['PrismaPgAdapterFactory.prototype.connect'],
        },
      ],
    },
    sees: 'leases of pg.Pool, pool.query, clients without a pool, transactions left open, what is left in sessions, time-outs, pools made per call, those of Prisma at the line that made its adapter',
  },
  {
    name: 'postgres',
    attaches: false,
    natures: ['lease', 'pool', 'message listener', ...LEFT_IN_POSTGRES],
    of: {
      packages: [
        { ...{ name: 'postgres', from: '3.3.0', below: '4.0.0' }, hooks: ['toPascal'] },
        {
          ...{
            name: 'postgres',
            entry: 'src/index.js',
            es: { when: 'before', names: ['Postgres'] },
            from: '3.3.0',
            below: '4.0.0',
          },
          hooks: ['Postgres'],
        },
      ],
    },
    sees: 'connections that are reserved, transactions, what is left in sessions, pools made per call and never ended, what listens and is never ended',
  },
  {
    name: 'mysql2',
    natures: ['lease', 'pool', 'transaction', ...LEFT_IN_MYSQL],
    of: {
      packages: [
        {
          ...{ name: 'mysql2', from: '1.0.0', below: '4.0.0' },
          hooks: ['createPool', 'createConnection'],
        },
        {
          ...{ name: 'mysql2', entry: 'promise.js', from: '1.0.0', below: '4.0.0' },
          hooks: ['createPool', 'createConnection'],
        },
      ],
    },
    sees: 'leases of pools, by callback and by promise, pool.query, connections without a pool, transactions left open, what is left in sessions',
  },
  {
    name: 'mysql',
    natures: ['lease', 'pool', 'transaction', ...LEFT_IN_MYSQL],
    of: {
      packages: [{ ...{ name: 'mysql', from: '2.10.0', below: '3.0.0' }, hooks: ['createPool', 'createConnection'] }],
    },
    sees: 'leases of pools, pool.query, connections without a pool, transactions left open, what is left in sessions',
  },
  {
    name: 'sequelize-pool',
    attaches: false,
    natures: ['lease', 'pool'],
    of: {
      packages: [
        {
          ...{ name: 'sequelize-pool', from: '6.0.0', below: '9.0.0' },
          hooks: ['Pool.prototype.acquire', 'Pool.prototype.release', 'Pool.prototype.destroy', 'TimeoutError'],
        },
      ],
    },
    sees: 'leases, those of Sequelize at the line that called it, time-outs, pools made per call',
  },
  {
    name: 'mariadb',
    attaches: false,
    natures: ['lease', 'pool', ...LEFT_IN_MYSQL],
    of: {
      packages: [
        {
          ...{ name: 'mariadb', entry: 'dist/promise.cjs', from: '3.5.0', below: '4.0.0' },
          hooks: ['createPool'],
        },
        {
          ...{ name: 'mariadb', entry: 'dist/callback.cjs', from: '3.5.0', below: '4.0.0' },
          hooks: ['createPool'],
        },
        {
          ...{ name: 'mariadb', entry: 'lib/pool.js', es: { when: 'after', names: ['Pool'] } },
          ...{ from: '3.5.0', below: '4.0.0', hooks: ['Pool.prototype.getConnection', 'Pool.prototype._endLeak'] },
        },
        {
          ...{ name: 'mariadb', entry: 'lib/connection.js', es: { when: 'after', names: ['Connection'] } },
          ...{ from: '3.5.0', below: '4.0.0', hooks: ['Connection.prototype.connect'] },
        },
        {
          ...{ name: 'mariadb', entry: 'lib/pool-promise.js', es: { when: 'after', names: ['PoolPromise'] } },
          ...{ from: '3.5.0', below: '4.0.0', hooks: ['PoolPromise.prototype.getConnection'] },
        },
      ],
    },
    sees: 'leases of pools, by promise and by callback, pool.query, connections without a pool, what is left in sessions, time-outs, pools made per call',
  },
  {
    name: 'tedious',
    natures: ['lease', ...LEFT_IN_SQL_SERVER],
    of: {
      packages: [
        {
          ...{ name: 'tedious', from: '11.0.0', below: '21.0.0' },
          hooks: ['Connection.prototype.connect', 'Connection.prototype.close'],
        },
      ],
    },
    sees: 'connections without a pool, transactions that are open when a pool has one back',
  },
  {
    name: 'oracledb',
    attaches: false,
    natures: ['lease', 'pool', 'result set', 'query stream', 'LOB'],
    of: {
      packages: [
        {
          ...{ name: 'oracledb', from: '6.10.0', below: '27.0.0' },
          hooks: [
            'getConnection',
            'createPool',
            'Pool.prototype.getConnection',
            'Pool.prototype._setup',
            'Pool.prototype._processRequest',
            'Connection.prototype.close',
            'Connection.prototype.execute',
          ],
        },
      ],
    },
    sees: 'leases of pools, connections without a pool, result sets, query streams, LOBs, six traps of the driver',
  },
  {
    name: 'tarn',
    natures: ['lease', 'pool'],
    of: {
      packages: [
        {
          ...{ name: 'tarn', from: '2.0.0', below: '4.0.0' },
          hooks: [
            'Pool.prototype.acquire',
            'Pool.prototype.release',
            'Pool.prototype._executeEventHandlers',
            'TimeoutError',
          ],
        },
        {
          ...{ name: 'knex', from: '0.20.12', below: '4.0.0' },
          hooks: ['Client.prototype.initializePool', 'Client.prototype.runner', 'Client.prototype.query'],
        },
        {
          ...{ name: 'mssql', from: '7.0.0', below: '13.0.0' },
          hooks: ['ConnectionPool.prototype.acquire', 'Transaction.prototype.begin', 'Request.prototype.query'],
        },
      ],
    },
    sees: 'leases, those of knex and mssql at the line that called them, time-outs, pools made per call',
  },
  {
    name: 'ioredis',
    natures: ['client'],
    of: {
      packages: [
        {
          ...{ name: 'ioredis', from: '3.2.0', below: '7.0.0' },
          hooks: ['prototype.parseOptions', 'prototype.connect', 'prototype.disconnect', 'prototype.sendCommand'],
        },
      ],
    },
    sees: 'clients, duplicates, subscribers, clusters: from the first connect to quit or disconnect',
  },
  {
    name: 'redis',
    natures: ['client', 'lease', 'message listener'],
    of: {
      packages: [
        { ...{ name: '@redis/client', from: '1.0.0', below: '7.0.0' }, hooks: ['createClient'] },
        { ...{ name: '@node-redis/client', from: '1.0.0', below: '2.0.0' }, hooks: ['createClient'] },
        { ...{ name: 'redis', from: '2.8.0', below: '7.0.0' }, hooks: ['createClient'] },
      ],
    },
    sees: 'clients, duplicates, clusters, sentinels and pools, from connect to close; what a pool lends by execute; listeners that are subscribed and never taken away',
  },
  {
    name: 'bullmq',
    natures: ['queue'],
    of: {
      packages: [
        {
          ...{ name: 'bullmq', from: '1.18.0', below: '7.0.0' },
          hooks: ['QueueBase.prototype.close', 'FlowProducer.prototype.close'],
        },
        { ...{ name: 'bull', from: '3.0.0', below: '5.0.0' }, hooks: ['prototype.close', 'prototype.process'] },
      ],
    },
    sees: 'queues, workers, queue events and flow producers; the ioredis connections that they make are theirs',
  },
  {
    name: 'worker-pools',
    natures: ['worker pool'],
    of: {
      packages: [
        {
          ...{ name: 'piscina', from: '3.2.0', below: '6.0.0' },
          hooks: ['prototype.run', 'prototype.destroy'],
        },
        { ...{ name: 'workerpool', from: '6.0.0', below: '11.0.0' }, hooks: ['pool'] },
      ],
    },
    sees: 'pools of piscina and workerpool that are never ended; their threads and processes are theirs',
  },
  {
    name: 'kafkajs',
    attaches: false,
    natures: ['client'],
    of: {
      packages: [
        {
          ...{ name: 'kafkajs', from: '1.12.0', below: '3.0.0' },
          hooks: ['Kafka.prototype.producer', 'Kafka.prototype.consumer', 'Kafka.prototype.admin'],
        },
      ],
    },
    sees: 'producers, consumers and admins, from connect to disconnect',
  },
  {
    name: 'amqplib',
    natures: ['client', 'channel', 'consumer'],
    of: {
      packages: [
        { ...{ name: 'amqplib', from: '0.8.0', below: '3.0.0' }, hooks: ['connect'] },
        { ...{ name: 'amqplib', entry: 'callback_api.js', from: '0.8.0', below: '3.0.0' }, hooks: ['connect'] },
      ],
    },
    sees: 'connections, the channels on them, and consumers: by promises and by callbacks',
  },
  {
    name: 'grpc',
    natures: ['client', 'call'],
    of: {
      packages: [
        {
          ...{ name: '@grpc/grpc-js', from: '1.0.0', below: '2.0.0' },
          hooks: [
            'Channel.prototype.createCall',
            'Channel.prototype.close',
            'Client.prototype.makeServerStreamRequest',
          ],
        },
      ],
    },
    sees: 'channels, one of each client, from their first use to close; streaming calls that are neither read to their end nor cancelled',
  },
  {
    name: 'undici',
    natures: ['HTTP client'],
    of: {
      packages: [
        {
          ...{ name: 'undici', from: '5.0.0', below: '9.0.0' },
          hooks: ['Dispatcher', 'Client.prototype.dispatch', 'Pool', 'Agent'],
        },
      ],
    },
    sees: 'clients, pools and agents that are made per request or job and never closed, while they have connections',
  },
  {
    name: 'mongodb',
    natures: ['client', 'session', 'cursor'],
    of: {
      packages: [
        {
          ...{ name: 'mongodb', from: '4.17.0', below: '8.0.0' },
          hooks: [
            'MongoClient.prototype.connect',
            'MongoClient.prototype.startSession',
            'ClientSession.prototype.endSession',
            'AbstractCursor.prototype.close',
          ],
        },
      ],
    },
    sees: 'clients, sessions that the service starts, cursors that are neither exhausted nor closed',
  },
  {
    name: 'better-sqlite3',
    attaches: false,
    natures: ['database', 'row iterator', 'begun transaction'],
    of: {
      packages: [
        {
          ...{ name: 'better-sqlite3', from: '8.0.0', below: '14.0.0' },
          hooks: ['prototype.prepare', 'prototype.exec', 'prototype.close'],
        },
      ],
    },
    sees: 'databases that are never closed, iterators of statements that are abandoned, transactions that exec begins',
  },
  {
    name: 'node-sqlite',
    attaches: false,
    natures: ['database', 'row iterator', 'begun transaction'],
    of: { builtin: 'node:sqlite' },
    sees: 'databases that are never closed, at the line that made or first used them; iterators of statements that are abandoned, transactions that exec begins',
  },
  {
    name: 'lease',
    natures: ['lease', 'pool'],
    of: { channels: ['outlive:lease'] },
    sees: 'leases and time-outs of any pool that publishes them: outlive/lease',
  },
  {
    name: 'timers',
    natures: ['interval', 'timeout', 'repeating timeout', 'repeating sleep', 'time-out', 'timer of a client'],
    of: { builtin: 'node:timers' },
    sees: 'setInterval; setTimeout that is set again and again, or left to give up on what is over; what a watched library leaves of a closed client',
  },
  {
    name: 'threads',
    attaches: false,
    natures: ['thread'],
    of: { builtin: 'node:worker_threads' },
    sees: 'worker threads',
  },
  {
    name: 'ports',
    attaches: false,
    natures: ['port'],
    of: { builtin: 'node:worker_threads' },
    sees: 'message channels, broadcast channels',
  },
  {
    name: 'child-processes',
    attaches: false,
    natures: ['child', 'grandchild'],
    of: { builtin: 'node:child_process' },
    sees: 'child processes: spawn, exec, execFile, fork; on Linux also what they leave running',
  },
  {
    name: 'watchers',
    attaches: false,
    natures: ['watcher'],
    of: { builtin: 'node:fs' },
    sees: 'fs.watch, fs.watchFile',
  },
  {
    name: 'files',
    attaches: false,
    natures: ['file handle', 'file descriptor', 'directory', 'file stream'],
    of: { builtin: 'node:fs' },
    sees: 'fs.promises.open, fs.open, fs.openSync, directories of opendir, fs.createReadStream, fs.createWriteStream',
  },
  {
    name: 'readline',
    attaches: false,
    natures: ['line reader'],
    of: { builtin: 'node:events' },
    sees: 'interfaces of node:readline',
  },
  {
    name: 'contexts',
    attaches: false,
    natures: ['context'],
    of: { builtin: 'node:vm' },
    sees: 'vm.createContext, runInNewContext with an object of the service’s',
  },
  {
    name: 'emitters',
    attaches: false,
    natures: ['listener', 'composite signal'],
    of: { builtin: 'node:events' },
    sees: 'listeners that pile up on an emitter, an event target, an abort signal or a diagnostics channel; AbortSignal.any',
  },
  {
    name: 'sockets',
    attaches: false,
    natures: ['socket', 'web socket'],
    of: { builtin: 'node:net' },
    sees: 'sockets that the service connects: net, tls, http2, clients of WebSockets',
  },
  {
    name: 'http-agents',
    attaches: false,
    natures: ['HTTP agent'],
    of: { builtin: 'node:http' },
    sees: 'agents with keepAlive, of node:http and node:https',
  },
  {
    name: 'servers',
    attaches: false,
    natures: ['server', 'datagram socket'],
    of: { builtin: 'node:net' },
    sees: 'servers that listen: net, tls, http, https, http2; sockets of node:dgram',
  },
  {
    name: 'responses',
    attaches: false,
    natures: ['response', 'request', 'socket'],
    of: {
      channels: [
        'http.client.request.created',
        'http.client.response.finish',
        'undici:request:create',
        'undici:client:sendHeaders',
        'undici:request:headers',
        'undici:request:trailers',
        'undici:request:error',
      ],
    },
    sees: 'responses to requests of node:http, undici and fetch that nobody reads; requests of node:http that nobody ends, and sockets that leave it by an upgrade',
  },
  {
    name: 'iterators',
    attaches: false,
    natures: ['awaited interval', 'awaited watcher'],
    of: { builtin: 'node:timers/promises' },
    sees: 'loops over setInterval of node:timers/promises and watch of node:fs/promises',
  },
  {
    name: 'http',
    natures: [],
    of: { channels: ['http.server.request.start', 'http.server.response.finish'] },
    sees: 'requests to a server of the process, as scopes',
  },
  {
    name: 'listeners',
    attaches: false,
    natures: ['listener'],
    of: { builtin: 'node:events' },
    sees: 'listeners beyond the limit, of which Node itself warns',
  },
] as const satisfies readonly AdapterRow[];

export type AdapterName = (typeof ADAPTERS)[number]['name'];
