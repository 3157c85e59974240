import { cpSync, existsSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ADAPTERS } from '../../probe/adapters.ts';
import { readRun } from '../../probe/recording/reader.ts';
import type { Report } from '../../probe/recording/report.ts';
import { freshDatabase } from '../setup/database.ts';
import { sharedMariadb } from '../setup/mariadb.ts';
import { HAS_MARIADB } from '../support/mariadb.ts';
import { startOracle } from '../support/oracle.ts';
import { lineOf, NODE, placeOf, probed, ROOT, start } from '../support/probed.ts';
import { HAS_REDIS, startRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { behaviours, type Driver } from './behaviours.mjs';

// One table of behaviours for every pool adapter, on the real library: what a service sees is the same with the probe
// and without, the ledger is exactly right, and only the line that leaks is named.

const program = path.join(ROOT, 'test/pools/program.mjs');
const table = path.join(ROOT, 'test/pools/behaviours.mjs');

interface Counts {
  used: number;
  idle: number;
  pending: number;
}

interface Observed {
  /** What the service saw, by behaviour. */
  alone: Record<string, unknown[]>;
  withProbe: Record<string, unknown[]>;
  errors: [string, string];
  /** Of each behaviour's pools, what the ledger says: acquired, released. */
  ledger: Record<string, [acquired: number, released: number]>;
  /** What the pools say of themselves at the end, and what was recorded of them then. */
  own: Record<string, Counts>;
  gauges: Record<string, Counts>;
  report: Report;
}

async function observe(library: string, surroundings: Record<string, string>): Promise<Observed> {
  using folder = temporaryFolder();
  using copies = copyOf(library);
  const env = { ...surroundings, COPIES: copies.path };
  const [alone, withProbe] = await Promise.all([
    start(NODE, [program, library], { env }),
    probed(program, [library], { env, out: folder.path }),
  ]);
  const { seen, pools } = read(withProbe.stdout);
  const [recording] = readRun(folder.path).recordings;
  const ledger: Observed['ledger'] = {};
  for (const [, kind, , pool, acquired, released] of recording?.totals ?? []) {
    const [, behaviour] = pools.find(([name]) => name === pool) ?? [];
    if (kind !== 'connection' || !behaviour) continue;
    const before = ledger[behaviour] ?? [0, 0];
    ledger[behaviour] = [before[0] + acquired, before[1] + released];
  }
  const gauges: Observed['gauges'] = {};
  for (const [id, used, idle, pending] of recording?.samples.at(-1)?.pools ?? []) {
    gauges[recording?.pools.get(id)?.name ?? ''] = { used, idle, pending };
  }
  return {
    alone: read(alone.stdout).seen,
    withProbe: seen,
    errors: [alone.stderr, withProbe.stderr],
    ledger,
    own: Object.fromEntries(pools.map(([name, , counts]) => [name, counts])),
    gauges,
    report: withProbe.report,
  };
}

/** A folder with the library once more, which finds what it depends on as the first one does. */
function copyOf(library: string) {
  const folder = temporaryFolder();
  const modules = path.join(ROOT, 'node_modules');
  symlinkSync(modules, path.join(folder.path, 'node_modules'));
  const copies = { path: path.join(folder.path, 'copies'), [Symbol.dispose]: () => folder[Symbol.dispose]() };
  for (const name of [library, `${library}-pool`, `@${library}/client`]) {
    const from = path.join(modules, name);
    if (existsSync(from)) cpSync(from, path.join(copies.path, 'node_modules', name), { recursive: true });
  }
  return copies;
}

function read(stdout: string) {
  const seen: Record<string, unknown[]> = {};
  let pools: [name: string, behaviour: string, counts: Counts][] = [];
  for (const line of stdout.trim().split('\n')) {
    const [behaviour, ...values] = JSON.parse(line);
    if (behaviour === null) [pools] = values;
    else seen[behaviour] = [...(seen[behaviour] ?? []), values];
  }
  return { seen, pools };
}

interface Surroundings {
  env: Record<string, string>;
  stop(): Promise<void>;
}

/** What a library needs to run, and how that ends. Most lend whatever is made for them, and need nothing. */
const surroundings: Record<string, () => Promise<Surroundings>> = {
  pg: onPostgres,
  postgres: onPostgres,
  oracledb: startOracle,
  mysql2: onMariadb,
  mysql: onMariadb,
  mariadb: onMariadb,
  redis: startRedis,
};
const nothing: Surroundings = { env: {}, stop: async () => {} };

async function onPostgres(): Promise<Surroundings> {
  const database = await freshDatabase();
  return { env: { PG_URL: database.url }, stop: () => database.drop() };
}

async function onMariadb(): Promise<Surroundings> {
  return { ...nothing, env: { MYSQL_URL: await sharedMariadb() } };
}

/** Libraries of clients, some of which are pools. */
const WITH_POOLS = ['redis'];
/** A pool adapter is complete with its driver. */
const libraries = ADAPTERS.filter(
  ({ name, natures }) => new Set<string>(natures).has('pool') || WITH_POOLS.includes(name),
).map(({ name }) => name);
/** What is no package is the driver's own. */
const packages = ADAPTERS.filter(({ of }) => 'packages' in of).map(({ name }): string => name);
const isMissing = (library: string): boolean =>
  (surroundings[library] === onMariadb && !HAS_MARIADB) ||
  (surroundings[library] === startRedis && !HAS_REDIS) ||
  (packages.includes(library) && !existsSync(path.join(ROOT, 'node_modules', library)));
const missing = libraries.filter(isMissing);

const observations: Record<string, Observed> = {};
beforeAll(async () => {
  const left = libraries.filter((library) => !isMissing(library));
  const observeAll = async (): Promise<void> => {
    for (let library = left.shift(); library !== undefined; library = left.shift()) {
      const { env, stop } = (await surroundings[library]?.()) ?? nothing;
      try {
        observations[library] = await observe(library, env);
      } finally {
        await stop();
      }
    }
  };
  // they mostly wait, so some at once; more would have their time-outs from one another
  await Promise.all([observeAll(), observeAll(), observeAll(), observeAll()]);
}, 120_000);

if (missing.length > 0) test.skip.each(missing)('%s is not installed, or its server is not', () => {});

describe.each(libraries.filter((library) => !isMissing(library)))('%s', (library) => {
  let observed: Observed;
  let driver: Driver;
  beforeAll(async () => {
    driver = await import(`./drivers/${library}.mjs`);
    observed = observations[library]!;
  });

  test.each(Object.entries(behaviours))('%s', (name, { lent, open }) => {
    const acquired = lent(driver);
    expect(observed.withProbe[name]).toEqual(observed.alone[name]);
    expect(observed.ledger[name] ?? [0, 0]).toEqual([acquired, acquired - (open?.() ?? 0)]);
  });

  test('nothing else is seen of the probe', () => {
    expect(observed.errors).toEqual(['', '']);
    expect(observed.report.processes[0]).toMatchObject({ end: 'exit', exitCode: 0, faults: 0 });
  });

  test('the gauges are what the pools say of themselves', () => {
    expect(Object.keys(observed.gauges)).not.toEqual([]);
    for (const [name, gauges] of Object.entries(observed.gauges))
      expect([name, gauges]).toEqual([name, observed.own[name]]);
  });

  test('only the line that forgets is named', () => {
    // that acquires timed out is told, and true
    const findings = observed.report.findings.filter(({ detector }) => detector !== 'pool-exhausted');
    const found = findings.map((finding) => [placeOf(finding), finding.detector, finding.certainty]);
    const file = driver.lendsForTasks ? path.join(import.meta.dirname, `drivers/${library}.mjs`) : table;
    expect(found).toEqual([[lineOf(file, '// forgotten here'), ...(driver.finds as string[])]]);
    expect(findings[0]).toMatchObject({ count: 5, acquired: 20, released: 15 });
  });
});
