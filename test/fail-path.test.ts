/** `outlive soak --fail-path`: each outgoing operation fails once, and all is to come back. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OracleStandIn, startOracleStandIn } from '../oracle-standin/index.ts';
import type { Fault, FaultKind } from '../probe/control/inject/injector.ts';
import { writeTest } from '../soak/fail-path/test-file.ts';
import { addressOf, headerOf, targetsOf } from '../soak/service/targets.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { freePort } from './support/free-port.ts';
import { CLI, fixture, lineOf, NODE, placeOf, probed, ROOT, readReport, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

let database: FreshDatabase;
let oracle: OracleStandIn;
beforeAll(async () => {
  database = await freshDatabase();
  oracle = await startOracleStandIn({ database: database.url, verifierRounds: 1 });
});
afterAll(async () => {
  await oracle.stop();
  await database.drop();
});

/** A folder that has outlive and the service in it. */
function project(service: string) {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder.path, 'node_modules'));
  for (const name of ['pg', 'generic-pool']) {
    symlinkSync(path.join(ROOT, 'node_modules', name), path.join(folder.path, 'node_modules', name));
  }
  symlinkSync(ROOT, path.join(folder.path, 'node_modules/outlive'));
  writeFileSync(path.join(folder.path, 'service.mjs'), service);
  return folder;
}

test('a query whose failure keeps a connection: the recipe, and a test that is red until it is mended', async () => {
  const source = readFileSync(fixture('bookings.mjs'), 'utf8');
  using folder = project(source);
  const service = path.join(folder.path, 'service.mjs');
  const port = String(await freePort());
  const url = `http://127.0.0.1:${port}`;
  const env = { PG_URL: database.url, OUTLIVE_GRACE_MS: '50' };
  const args = ['--out', 'out', '--url', `${url}/book`, '--url', `${url}/list`, '--', 'node', 'service.mjs', port];
  const { code, stderr } = await start(NODE, [CLI, 'soak', '--fail-path', ...args], { cwd: folder.path, env });
  expect(code, stderr).toBe(1);

  const report = readReport(path.join(folder.path, 'out'));
  expect(report.findings.map(placeOf)).toEqual([lineOf(service, '// held')]);
  const [, failing] = lineOf(service, '// fails').split(service);
  const recipe = `Stays open if and only if the query at service.mjs${failing} fails: 3 of 3 times with that fault, never in 2 without.`;
  const test = `fail-path/query-at-service-mjs-${failing?.slice(1)}-in-book.test.mjs`;
  expect(report.findings[0]).toMatchObject({
    detector: 'unreachable',
    certainty: 'proven',
    // three releases in the text, of which none is the one that is missing
    recipe: { sentence: recipe, test, fix: 'No patch: its code is not plain enough for one that is sure.' },
    fix: null,
  });
  // everything else that failed, failed well
  const others = report.load?.faults.filter(({ outcome }) => outcome !== 'leaks');
  expect(others?.map(({ kind, outcome }) => [kind, outcome])).toEqual([
    ['query', 'returned'],
    ['query', 'returned'],
    ['connect', 'returned'],
  ]);

  // as it is, and after the fix, which moves the lines
  const run = () => start(NODE, ['--test', path.join('out', test)], { cwd: folder.path, env });
  const red = await run();
  expect(red.code).toBe(1);
  expect(red.stdout).toContain(
    `1 pg connection stays open, taken at service.mjs${lineOf(service, '// held').split(service)[1]}`,
  );
  writeFileSync(service, source.replace("if (how === 'fixed') ", '').replace('const server', '// moved\nconst server'));
  const green = await run();
  expect(green.code, green.stdout).toBe(0);
});

test('a patch is offered once the test went from red to green with it', async () => {
  using folder = project(`import { createServer } from 'node:http';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.PG_URL, max: 2 });
pool.on('error', () => {});

async function book() {
  const client = await pool.connect();
  await client.query('select 1');
  client.release();
}

const server = createServer((_, response) => {
  book().then(
    () => response.end('done'),
    () => response.writeHead(500).end(),
  );
});
server.listen(Number(process.argv[2]), '127.0.0.1');
`);
  const port = String(await freePort());
  const args = ['--out', 'out', '--url', `http://127.0.0.1:${port}/`, '--', 'node', 'service.mjs', port];
  const { code, stderr } = await start(NODE, [CLI, 'soak', '--fail-path', ...args], {
    cwd: folder.path,
    env: { PG_URL: database.url, OUTLIVE_GRACE_MS: '50' },
  });
  expect(code, stderr).toBe(1);
  const [finding] = readReport(path.join(folder.path, 'out')).findings;
  expect(finding?.recipe?.fix).toBe('The test that goes with it was red, and is green with this change.');
  expect(finding?.fix?.split('\n').filter((line) => /^[+-] /.test(line))).toEqual([
    ...["-  await client.query('select 1');", '-  client.release();'],
    ...['+  try {', "+    await client.query('select 1');", '+  } finally {', '+    client.release();', '+  }'],
  ]);
  expect(readFileSync(path.join(folder.path, 'service.mjs'), 'utf8')).not.toContain('finally');
}, 120_000);

test('requests to others fail as a reset connection does, by callback, promise and event; a service that dies of it is said', async () => {
  const upstream = createServer((_, response) => response.end('fine'));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port: other } = upstream.address() as { port: number };
  using folder = project(`import { createServer, get } from 'node:http';
import { createPool } from 'generic-pool';

const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 50 });
const upstream = 'http://127.0.0.1:${other}';
const server = createServer(async (request, response) => {
  const seat = await pool.acquire(); // seat
  try {
    await (await fetch(upstream)).text(); // fetched
  } catch (error) {
    console.log(error.message, error.cause.code);
    return response.end('sorry');
  }
  get(upstream, (answer) => { // asked
    answer.resume().on('end', () => {
      pool.release(seat);
      response.end('done');
    });
  }).on('error', (error) => {
    console.log(error.message, error.code);
    pool.release(seat);
    if (process.argv[3] === 'brittle') throw error;
    response.end('sorry');
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
`);
  const port = String(await freePort());
  const args = ['--out', 'out', '--url', `http://127.0.0.1:${port}/`, '--', 'node', 'service.mjs', port, 'brittle'];
  const { code, stderr } = await start(NODE, [CLI, 'soak', '--fail-path', ...args], {
    cwd: folder.path,
    env: { OUTLIVE_GRACE_MS: '50' },
  });
  upstream.close();
  expect(code, stderr).toBe(1);
  const report = readReport(path.join(folder.path, 'out'));
  const service = path.join(folder.path, 'service.mjs');
  expect(report.findings.map(placeOf)).toEqual([lineOf(service, '// seat')]);
  expect(report.findings[0]?.recipe?.sentence).toContain(
    `the request at service.mjs${lineOf(service, '// fetched').split(service)[1]} fails`,
  );
  const faults = report.load?.faults.map(({ kind, site, outcome }) => `${kind} ${site.line} ${outcome}`);
  const lineNumber = (text: string) => lineOf(service, text).split(':').at(-1);
  expect(faults).toContain(`request ${lineNumber('// fetched')} leaks`);
  expect(faults).toContain(`request ${lineNumber('// asked')} dies`);
  const log = readFileSync(path.join(folder.path, 'out/service.log'), 'utf8');
  expect(log).toContain('fetch failed ECONNRESET');
  expect(log).toContain('socket hang up ECONNRESET');
});

/** Runs one style of failures.mjs with the operation on its line failing, and gives what it said. */
async function failing(style: string, kind: FaultKind, call: string, env: Record<string, string> = {}) {
  const program = fixture('failures.mjs');
  const lines = readFileSync(program, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.endsWith(`// ${style}`));
  const at = { file: program, line: line + 1, column: (lines[line]?.indexOf(call) ?? 0) + 1, ordinal: 1 };
  const fault: Fault = { kind, ...at };
  const door = { OUTLIVE_CONTROL: 'outlive-test-nobody-listens', OUTLIVE_FAIL_PATH: JSON.stringify(fault) };
  const { stdout, stderr } = await probed(program, [style], { env: { PG_URL: database.url, ...door, ...env } });
  const [told = '', ...rest] = stdout.trimEnd().split('\n');
  expect(told, stderr).toMatch(/^\{/);
  return { told: JSON.parse(told), rest };
}

describe('it fails as the real thing does, and is told in the way that the caller asked for', () => {
  const cancelled = { name: 'error', code: '57014', message: 'canceling statement due to statement timeout' };
  test.each([
    ['promise', 'promise'],
    ['values', 'promise'],
    ['callback', 'callback'],
    ['event', 'event'],
  ])('a query: %s', async (style, how) => {
    const { told, rest } = await failing(style, 'query', 'query(');
    expect(told).toEqual({ how, ...cancelled });
    expect(rest).toEqual(['42 I']); // the connection is as good as ever
  });

  test('a query of a pool, whose client goes back', async () => {
    expect(await failing('pool', 'query', 'query(')).toEqual({
      told: { how: 'promise', ...cancelled },
      rest: ['42 1'],
    });
  });

  test('a commit: the transaction is over', async () => {
    const { told, rest } = await failing('commit', 'query', 'query(');
    expect(told).toMatchObject({ how: 'promise', code: '40001' });
    expect(rest).toEqual(['42 I']);
  });

  test('a statement of oracledb', async () => {
    const { connectString, user, password } = oracle;
    const env = { ORACLE: JSON.stringify({ connectString, user, password }) };
    const { told, rest } = await failing('oracle', 'query', 'execute(', env);
    expect(told).toMatchObject({ how: 'promise', name: 'Error', code: 'ORA-01013' });
    expect(rest).toEqual(['42']);
  });

  test('a connect', async () => {
    const { told, rest } = await failing('connect', 'connect', 'connect(');
    expect(told).toEqual({
      ...{ how: 'event', name: 'Error', code: 'ECONNREFUSED' },
      message: 'connect ECONNREFUSED 127.0.0.1:4321',
    });
    expect(rest).toEqual(['closed true true']);
  });

  test('a request and a fetch', async () => {
    const { told } = await failing('request', 'request', 'get(');
    expect(told).toEqual({ how: 'event', name: 'Error', code: 'ECONNRESET', message: 'socket hang up' });
    const fetched = await failing('fetch', 'request', 'fetch(');
    expect(fetched.told).toEqual({ how: 'promise', name: 'TypeError', message: 'fetch failed', cause: 'ECONNRESET' });
  });
});

test('a secret of the soak is not written into the test: who runs it gives it', () => {
  using folder = temporaryFolder();
  const targets = targetsOf({
    url: [addressOf('POST http://127.0.0.1:1/')],
    header: ['Authorization: Bearer hunter2', 'X-Shop: 7'].map(headerOf),
    body: '{}',
  });
  const site = { file: fixture('bookings.mjs'), line: 1, column: 1, function: 'book' };
  const point = { fault: { kind: 'query', ...site, ordinal: 1 }, site, callers: [], of: 1, atStart: false } as const;
  const file = writeTest({ command: ['node'], targets, folder: folder.path }, point);
  const written = readFileSync(file, 'utf8');
  expect(written).toContain('"authorization": process.env.OUTLIVE_SECRET_1');
  expect(written).toContain('"x-shop": "7"');
  expect(written).not.toContain('hunter2');
});
