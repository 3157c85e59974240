// Libraries' own tests, which their packages bring: what passes without the probe passes with it, while it asks every
// half second who can still reach what is lent. `npm run test:own-suites`, or `-- --node PATH` on another Node.js;
// `-- --only amqplib`.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { HAS_RABBITMQ, startRabbitMq } from '../../test/support/rabbitmq.ts';
import { HAS_REDIS, startRedis } from '../../test/support/redis.ts';
import { install } from '../planted.mjs';

const home = fileURLToPath(new URL('.', import.meta.url));
const register = fileURLToPath(new URL('../../dist/probe/register.js', import.meta.url));
const { values } = parseArgs({
  options: { node: { type: 'string', default: process.execPath }, only: { type: 'string' } },
});
/** Many of them measure tens of milliseconds: what passes once can pass. */
const TRIES = 4;
const LIMIT_MS = 120_000;
const MOCHA = ['../mocha/bin/mocha.js', '--no-config', '--reporter', 'tap', '--exit', '--timeout', '15000'];
const endsWith = (end) => (name) => name.endsWith(end);
/** `on`: the server that a suite needs. */
const SUITES = [
  { library: 'generic-pool', isTest: endsWith('-test.js'), args: [] },
  // started by another one of them
  {
    library: 'pg-pool',
    isTest: (name) => name.endsWith('.js') && !['setup.js', 'idle-timeout-exit.js'].includes(name),
    args: [...MOCHA, '--require', './test/setup.js'],
    on: 'postgres',
  },
  { library: 'pg-cursor', isTest: endsWith('.js'), args: MOCHA, on: 'postgres' },
  { library: 'amqplib', isTest: endsWith('.js'), args: [...MOCHA, '--ui', 'tdd'], on: 'rabbitmq' },
  {
    library: 'bullmq',
    folder: 'dist/test',
    isTest: endsWith('.js'),
    args: [...MOCHA, '--require', '../../bullmq-tests.cjs'],
    on: 'redis',
  },
  {
    library: 'piscina',
    isTest: endsWith('.test.ts'),
    args: ['--require', '../tsx/dist/cjs/index.cjs', '--test-reporter', 'tap'],
  },
];
const PROVING = { OUTLIVE_MODE: 'soak', OUTLIVE_PROOF: 'on', OUTLIVE_GRACE_MS: '1' };

install(home);
/** Where the tests of each server find it. */
const STARTED = {
  async postgres() {
    const { url, stop } = await startPostgres({ fsync: false });
    const { username, password, hostname, port, pathname } = new URL(url);
    const where = { PGUSER: username, PGPASSWORD: decodeURIComponent(password), PGHOST: hostname, PGPORT: port };
    return { env: { ...where, PGDATABASE: pathname.slice(1) }, stop };
  },
  redis: startRedis,
  async rabbitmq() {
    const { env, stop } = await startRabbitMq();
    return { env: { URL: env.AMQP_URL }, stop };
  },
};
const HAS = { redis: HAS_REDIS, rabbitmq: HAS_RABBITMQ };
const nothing = { env: {}, stop: async () => {} };

/** Titles of the tests that pass, as TAP tells them. */
function passing(cwd, args, env) {
  const options = { cwd, env: { ...process.env, ...env }, timeout: LIMIT_MS, maxBuffer: 1e8 };
  return new Promise((resolve) => {
    execFile(values.node, args, options, (_, stdout) => {
      const titles = stdout.matchAll(/^ok \d+ (?:- )?(.*?)(?: # time.*)?$/gm);
      resolve([...titles].map(([, title]) => title));
    });
  });
}

/** Both ways, again where one passes what the other does not. */
async function compare(cwd, args, server) {
  const [bare, proven] = [new Set(), new Set()];
  for (let tries = 0; tries < TRIES; tries++) {
    const out = mkdtempSync(path.join(tmpdir(), 'outlive-own-suites-'));
    try {
      for (const title of await passing(cwd, args, server)) bare.add(title);
      const env = { ...server, ...PROVING, OUTLIVE_OUT: out };
      for (const title of await passing(cwd, ['--require', register, ...args], env)) proven.add(title);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
    if (bare.symmetricDifference(proven).size === 0) break;
  }
  return { count: bare.size, lost: [...bare.difference(proven)] };
}

/** Whether all that passes without the probe passes with it. */
async function judge({ library, folder = 'test', isTest, args }, server) {
  const cwd = path.join(home, 'node_modules', library);
  const names = readdirSync(path.join(cwd, folder)).filter(isTest);
  let [all, gone] = [0, 0];
  for (const name of names) {
    const { count, lost } = await compare(cwd, [...args, `${folder}/${name}`], server);
    all += count;
    gone += lost.length;
    for (const title of lost) console.log(`LOST   ${library} ${name}: ${title}`);
  }
  console.log(
    `${library}: of ${all} tests of ${names.length} files that pass, ${all - gone} do while the proof is forced`,
  );
  return all > 0 && gone === 0;
}

let failed = 0;
for (const suite of SUITES) {
  const { library, on } = suite;
  if (values.only && values.only !== library) continue;
  if (HAS[on] === false) {
    console.log(`${library}: SKIPPED, there is no ${on} here`);
    continue;
  }
  const { env, stop } = on ? await STARTED[on]() : nothing;
  try {
    if (!(await judge(suite, env))) failed++;
  } finally {
    await stop();
  }
}
process.exit(failed > 0 ? 1 : 0);
