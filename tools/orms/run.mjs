// Leaks as teams make them with mappers and clients, on real servers (MongoDB's is a stand-in): found at the user's line
// under `outlive run` and `outlive soak`, with the change in that library's words, and the careful twin silent.
// `npm run test:orms`, or some of them: `npm run test:orms -- knex-transaction`; needs mariadb-server and redis-server.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { advice } from '../../dist/reports/advice.js';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { freePort } from '../../test/support/free-port.ts';
import { startMariadb } from '../../test/support/mariadb.ts';
import { startRedis } from '../../test/support/redis.ts';
import { listen } from '../mongodb/standin.cjs';
import { install, placeOf, placesIn, reportOf } from '../planted.mjs';

const home = fileURLToPath(new URL('.', import.meta.url));
const SQL = ['mysql', 'postgres'];
/** Programs, the servers that they are tried on, and what is advised. */
const PROGRAMS = [
  ['knex-transaction', SQL, 'knex.transaction(async (trx) => …)'],
  ['knex-instance', SQL, 'await knex.destroy()'],
  ['sequelize', SQL, 'sequelize.transaction(async (t) => …)'],
  ['sequelize-instance', SQL, 'await sequelize.close()'],
  ['typeorm-runner', SQL, 'await queryRunner.release()'],
  ['typeorm-source', SQL, 'await dataSource.destroy()'],
  ['mikro-orm', SQL, 'em.transactional(async (em) => …)'],
  ['mikro-orm-init', SQL, 'await orm.close()'],
  ['drizzle-database', SQL, 'await db.$client.end()'],
  ['drizzle-transaction', SQL, 'db.transaction(async (tx) => …)'],
  ['prisma-client', ['postgres'], 'await prisma.$disconnect()'],
  ['mongoose-session', ['mongodb'], 'withSession()'],
  ['mongoose-connection', ['mongodb'], 'Make one client when the program starts'],
  ['ioredis-client', ['redis'], 'Make one client when the program starts'],
  ['bull-queue', ['redis'], 'Make one queue, worker or listener for all jobs'],
];
const LIBRARIES = [
  ...['knex', 'sequelize', 'typeorm', '@mikro-orm/mysql', '@mikro-orm/postgresql', 'drizzle-orm', '@prisma/adapter-pg'],
  ...['mongoose', 'ioredis', 'bull', 'mysql2', 'pg'],
];
const modules = { ...Object.fromEntries(LIBRARIES.map((name) => [name, name])), 'prisma-client': '.prisma-client' };
const SOAK = ['--duration', '4s', '--rounds', '4', '--warmup', '0', '--rate', '12', '--connections', '2'];

install(home);
generatePrisma();
const [mysql, postgres, redis] = [await startMariadb(), await startPostgres({ fsync: false }), await startRedis()];
const mongodb = await listen(createRequire(import.meta.url)('mongoose').mongo.BSON);
const ENV = {
  mysql: { DATABASE_URL: mysql.url },
  postgres: { DATABASE_URL: postgres.url },
  redis: redis.env,
  mongodb: { MONGODB_URL: mongodb.url },
};
let failed = 0;
try {
  const named = process.argv.slice(2);
  for (const [program, servers, words] of PROGRAMS) {
    if (named.length > 0 && !named.includes(program)) continue;
    for (const server of servers) await judge('run', program, server, words);
    await judge('soak', program, servers[0], words);
  }
} finally {
  for (const server of [mysql, postgres, redis, mongodb]) await server.stop();
}
process.exit(failed > 0 ? 1 : 0);

async function judge(kind, program, server, words) {
  const reports = [['broken'], []].map(async (args) => {
    const PORT = await freePort();
    const command = kind === 'run' ? ['run'] : ['soak', ...SOAK, '--url', `http://127.0.0.1:${PORT}/`];
    const env = { ...ENV[server], ...(kind === 'soak' && { PORT: String(PORT) }) };
    return reportOf(home, program, { modules, args, env, command });
  });
  const [broken, careful] = await Promise.all(reports);
  const [found, silent] = [broken, careful].map(placesIn);
  const advised = broken.findings.map(advice).join(' ');
  const isRight = found === placeOf(home, program, '// planted') && silent === '' && careful.verdict === 'clean';
  const isAdvised = advised.includes(words);
  if (!isRight || !isAdvised) failed++;
  const told = `broken ${found || 'nothing'}, careful ${silent || careful.verdict}`;
  console.log(`${isRight ? 'right' : 'WRONG'}  ${kind} of ${program} on ${server}: ${told}`);
  if (!isRight) console.log(JSON.stringify([broken.findings, careful.findings]));
  if (!isAdvised) console.log(`WRONG  advised: ${advised}`);
}

/** The client is made of the schema; no engine is needed for it, and none fetched. */
function generatePrisma() {
  if (existsSync(path.join(home, 'node_modules/.prisma-client'))) return;
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' };
  const args = [path.join(home, 'node_modules/prisma/build/index.js'), 'generate', '--schema', 'schema.prisma'];
  const { status } = spawnSync(process.execPath, args, { cwd: home, env, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
