import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { lineOf, placeOf, probed, ROOT } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const FOLDER = path.join(ROOT, 'test/fixtures/compiled');
const OUTLIVE = path.join(ROOT, 'dist/probe/index.js');
const LOADER = path.join(FOLDER, 'loader.cjs');
const LEAK = lineOf(path.join(FOLDER, 'leaky.js'), '// every second');

async function findingOf(way: string, env: Record<string, string> = {}) {
  const { report, code } = await probed(LOADER, [way], { env });
  expect(code).toBe(0);
  const [finding, ...others] = report.findings;
  expect(others).toEqual([]);
  return finding!;
}

describe('code that a loader compiles in memory is told at the line of its source', () => {
  test.each([
    ['extension', 'of CommonJS, as ts-node and @babel/register do', 'at once'],
    ['script', 'as Jest does', 'at once'],
    ['script, in another place', 'with offsets', 'at once'],
    ['function', 'by vm.compileFunction', 'at once'],
    ['evaluated', 'as Vite does', 'at the end'],
    ['hooks', 'by hooks of ES modules', 'at the end'],
  ])('%s: %s, %s', async (way, _, when) => {
    // what is known at once needs nothing at the end
    const finding = await findingOf(way, when === 'at once' ? { OUTLIVE_TEST_LAPSE: 'script-maps:1' } : {});
    expect(placeOf(finding)).toBe(LEAK);
    expect(finding.site).not.toHaveProperty('compiled');
    expect(finding.excerpt?.lines).toContainEqual(expect.stringContaining('// every second'));
  });

  test('a loader’s own maps are asked where it gives them to source-map-support', async () => {
    using folder = temporaryFolder();
    cpSync(FOLDER, folder.path, { recursive: true });
    const support = path.join(folder.path, 'node_modules/source-map-support');
    mkdirSync(support, { recursive: true });
    writeFileSync(path.join(support, 'package.json'), '{ "name": "source-map-support", "version": "0.5.21" }');
    writeFileSync(
      path.join(support, 'index.js'),
      'exports.mapSourcePosition = ({ source, line, column }) => ({ source, line: line - 7, column });',
    );
    const loader = path.join(folder.path, 'loader.cjs');
    const text = readFileSync(loader, 'utf8').replace("require('outlive')", `require(${JSON.stringify(OUTLIVE)})`);
    writeFileSync(loader, `require('source-map-support');\n${text}`);
    const { report } = await probed(loader, ['extension, without a map']);
    expect(placeOf(report.findings[0]!)).toBe(lineOf(path.join(folder.path, 'leaky.js'), '// every second'));
  });
});

describe('without a map the line is said to be of compiled code, and no other code is shown for it', () => {
  test.each([
    ['extension, without a map', 'no call is there'],
    ['extension, of another text', 'a call is there too: only the hash of what ran tells'],
  ])('%s: %s', async (way) => {
    const finding = await findingOf(way);
    expect(finding.siteUnknown).toBe(null);
    expect(finding.site?.compiled).toBe(true);
    expect(finding).toMatchObject({ excerpt: null, excerptUnknown: 'what ran is not the text of the file', fix: null });
  });
});

test.each([
  ['a short program', 0],
  ['a bundle of more than a megabyte', 1_200_000],
])('a report made where %s is gone shows its code, under the same id', async (_, padding) => {
  using folder = temporaryFolder();
  const app = path.join(folder.path, 'app');
  const out = path.join(folder.path, 'out');
  mkdirSync(app);
  writeFileSync(path.join(app, 'package.json'), '{ "name": "transcoder" }');
  const text = readFileSync(path.join(FOLDER, 'leaky.js'), 'utf8');
  const main = path.join(app, 'main.js');
  writeFileSync(
    main,
    `globalThis.scope = require(${JSON.stringify(OUTLIVE)}).scope;\nconst password = 'hunter2';\n${text}//${'x'.repeat(padding)}`,
  );
  const { report } = await probed(main, [], { out });
  rmSync(app, { recursive: true });
  const { buildReport } = await import('../probe/recording/build-report.ts');
  const { readRun } = await import('../probe/recording/reader.ts');
  const [there] = report.findings;
  const [here] = buildReport(readRun(out).recordings).findings;
  expect(here?.id).toBe(there?.id);
  expect(here?.excerpt).toEqual(there?.excerpt);
  expect(here?.fix).toEqual(there?.fix);
  expect(here?.excerpt?.lines.join('\n')).toContain('// every second');
  expect(JSON.stringify(here)).not.toContain('hunter2');
});

test('code of no file is told where it says it is, and why it is not shown', async () => {
  const finding = await findingOf('script, of no file');
  expect(finding.site?.file).toBe('/srv/gone/leaky.js');
  expect(finding.excerptUnknown).toBe('source not found on this machine');
});

test('a fault in what is kept of the code costs no more than that', async () => {
  const finding = await findingOf('script', { OUTLIVE_TEST_LAPSE: 'source-lines:1' });
  expect(placeOf(finding)).toBe(LEAK);
  expect(finding.excerpt?.lines).toContainEqual(expect.stringContaining('// every second'));
});
