/** The servers that programs need, each known by the variable that tells where it is. */
import { createRequire } from 'node:module';
import type { AddressInfo, Server } from 'node:net';
import path from 'node:path';
import { openDatabase } from '../../pipeline/store/database.ts';
import { UserError } from '../../user-error.ts';
import { HAS_MARIADB, startMariadb } from '../support/mariadb.ts';
import { HAS_RABBITMQ, startRabbitMq } from '../support/rabbitmq.ts';
import { HAS_REDIS, startRedis } from '../support/redis.ts';

interface Started {
  url: string;
  stop(): unknown;
}

/** Of databases. */
interface Limits {
  maxConnections?: number;
}

interface Row {
  /** Debian's package, where it is not there. */
  missing: string | null;
  start(limits?: Limits): Promise<Started>;
}

const require = createRequire(import.meta.url);
const TOOLS = path.resolve(import.meta.dirname, '../../tools');

const ROWS = {
  PG_URL: { missing: null, start: (limits) => openDatabase({ fsync: false, ...limits }) },
  MYSQL_URL: { missing: HAS_MARIADB ? null : 'mariadb-server', start: startMariadb },
  REDIS_URL: {
    missing: HAS_REDIS ? null : 'redis-server',
    async start() {
      const { port, stop } = await startRedis();
      return { url: `redis://127.0.0.1:${port}`, stop };
    },
  },
  AMQP_URL: {
    missing: HAS_RABBITMQ ? null : 'rabbitmq-server',
    async start() {
      const { env, stop } = await startRabbitMq();
      return { url: env.AMQP_URL, stop };
    },
  },
  KAFKA_BROKER: {
    missing: null,
    async start() {
      const server: Server = await require('../fixtures/programs/kafka-standin.mjs').listen();
      return { url: `127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
    },
  },
  MONGODB_URL: {
    missing: null,
    start() {
      const { BSON } = require(`${TOOLS}/mongodb/node_modules/mongodb-7.9.0`);
      return require(`${TOOLS}/mongodb/standin.cjs`).listen(BSON);
    },
  },
} satisfies Record<string, Row>;
export type ServerName = keyof typeof ROWS;

export const SERVERS = Object.keys(ROWS) as ServerName[];

/** Libraries that are installed beside the tools which test their adapters. */
export function installLibraries(): void {
  for (const name of ['clients', 'mongodb']) require(`${TOOLS}/planted.mjs`).install(path.join(TOOLS, name));
}

/** Starts those that are named. Throws a `UserError` where one is not installed. */
export async function startServers(
  names: readonly ServerName[],
  limits: Limits = {},
): Promise<{ env: Record<string, string>; stop(): Promise<void> }> {
  const needed = SERVERS.filter((name) => names.includes(name));
  const missing = needed.flatMap((name) => ROWS[name].missing ?? []);
  if (missing.length > 0)
    throw new UserError(`there is no ${missing.join(', no ')}: apt-get install ${missing.join(' ')}.`);
  const started = await Promise.all(needed.map((name) => (ROWS[name] as Row).start(limits)));
  return {
    env: Object.fromEntries(needed.map((name, index) => [name, started[index]!.url])),
    async stop() {
      await Promise.all(started.map((server) => server.stop()));
    },
  };
}
