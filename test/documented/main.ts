/**
 * What libraries' documentation says that they do, done on real servers: each outcome is the same with the probe, while
 * it asks every half second who can still reach what is open. For libraries whose packages bring no tests of their own:
 * `npm run test:documented`, or some of them: `npm run test:documented -- mysql2`.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { startMariadb } from '../support/mariadb.ts';
import { HAS_RABBITMQ, startRabbitMq } from '../support/rabbitmq.ts';
import { startRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Server {
  env: Record<string, string>;
  stop(): Promise<void>;
}

const require = createRequire(import.meta.url);
const TOOLS = path.join(import.meta.dirname, '../../tools');
const nothing: Server = { env: {}, stop: async () => {} };
const SERVERS = {
  async mariadb(): Promise<Server> {
    const { url, stop } = await startMariadb();
    return { env: { MYSQL_URL: url }, stop };
  },
  async postgres(): Promise<Server> {
    const { url, stop } = await startPostgres({ fsync: false });
    return { env: { PG_URL: url }, stop };
  },
  redis: startRedis as () => Promise<Server>,
  rabbitmq: startRabbitMq as () => Promise<Server>,
  /** Its driver is no dependency of ours; the program starts a stand-in for the server by itself. */
  async mongodb(): Promise<Server> {
    require(`${TOOLS}/planted.mjs`).install(path.join(TOOLS, 'mongodb'));
    return nothing;
  },
};

const LIBRARIES: readonly (readonly [library: string, on?: keyof typeof SERVERS])[] = [
  ['mysql2', 'mariadb'],
  ['mysql', 'mariadb'],
  ['mariadb', 'mariadb'],
  ['knex', 'mariadb'],
  ['postgres', 'postgres'],
  ['ioredis', 'redis'],
  ['redis', 'redis'],
  ['amqplib', 'rabbitmq'],
  ['sequelize-pool'],
  ['tarn'],
  ['better-sqlite3'],
  ['undici'],
  ['kafkajs'],
  ['mongodb', 'mongodb'],
];
const register = path.join(import.meta.dirname, '../../dist/probe/register.js');
const PROVING = { OUTLIVE_MODE: 'soak', OUTLIVE_PROOF: 'on', OUTLIVE_GRACE_MS: '1' };
const LIMIT_MS = 120_000;

interface Outcomes {
  /** By title. */
  lines: Map<string, string>;
  failure: string | null;
}

function outcomes(library: string, args: string[], env: Record<string, string>): Promise<Outcomes> {
  const program = path.join(import.meta.dirname, 'program.mjs');
  const options = { env: { ...process.env, ...env }, timeout: LIMIT_MS };
  return new Promise((resolve) => {
    execFile(process.execPath, [...args, program, library], options, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line.startsWith('['));
      const byTitle = new Map(lines.map((line) => [String(JSON.parse(line)[0]), line]));
      resolve({ lines: byTitle, failure: error ? stderr : null });
    });
  });
}

/** How many of a library's outcomes are the same; none, where they are not all. */
async function compare(library: string, env: Record<string, string>): Promise<number> {
  using out = temporaryFolder();
  const bare = await outcomes(library, [], env);
  const proven = await outcomes(library, ['--require', register], { ...env, ...PROVING, OUTLIVE_OUT: out.path });
  const titles = [...new Set([...bare.lines.keys(), ...proven.lines.keys()])];
  const other = titles.filter((title) => bare.lines.get(title) !== proven.lines.get(title));
  for (const title of other) {
    console.log(`OTHER  ${library}: ${bare.lines.get(title) ?? 'nothing'}`);
    console.log(`       ${proven.lines.get(title) ?? 'nothing'}`);
  }
  const failures = [bare.failure, proven.failure].filter((failure) => failure !== null);
  for (const failure of failures) console.log(`FAILED ${library}: ${failure}`);
  const isSame = other.length === 0 && failures.length === 0;
  if (isSame) console.log(`same   ${library}: ${titles.length} documented behaviours`);
  return isSame ? titles.length : 0;
}

const named = process.argv.slice(2);
const unknown = named.find((name) => !LIBRARIES.some(([library]) => library === name));
if (unknown !== undefined) {
  console.error(`There is no ${unknown}: there are ${LIBRARIES.map(([library]) => library).join(', ')}.`);
  process.exit(2);
}
let [all, isBroken] = [0, false];
for (const [library, on] of LIBRARIES) {
  if (named.length > 0 && !named.includes(library)) continue;
  if (on === 'rabbitmq' && !HAS_RABBITMQ) {
    console.log(`SKIPPED ${library}: there is no RabbitMQ here`);
    continue;
  }
  const server = on ? await SERVERS[on]() : nothing;
  try {
    const same = await compare(library, server.env);
    all += same;
    isBroken ||= same === 0;
  } finally {
    await server.stop();
  }
}
console.log(`${all} documented behaviours are the same under the probe`);
process.exit(isBroken ? 1 : 0);
