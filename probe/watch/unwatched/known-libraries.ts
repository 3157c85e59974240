/**
 * Packages that hold resources, whether or not an adapter watches them: pure data. One that only uses another's (knex,
 * typeorm, mssql) is not among them: that other is what is loaded too.
 *
 * False positives: a package that is loaded and never opens anything.
 * False negatives: packages that are not in the table; those connect to a server, and are told by that: see connects.ts.
 */

/** What they hold, and their names with a space between them. */
const HOLDERS = {
  'connections to databases':
    'pg-native @neondatabase/serverless postgres mysql mysql2 mariadb tedious msnodesqlv8 oracledb ibm_db ' +
    'ioredis redis @redis/client mongodb cassandra-driver neo4j-driver couchbase aerospike snowflake-sdk @prisma/client',
  'open database files': 'better-sqlite3 sqlite3 libsql duckdb @duckdb/node-api classic-level rocksdb lmdb',
  'what its pools lend': 'generic-pool tarn sequelize-pool lightning-pool pg-pool',
  'connections to brokers':
    'kafkajs node-rdkafka @confluentinc/kafka-javascript amqplib rhea mqtt nats @nats-io/nats-core bullmq bull stompit zeromq',
  'connections and sockets':
    'undici @grpc/grpc-js ssh2 basic-ftp imapflow ldapjs ldapts memjs memcached nodemailer agentkeepalive',
  'worker threads and processes': 'piscina tinypool workerpool jest-worker threads poolifier node-worker-threads-pool',
  'browsers and their pages': 'puppeteer puppeteer-core playwright playwright-core',
};

const FOR_THEMSELVES = ['connections to databases', 'what its pools lend', 'connections to brokers'] as const;

/** What each package holds, by name. */
export function knownLibraries(): Map<string, string> {
  const known = new Map<string, string>();
  for (const [holds, names] of Object.entries(HOLDERS)) for (const name of names.split(' ')) known.set(name, holds);
  return known;
}

/** Of these, one that keeps connections for its own use: how many there are is its affair. */
export function isPoolLibrary(name: string): boolean {
  poolLibraries ??= namesIn(...FOR_THEMSELVES.map((holds) => HOLDERS[holds]), 'undici memjs memcached agentkeepalive');
  return poolLibraries.has(name);
}
let poolLibraries: ReadonlySet<string> | undefined;

/** Of these, one that lends what a factory of the service makes for it. */
export function isLender(name: string): boolean {
  lenders ??= namesIn(HOLDERS['what its pools lend']);
  return lenders.has(name);
}
let lenders: ReadonlySet<string> | undefined;

function namesIn(...names: string[]): Set<string> {
  return new Set(names.join(' ').split(' '));
}
