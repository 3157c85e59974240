/** `outlive candidates`: which path of a function loses what it acquired, and which do not. */
import { expect, test } from 'vitest';
import { candidatesIn } from '../candidates/find.ts';
import { loadParser } from '../candidates/parse.ts';
import { CLI, NODE, start } from './support/probed.ts';
import { project } from './support/project.ts';

const parse = await loadParser();
const found = (text: string) => candidatesIn(parse('orders.ts', text), text);
const pathsOf = (text: string) => found(text).flatMap(({ paths }) => paths);
/** Of a function whose second line acquires `client`; `lines` follow from the third on. */
const pathsAfter = (...lines: string[]) =>
  pathsOf(['async function order(id) {', 'const client = await pool.connect();', ...lines, '}'].join('\n'));

const LOST: [what: string, lines: string[], paths: string[]][] = [
  ['a call throws', ['await client.query(id);', 'client.release();'], ['line 3 may throw before line 4 releases it']],
  [
    'an early return',
    ['try { await client.query(id); } catch { return null; }', 'client.release();'],
    ['line 3 may throw, and then line 3 returns without a release'],
  ],
  [
    'a return, told before what must go wrong first',
    ['await client.query(id);', 'if (!id) return null;', 'client.release();'],
    ['line 4 returns before line 5 releases it', 'line 3 may throw before line 5 releases it'],
  ],
  [
    'a throw of its own',
    ['if (!id) throw new Error();', 'client.release();'],
    ['line 3 throws before line 4 releases it'],
  ],
  ['a condition', ['if (id) client.release();'], ['the function ends on line 4 without a release']],
  ['no release at all', ['client.on("error", log);'], ['nothing in this function releases it']],
  [
    'a finally whose first call throws',
    ['try {', 'id++;', '} finally {', 'await client.query("rollback");', 'client.release();', '}'],
    ['line 6 may throw before line 7 releases it'],
  ],
  [
    'a catch that goes on',
    ['try {', 'await client.query(id);', 'client.release();', '} catch (error) {', 'console.error(error);', '}'],
    ['line 4 may throw, and then the function ends on line 9 without a release'],
  ],
  [
    'one way of a switch',
    ['switch (id) {', 'case 1: client.release(); break;', 'case 2: break;', '}'],
    ['the function ends on line 7 without a release'],
  ],
  [
    'a callback that returns early',
    ['client.query(id, (error) => {', 'if (error) return;', 'client.release();', '});'],
    ['line 4 returns before line 5 releases it'],
  ],
  [
    'a set-up that fails',
    ['await client.query("set role");', 'return client;'],
    ['line 3 may throw before it is handed on'],
  ],
];

test.each(LOST)('lost: %s', (_what, lines, paths) => {
  expect(pathsAfter(...lines)).toEqual(paths);
});

const KEPT: [what: string, lines: string[]][] = [
  ['a finally', ['try { await client.query(id); return 1; } finally { client.release(); }']],
  ['a finally that asks for it', ['try { await client.query(id); } finally { client?.release(); }']],
  [
    'a catch and the way on',
    ['try { await work(client); } catch (e) { client.release(e); throw e; }', 'client.release();'],
  ],
  ['it is returned', ['return client;']],
  ['it is returned in an object', ['return { client, id };']],
  ['a release is returned', ['return () => client.release();']],
  ['it is kept elsewhere', ['this.client = client;']],
  ['it is kept in a list', ['clients.push(client);']],
  ['a promise that settles', ['return work(client, id).finally(() => client.release());']],
  ['a function of its own', ['const end = () => client.release();', 'try { await work(id); } finally { end(); }']],
  [
    'a function that calls one that releases it',
    ['const end = () => client.release();', 'const fail = () => { end(); };', 'try { work(id); } finally { fail(); }'],
  ],
  [
    'a flag says it is released',
    ['let gone = false;', 'try { await work(id); } finally { if (!gone) client.release(); }'],
  ],
  ['an event releases it', ['response.on("close", () => client.release());', 'await work(client);']],
  ['nothing between can throw', ['console.log(id);', 'client.release();']],
  ['the process ends', ['if (id) return client.release();', 'process.exit(1);']],
];

test.each(KEPT)('not lost: %s', (_what, lines) => {
  expect(pathsAfter(...lines)).toEqual([]);
});

test('a name that is given in the try is followed, and known to be empty before', () => {
  const taken = 'let c; try { c = await pool.connect(); await c.query(); } finally {';
  expect(pathsOf(`async () => { ${taken} if (c) c.release(); } }`)).toEqual([]);
  expect(pathsOf(`async () => { ${taken} console.log(c); } }`)).toEqual(['nothing in this function releases it']);
});

test('a loop: a round that ends without a release loses it, a break carries it on', () => {
  const rounds = (body: string) => pathsOf(`async () => {\nfor (const id of ids) {\n${body}\n}\n}`);
  const take = 'const c = await pool.connect();';
  expect(rounds(`${take}\nif (!id) continue;\nc.release();`)).toEqual([
    'line 4 begins the next round before line 5 releases it',
  ]);
  expect(rounds(`${take}\nc.release();`)).toEqual([]);
  expect(rounds(`${take}\nif (!id) break;\nc.release();`)).toEqual(['the function ends on line 7 without a release']);
});

const ACQUIRED: [call: string, release: string, what: string][] = [
  ['await pool.connect()', 'it.release()', 'a client of a pg pool'],
  ['await db.getConnection()', 'await it.close()', 'a connection'],
  ['await connectionPool.acquire()', 'await connectionPool.release(it)', 'a resource of a pool'],
  ['await knex.transaction()', 'await it.commit()', 'a transaction'],
  ['await fs.promises.open(file)', 'await it.close()', 'a file handle'],
  ['await open(file)', 'await it.close()', 'a file handle'],
  ['await files.open(file)', 'await it.close()', 'a file handle'],
  ['setInterval(look, 100)', 'clearInterval(it)', 'an interval'],
];

test.each(ACQUIRED)('%s is released by %s', (call, release, what) => {
  const between = (inside: string) =>
    found(
      `import { promises as files } from 'fs'; import { open } from 'node:fs/promises';\nasync function f() {\nconst it = ${call};\n${inside}\n}`,
    );
  expect(between(`await work();\n${release};`)).toEqual([
    { line: 3, what, paths: ['line 4 may throw before line 5 releases it'] },
  ]);
  expect(between(`try { await work(); } finally { ${release}; }`)).toEqual([]);
});

test('what only looks like it is none: a single client, a function that is told when to end, an iterator', () => {
  expect(found('async () => { const c = await client.connect(); await work(); }')).toEqual([]);
  expect(found('async () => { const t = await knex.transaction((trx) => trx.commit()); await work(); }')).toEqual([]);
  expect(found('async () => { const f = await open(file); await work(); }')).toEqual([]);
  expect(found('import { setInterval } from "timers/promises"; const f = () => { setInterval(1); }')).toEqual([]);
  expect(found('async () => { await using c = await pool.acquire(); await work(); }')).toEqual([]);
  // once per process
  expect(found('setInterval(look, 100); (() => { setInterval(look, 100); })();')).toEqual([]);
});

test('an interval that clears itself ends by itself', () => {
  const check = '() => { if (isReady()) clearInterval(timer); }';
  expect(pathsOf(`() => { const timer = setInterval(${check}, 10); work(); }`)).toEqual([]);
  expect(pathsOf(`() => { let timer; const check = ${check}; timer = setInterval(check, 10); work(); }`)).toEqual([]);
});

test('what nothing keeps is lost; what another place keeps is, when nothing in the file releases it', () => {
  const lost = ['nothing keeps it, so nothing can release it'];
  expect(pathsOf('async () => { await pool.connect(); }')).toEqual(lost);
  expect(pathsOf('() => { setInterval(look, 100).unref(); }')).toEqual(lost);
  expect(pathsOf('async () => (await pool.connect()).release()')).toEqual([]);
  const start = 'start() { this.timer = setInterval(look, 100); }';
  expect(pathsOf(`class A { ${start} }`)).toEqual(['it is kept as timer, and nothing in this file releases it']);
  expect(pathsOf(`class A { ${start} stop() { clearInterval(this.timer); } }`)).toEqual([]);
});

test('by promise and by callback, whose error says that there is nothing to release', () => {
  expect(pathsOf('() => pool.connect().then((c) => {\nc.query();\nc.release(); })')).toEqual([
    'line 2 may throw before line 3 releases it',
  ]);
  const asked = (inside: string) => pathsOf(`() => pool.connect((err, c, done) => {\n${inside}\n})`);
  expect(asked('if (err) return next(err);\ndone();')).toEqual([]);
  expect(asked('if (err) return next(err);\nif (!c.ok) return;\ndone();')).toEqual([
    'line 3 returns before line 4 releases it',
  ]);
});

test('a function of the file that releases what it is given does', () => {
  const give = 'const give = (c) => pool.release(c);\n';
  expect(pathsOf(`${give}async () => {\nconst c = await pool.acquire();\nawait work();\ngive(c);\n}`)).toEqual([
    'line 4 may throw before line 5 releases it',
  ]);
});

const LEAKY = `exports.order = async (pool) => {
  const client = await pool.connect();
  const rows = await client.query('select 1');
  client.release();
  return rows;
};
`;
const outlive = (cwd: string, ...args: string[]) => start(NODE, [CLI, 'candidates', ...args], { cwd });

test('the command lists them by line, for people and machines, and what it could not read', async () => {
  using shop = project({
    'src/orders.js': LEAKY,
    'src/broken.ts': 'const pool = ; pool.connect()',
    'node_modules/driver/index.js': LEAKY,
  });
  const said = await outlive(shop.path);
  expect(said.stdout).toBe(
    'src/orders.js:2  a client of a pg pool: line 3 may throw before line 4 releases it\n' +
      '1 candidate, 2 files read. A candidate is no finding: outlive candidates --confirm takes such paths.\n',
  );
  expect(said.stderr).toMatch(/^outlive: src\/broken\.ts was not read: .+\n$/);
  expect(said.code).toBe(0);
  const strict = await outlive(shop.path, 'src/orders.js', '--strict', '--json');
  expect(strict.code).toBe(1);
  expect(JSON.parse(strict.stdout)).toEqual([{ file: 'src/orders.js', ...found(LEAKY)[0] }]);
});

test('a folder that is not there, and one without sources, are told in a sentence', async () => {
  using shop = project({ 'data/orders.csv': '' });
  const nowhere = await outlive(shop.path, 'src');
  expect([nowhere.code, nowhere.stderr]).toEqual([2, 'outlive: There is no folder src.\n']);
  const empty = await outlive(shop.path, 'data');
  expect(empty.stderr).toBe('outlive: There are no JavaScript or TypeScript sources in data.\n');
  expect(empty.code).toBe(2);
  const table = await outlive(shop.path, 'data/orders.csv');
  expect(table.stderr).toContain('outlive: data/orders.csv is not a source of JavaScript or TypeScript (.js,');
  expect(table.code).toBe(2);
});
