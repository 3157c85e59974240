// Pools' own tests, which their packages bring: what passes without the probe passes with it, while it asks every half
// second who can still reach what is lent. `npm run test:own-suites`, or `-- --node PATH` on another Node.js.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { install } from '../planted.mjs';

const home = fileURLToPath(new URL('.', import.meta.url));
const register = fileURLToPath(new URL('../../dist/probe/register.js', import.meta.url));
const { values } = parseArgs({ options: { node: { type: 'string', default: process.execPath } } });
/** Many of them measure tens of milliseconds: what passes once can pass. */
const TRIES = 4;
const LIMIT_MS = 120_000;
const MOCHA = ['../mocha/bin/mocha.js', '--no-config', '--reporter', 'tap', '--exit', '--timeout', '15000'];
const SUITES = [
  { library: 'generic-pool', isTest: (name) => name.endsWith('-test.js'), args: [] },
  // started by another one of them
  {
    library: 'pg-pool',
    isTest: (name) => !['setup.js', 'idle-timeout-exit.js'].includes(name),
    args: [...MOCHA, '--require', './test/setup.js'],
  },
  { library: 'pg-cursor', isTest: () => true, args: MOCHA },
];
const PROVING = { OUTLIVE_MODE: 'soak', OUTLIVE_PROOF: 'on', OUTLIVE_GRACE_MS: '1' };

install(home);
const postgres = await startPostgres({ fsync: false });
const { username, password, hostname, port, pathname } = new URL(postgres.url);
const server = {
  ...{ PGUSER: username, PGPASSWORD: decodeURIComponent(password), PGHOST: hostname, PGPORT: port },
  PGDATABASE: pathname.slice(1),
};

/** Titles of the tests that pass, as TAP tells them. */
function passing(cwd, args, env) {
  const options = { cwd, env: { ...process.env, ...server, ...env }, timeout: LIMIT_MS, maxBuffer: 1e8 };
  return new Promise((resolve) => {
    execFile(values.node, args, options, (_, stdout) => {
      const titles = stdout.matchAll(/^ok \d+ (?:- )?(.*?)(?: # time.*)?$/gm);
      resolve([...titles].map(([, title]) => title));
    });
  });
}

/** Both ways, again where one passes what the other does not. */
async function compare(cwd, args) {
  const [bare, proven] = [new Set(), new Set()];
  for (let tries = 0; tries < TRIES; tries++) {
    const out = mkdtempSync(path.join(tmpdir(), 'outlive-own-suites-'));
    try {
      for (const title of await passing(cwd, args, {})) bare.add(title);
      const env = { ...PROVING, OUTLIVE_OUT: out };
      for (const title of await passing(cwd, ['--require', register, ...args], env)) proven.add(title);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
    if (bare.symmetricDifference(proven).size === 0) break;
  }
  return { count: bare.size, lost: [...bare.difference(proven)] };
}

let failed = 0;
try {
  for (const { library, isTest, args } of SUITES) {
    const cwd = path.join(home, 'node_modules', library);
    const names = readdirSync(path.join(cwd, 'test')).filter((name) => name.endsWith('.js') && isTest(name));
    let all = 0;
    for (const name of names) {
      const { count, lost } = await compare(cwd, [...args, `test/${name}`]);
      all += count;
      if (lost.length > 0) failed++;
      for (const title of lost) console.log(`LOST   ${library} ${name}: ${title}`);
    }
    if (all === 0) failed++;
    console.log(`${library}: ${all} tests of ${names.length} files pass without the probe`);
  }
} finally {
  await postgres.stop();
}
process.exit(failed > 0 ? 1 : 0);
