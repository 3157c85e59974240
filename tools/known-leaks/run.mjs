// Leaks that were published with versions of libraries: found at the user's line (or the library's, where
// nothing leads to the user's) with the version that leaks, nothing with
// the one that mended it. `npm run test:known-leaks`, or some of them: `npm run test:known-leaks -- typeorm-cache`; needs
// mariadb-server and redis-server.
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { startMariadb } from '../../test/support/mariadb.ts';
import { startRedis } from '../../test/support/redis.ts';
import { install, placeOf, placesIn, reportOf } from '../planted.mjs';

const home = fileURLToPath(new URL('.', import.meta.url));
/**
 * A program, the library with the version that leaks and the one that does not; the line, where it is not the user's; and
 * whether the upgrade is advised: false where others leak through the same code.
 */
const CASES = [
  ['mysql2-query-fails', 'mysql2', '1.3.2', '1.3.6'],
  ['mysql2-execute-alone', 'mysql2', '1.1.1', '1.3.6'],
  ['typeorm-initialize', 'typeorm', '0.3.3', '0.3.4'],
  ['typeorm-cache', 'typeorm', '0.3.27', '1.1.0'],
  ['typeorm-cache-clear', 'typeorm', '1.1.0', '1.1.1'],
  ['typeorm-drop', 'typeorm', '0.2.14', '0.2.15', 'PostgresDriver.js:705', false],
  ['kysely-rollback', 'kysely', '0.29.6', '0.29.7', undefined, false],
  ['bee-queue', 'bee-queue', '1.2.3', '1.3.0'],
  ['bullmq-worker-close', 'bullmq', '1.18.2', '1.21.0'],
  ['bullmq-shared-connection', 'bullmq', '1.34.0', '1.34.2', 'redis-connection.js:23'],
  ['bullmq-close-early', 'bullmq', '5.1.9', '5.7.0'],
  ['bull-close', 'bull', '3.22.10', '3.22.11'],
  ['bullmq-stalled', 'bullmq', '2.1.2', '2.1.3'],
  ['ioredis-quit', 'ioredis', '4.19.0', '4.19.4'],
  ['ioredis-reconnect', 'ioredis', '4.19.2', '4.19.4'],
  ['ioredis-command', 'ioredis', '4.27.0', '4.27.1'],
  ['ioredis-fails', 'ioredis', '4.28.3', '4.28.4'],
  ['got-connect', 'got', '8.2.0', '8.3.0', 'index.js:231'],
  ['mqtt-drain', 'mqtt', '4.3.4', '4.3.5'],
  ['nodemailer', 'nodemailer', '9.1.1', '10.0.0', 'index.js:850'],
  ['openai', 'openai', '7.4.0', '7.5.0'],
  ['p-map', 'p-map', '7.0.2', '7.0.3'],
  ['p-queue', 'p-queue', '9.0.0', '9.0.1'],
  ['p-retry', 'p-retry', '5.1.2', '6.2.1'],
  ['p-timeout-aborted', 'p-timeout', '6.1.1', '6.1.3'],
  ['promise-timeout', 'promise-timeout', '1.0.0', '1.3.0'],
  ['redis-ping', '@redis/client', '1.5.8', '1.5.9'],
  // listeners of "data" and of "end"
  ['winston-zipped', 'winston', '3.11.0', '3.13.0', 'file.js:590,file.js:590'],
  ['y-websocket', 'y-websocket', '1.3.3', '1.3.6'],
  ['zx', 'zx', '8.1.5', '8.1.9', 'vendor-core.cjs:407'],
  ['throttler-storage', 'nestjs-throttler-storage-redis', '0.1.15', '0.1.18'],
  ['throttler-storage', 'nestjs-throttler-storage-redis', '0.3.0', '0.3.3'],
];
/** What programs load beside. */
const BESIDE = { 'reflect-metadata': 'reflect-metadata', ioredis: 'ioredis', pg: 'pg', redis: 'redis', ws: 'ws' };

install(home);
const mariadb = await startMariadb();
const { hostname: host, port, username: user } = new URL(mariadb.url);
const [redis, postgres] = [await startRedis(), await startPostgres({ fsync: false })];
const env = {
  ...redis.env,
  PG_URL: postgres.url,
  MYSQL_OPTIONS: JSON.stringify({ host, port: Number(port), user, database: 'test' }),
  OUTLIVE_GRACE_MS: '200',
};
let failed = 0;
const named = process.argv.slice(2);
try {
  for (const [program, library, broken, fixed, line, isTold = true] of CASES) {
    if (named.length > 0 && !named.includes(program)) continue;
    const reports = [broken, fixed].map((version) =>
      reportOf(home, program, { modules: { ...BESIDE, [library]: `${library}-${version}` }, env }),
    );
    const [leaking, mended] = await Promise.all(reports);
    const [found, silent] = [leaking, mended].map(placesIn);
    const isKnown = leaking.findings.every(({ maker, known }) =>
      isTold ? maker?.name === library && known !== undefined : known === undefined,
    );
    const isRight = found === (line ?? placeOf(home, program, '// leaks here')) && silent === '' && isKnown;
    if (!isRight) failed++;
    const upgrade = leaking.findings.map(({ known }) => `upgrade to ${known?.mended ?? '?'}`).join();
    const told = `${library} ${broken} ${found || 'nothing'}, ${upgrade}; ${fixed} ${silent || 'nothing'}`;
    console.log(`${isRight ? 'right' : 'WRONG'}  ${program}: ${told}`);
  }
} finally {
  for (const server of [redis, mariadb, postgres]) await server.stop();
}
process.exit(failed > 0 ? 1 : 0);
