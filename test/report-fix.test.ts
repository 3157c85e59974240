import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { suggestFix, unifiedDiff } from '../probe/recording/fix.ts';
import type { Finding } from '../probe/recording/report.ts';
import { makeFinding } from './support/reports.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** A finding at the line of `code` that ends in `// here`. */
function at(code: string, changes: Partial<Finding> = {}): Finding {
  const lines = code
    .replace(/^\n/, '')
    .replace(/ *\/\/ here$/m, '')
    .split('\n');
  const index = code
    .replace(/^\n/, '')
    .split('\n')
    .findIndex((line) => line.endsWith('// here'));
  const site = { file: '/srv/orders.ts', line: 40 + index, column: 1, function: 'reserve' };
  const stack = [{ ...site, user: true }];
  return makeFinding({ site, stack, excerpt: { first: 40, lines, column: 1 }, ...changes });
}
const suggestion = (finding: Finding) =>
  suggestFix(finding)
    ?.shown.map(({ sign, text }) => `${sign}${text}`)
    .join('\n') ?? null;

describe('the suggested fix', () => {
  test('moves the release that the code has into a finally', () => {
    const code = `
async function reserve(pool, sku) {
  const client: PoolClient = await pool.connect(); // here
  const stock = await client.query(LEFT, [sku]);

  if (stock.rows[0].left < 1) throw new OutOfStock(sku);
  client.release();
  return stock;
}`;
    expect(suggestion(at(code))?.split('\n')).toEqual([
      '   const client: PoolClient = await pool.connect();',
      '+  try {',
      '     const stock = await client.query(LEFT, [sku]);',
      ' ',
      '     if (stock.rows[0].left < 1) throw new OutOfStock(sku);',
      '-  client.release();',
      '     return stock;',
      '+  } finally {',
      '+    client.release();',
      '+  }',
      ' }',
    ]);
  });

  test('gives nothing back that the line did not take itself', () => {
    const code = `
async function f() {
  const sum = await inThread(() => add(1, 2)); // here
  await store(sum);
}`;
    const worker = { nature: 'thread', kind: 'worker', library: 'Worker' } as const;
    const by = (file: string, line: number) => ({
      file,
      line,
      column: 1,
      function: 'f',
      user: !file.includes('node_modules'),
    });
    const own = by('/srv/orders.ts', 41);
    expect(suggestion(at(code, { ...worker, stack: [own] }))).toContain('+    await sum.terminate();');
    expect(suggestion(at(code, { ...worker, stack: [by('/srv/threads.ts', 9), own] }))).toBeNull();
    expect(suggestion(at(code, { ...worker, stack: [by('/srv/node_modules/tinypool/index.js', 9), own] }))).toBeNull();
  });

  test.each([
    ['generic-pool', 'const c = await this.pool.acquire();', 'await this.pool.release(c);'],
    ['oracledb', 'const c = await pool.getConnection();', 'await c.close();'],
    ['pg', 'let c = await pool.connect();', 'c.release();'],
  ])('adds what is missing altogether, as %s wants it', (library, call, release) => {
    const code = `function f() {\n\t${call} // here\n\tawait use(c);\n}`;
    expect(suggestion(at(code, { library }))).toBe(
      [` \t${call}`, '+\ttry {', ' \t\tawait use(c);', '+\t} finally {', `+\t\t${release}`, '+\t}', ' }'].join('\n'),
    );
  });

  test('as a unified diff it is taken by git apply, and its code is what is shown', () => {
    using folder = temporaryFolder();
    const lines = [
      'async function f() {',
      '  log();',
      '',
      '  const c = await pool.connect(); // here',
      '  await use(c);',
      '',
      '  c.release();',
      '}',
    ];
    const found = at(lines.join('\n'));
    const file = path.join(folder.path, 'src/orders.ts');
    mkdirSync(path.dirname(file));
    writeFileSync(file, [...Array(39).fill('//'), ...lines, ''].join('\n').replace(' // here', ''));
    const diff = unifiedDiff({ ...found, site: { ...found.site!, file } }, folder.path)!;
    expect(diff).toMatch(/^--- a\/src\/orders\.ts\n\+\+\+ b\/src\/orders\.ts\n@@ -41,7 \+41,10 @@\n/);
    execFileSync('git', ['apply', '-'], { cwd: folder.path, input: diff });
    expect(readFileSync(file, 'utf8').split('\n').slice(42)).toEqual(
      '  const c = await pool.connect();|  try {|    await use(c);||  } finally {|    c.release();|  }|}|'.split('|'),
    );
  });

  test('there is none from code that is not shown as it is: a masked secret, a line that was cut', () => {
    const code = (line: string) => `function f() {\n  const c = await pool.connect(); // here\n  ${line}\n}`;
    expect(suggestion(at(code("await use(c, { password: '***' });")))).toBe(null);
    expect(suggestion(at(code('await use(c, …')))).toBe(null);
  });

  test('clears a timer with the function that belongs to it', () => {
    const code = 'function f() {\n  const beat = setInterval(ping, 10); // here\n  await work();\n}';
    expect(suggestion(at(code, { kind: 'timer', nature: 'interval', library: 'setInterval' }))).toContain(
      '+    clearInterval(beat);',
    );
  });

  test('leaves out what is far from both ends, but no line that it removes', () => {
    const work = Array.from({ length: 12 }, (_, i) => `  await step(client, ${i});`);
    work.splice(6, 0, '  client.release();');
    const text = suggestion(at(`{\n  const client = await pool.connect(); // here\n${work.join('\n')}\n}`))!;
    expect(text.split('\n')).toHaveLength(16);
    expect(text).toContain('-  client.release();');
    expect(text).toContain('…');
  });

  test.each([
    ['it is returned', 'const c = await pool.connect(); // here\n  await c.query(A);\n  return c;'],
    ['it is returned in an object', 'const c = await pool.connect(); // here\n  return { c };'],
    ['it is kept', 'const c = await pool.connect(); // here\n  this.client = c;'],
    ['it is collected', 'const c = await pool.connect(); // here\n  all.push(c);'],
    ['its use outlives the function', 'const c = await pool.connect(); // here\n  return c.query(A);'],
    ['there is a finally already', 'const c = await pool.connect(); // here\n  try { a(); } finally { c.release(); }'],
    ['it is released in an expression', 'const c = await pool.connect(); // here\n  if (a) c.release();'],
    ['the call goes on over lines', 'const c = await pool.connect({ // here\n    a,\n  });'],
    ['it has no name', 'await pool.connect().then(use); // here\n  a();'],
    ['it has several names', 'const { c } = await connect(pool); // here\n  a();'],
  ])('there is none when %s', (_, body) => {
    expect(suggestion(at(`async function f() {\n  ${body}\n}`))).toBe(null);
  });

  test('there is none where the block does not end in sight, or the line is a dependency’s', () => {
    const code = '  const c = await pool.connect(); // here\n  await c.query(A);';
    expect(suggestion(at(code))).toBe(null);
    expect(suggestion(at(`${code}\n}`))).not.toBe(null);
    expect(suggestion(at(`${code}\n}`, { origin: 'library' }))).toBe(null);
  });
});
