import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { mayBeCall, Sources } from '../probe/recording/source.ts';
import { mapUrlOf, mayEndInMap, readMap } from '../probe/recording/source-map.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** A file of `text` in a folder of its own. */
function fileOf(folder: string, text: string, name = 'bundle.js'): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

describe('source maps on disk', () => {
  const part = (source: string) => ({ version: 3, sources: [source], mappings: 'AAAA' });

  test('a map made of sections leads to the source of each', () => {
    using folder = temporaryFolder();
    const file = fileOf(folder.path, 'a();\nb();\n//# sourceMappingURL=[id].js.map\n');
    const sections = [
      { offset: { line: 0, column: 0 }, map: part('src/a.ts') },
      { offset: { line: 1, column: 0 }, map: part('src/b.ts') },
    ];
    fileOf(folder.path, JSON.stringify({ version: 3, sections }), '[id].js.map');
    const sources = new Sources();
    expect([1, 2].map((line) => sources.original({ file, line, column: 1 }).file)).toEqual([
      path.join(folder.path, 'src/a.ts'),
      path.join(folder.path, 'src/b.ts'),
    ]);
  });

  test('the text that a map holds stands in for a source that is not there', () => {
    using folder = temporaryFolder();
    const map = { ...part('gone.ts'), sourcesContent: ['take();\n'] };
    const url = `data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`;
    const file = fileOf(folder.path, `x();\n//# sourceMappingURL=${url}`);
    const sources = new Sources();
    expect(sources.excerpt(sources.original({ file, line: 1, column: 1 }))?.lines[0]).toBe('take();');
  });
});

describe('the map at the end of a text', () => {
  const url = 'data:application/json;base64,eyJ2ZXJzaW9uIjozfQ==';
  test.each([
    ['by itself', `a();\n//# sourceMappingURL=${url}\n`, url],
    ['inside a wrapper', `(function () {a();\n//# sourceMappingURL=${url}\n}});`, url],
    ['of the last of several', `//# sourceMappingURL=old.map\n//# sourceMappingURL=${url}`, url],
    ['in a string', `a('//# sourceMappingURL=${url}');`, null],
    ['followed by code', `//# sourceMappingURL=${url}\na();`, null],
  ])('%s', (_, text, expected) => {
    expect(mayEndInMap(text) ? mapUrlOf(text) : null).toBe(expected);
  });
});

describe('excerpts are windows', () => {
  test('of a bundle of one line: the call, and 80 characters to each side', () => {
    using folder = temporaryFolder();
    const call = 'pool.connect()';
    const text = `${'before();'.repeat(20_000)}${call}${';after()'.repeat(20_000)}`;
    const file = fileOf(folder.path, text);
    const excerpt = new Sources().excerpt({ file, line: 1, column: text.indexOf(call) + 1 })!;
    const [line = ''] = excerpt.lines;
    expect(line.length).toBeLessThanOrEqual(160);
    expect(line).toMatch(/^….*…$/);
    expect(line.slice(excerpt.column - 1)).toMatch(/^pool\.connect\(\)/);
  });

  test('lines beside the call are cut at their end, and secrets are masked before', () => {
    using folder = temporaryFolder();
    const long = `${'x'.repeat(140)} password: 'hunter2-and-more-of-it'`;
    const file = fileOf(folder.path, `take();\n${long}\ntoken = 'abc';\n`);
    const { lines } = new Sources().excerpt({ file, line: 1, column: 1 })!;
    expect(lines[1]).toMatch(/^x{140} password: \S*…$/);
    expect(lines.join('\n')).not.toMatch(/hunter|abc/);
  });

  test('a secret that the position stands in is hidden, in a line that is cut', () => {
    using folder = temporaryFolder();
    const text = `${'before();'.repeat(40)}connect({ password: 'hunter2-and-more' })${';after()'.repeat(40)}`;
    const file = fileOf(folder.path, text);
    const at = (word: string) => new Sources().excerpt({ file, line: 1, column: text.indexOf(word) + 1 })!.lines[0];
    for (const word of ['hunter2', 'and-more', 'password']) expect(at(word)).not.toMatch(/hunter|and-more/);
  });

  test('what is no file is not read', () => {
    using folder = temporaryFolder();
    const pipe = path.join(folder.path, 'pipe.js');
    execFileSync('mkfifo', [pipe]);
    expect(new Sources().lines(pipe)).toBe(null);
    expect(new Sources().lines(folder.path)).toBe(null);
  });
});

test.each([
  ['  const c = await pool.connect();', 'connect', true],
  ['  const c = await pool.connect();', 'await', true],
  ['  new Pool()', 'new', true],
  ['  take`x`', '`', true],
  ['  const c = await pool.connect();', 'onnect', false],
  ['  take();', ' ', false],
  ['  take();', ')', false],
  ['', '', false],
])('in %j a call may begin at %j: %s', (text, at, expected) => {
  expect(mayBeCall(text, text.indexOf(at) + 1)).toBe(expected);
});

test('a source that a bundler named by a URL of its own is the file of the project, not the bundle that mirrors its name', () => {
  using folder = temporaryFolder();
  const bundle = path.join(folder.path, '.next/server/app/orders.js');
  for (const file of [bundle, path.join(folder.path, 'app/orders.js')]) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '');
  }
  writeFileSync(path.join(folder.path, 'package.json'), '{}');
  const sources = [
    'webpack://shop/./app/orders.js?1f3a',
    'turbopack:///[project]/app/orders.js',
    'webpack://shop/gone.js',
  ];
  const mapped = readMap(JSON.stringify({ version: 3, sources, names: [], mappings: '' }), bundle);
  const own = path.join(folder.path, 'app/orders.js');
  expect([...(mapped?.files.values() ?? [])]).toEqual([own, own, path.join(folder.path, 'gone.js')]);
});
