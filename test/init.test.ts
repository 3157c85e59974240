/** `outlive init` and `outlive doctor` in small projects: what they say, and what is in the files afterwards. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CLI, NODE, start } from './support/probed.ts';
import { fakePackage, project } from './support/project.ts';

const manifest = (more: object) => JSON.stringify({ name: 'shop', ...more }, null, 2);
const outlive = (cwd: string, ...args: string[]) => start(NODE, [CLI, ...args], { cwd });

const NODE_TEST = manifest({ scripts: { test: 'tsc && node --enable-source-maps --test test/' } });
const PROJECTS: [runner: string, files: Record<string, string>, file: string, line: string][] = [
  [
    'node:test',
    { 'package.json': NODE_TEST },
    'package.json',
    '--enable-source-maps --require outlive/node-test --test test/',
  ],
  [
    'Vitest',
    {
      'package.json': manifest({ devDependencies: { vitest: '^5.0.0' } }),
      'vite.config.ts': 'export default {\n  test: {\n    globals: true,\n  },\n};\n',
    },
    'vite.config.ts',
    "  test: {\n    runner: 'outlive/vitest',\n    globals: true,",
  ],
  [
    'Jest',
    { 'package.json': manifest({ devDependencies: { jest: '30' } }) },
    'package.json',
    '"testRunner": "outlive/jest"',
  ],
  [
    'Mocha',
    { 'package.json': manifest({ devDependencies: { mocha: '12' } }), '.mocharc.yml': 'spec: test\n' },
    '.mocharc.yml',
    'require: outlive/mocha\nspec: test\n',
  ],
  [
    'Vitest',
    {
      'package.json': manifest({ devDependencies: { vitest: '^5.0.0' } }),
      'vitest.config.ts': 'export default defineConfig({ test: { globals: true } });\n',
    },
    'vitest.config.ts',
    "defineConfig({ test: { runner: 'outlive/vitest', globals: true } });",
  ],
  [
    'Vitest',
    {
      'package.json': manifest({ devDependencies: { vitest: '^5.0.0' } }),
      'vite.config.js': "import vue from 'vue';\nexport default { plugins: [vue()] };\n",
    },
    'vite.config.js',
    "export default {\n  test: { runner: 'outlive/vitest' }, plugins: [vue()] };",
  ],
  [
    'Mocha',
    {
      'package.json': manifest({ devDependencies: { mocha: '12' } }),
      '.mocharc.yml': 'spec: test\nrequire:\n  - ts-node/register\n',
    },
    '.mocharc.yml',
    'require:\n  - outlive/mocha\n  - ts-node/register\n',
  ],
  [
    'Mocha',
    { 'package.json': manifest({ devDependencies: { mocha: '12' } }), '.mocharc.yaml': 'require: ./hooks.ts\n' },
    '.mocharc.yaml',
    'require: [outlive/mocha, ./hooks.ts]\n',
  ],
  [
    'Mocha',
    {
      'package.json': manifest({ devDependencies: { mocha: '12' } }),
      '.mocharc.js': "module.exports = {\n  require: 'tsx/cjs',\n};\n",
    },
    '.mocharc.js',
    "  require: ['outlive/mocha', 'tsx/cjs'],\n",
  ],
  [
    'Mocha',
    {
      'package.json': manifest({ devDependencies: { mocha: '12' } }),
      '.mocharc.cjs': "module.exports = {\n  require: [\n    'tsx/cjs',\n  ],\n};\n",
    },
    '.mocharc.cjs',
    "  require: [\n    'outlive/mocha',\n    'tsx/cjs',\n",
  ],
  [
    'Jest',
    {
      'package.json': manifest({ devDependencies: { jest: '30' } }),
      'jest.config.js': 'const config = {\n  // testRunner: "jest-circus/runner",\n  verbose: true,\n};\n',
    },
    'jest.config.js',
    "const config = {\n  testRunner: 'outlive/jest',\n",
  ],
  [
    'Jest',
    {
      'package.json': manifest({ devDependencies: { jest: '30' } }),
      'jest.config.ts': 'const config: Config = { verbose: true };\nexport default config;\n',
    },
    'jest.config.ts',
    "const config: Config = {\n  testRunner: 'outlive/jest', verbose: true };",
  ],
  [
    'Mocha',
    {
      'package.json': manifest({ devDependencies: { mocha: '12' } }),
      '.mocharc.json': '{\n  "require": ["ts-node/register"]\n}\n',
    },
    '.mocharc.json',
    '"ts-node/register",\n    "outlive/mocha"',
  ],
];

test.each(PROJECTS)(
  '%s: its line is shown, written when that is wanted, and only once',
  async (runner, files, file, line) => {
    using shop = project(files);
    const read = () => readFileSync(shop.file(file), 'utf8');
    const before = read();
    const shown = await outlive(shop.path, 'init');
    expect(shown.stdout).toContain(`+ `);
    expect(shown.stdout).toContain('Nothing is written; --yes writes it.');
    expect(read()).toBe(before);

    await outlive(shop.path, 'init', '--yes');
    expect(read()).toContain(line);
    const after = read();
    expect((await outlive(shop.path, 'init', '--yes')).stdout).toContain(`${runner} is guarded already.`);
    expect(read()).toBe(after);
  },
);

test('a configuration that is not plain is left alone, and the line is told', async () => {
  using shop = project({
    'package.json': manifest({ devDependencies: { jest: '30' } }),
    'jest.config.js': "module.exports = require('./base');\n",
  });
  const { code, stdout } = await outlive(shop.path, 'init', '--yes');
  expect(code).toBe(0);
  expect(stdout).toContain(
    "jest.config.js is not plain enough to be changed for you; put into it: testRunner: 'outlive/jest'",
  );
});

test('without a project, or a runner, a sentence says so', async () => {
  using empty = project({});
  using bare = project({ 'package.json': manifest({}) });
  expect(await outlive(empty.path, 'init')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is no package.json'),
  });
  expect(await outlive(bare.path, 'init')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('No test runner was found'),
  });
});

test('at the root of a workspace the packages that have tests are named', async () => {
  using shop = project({
    'package.json': manifest({ workspaces: ['packages/*'] }),
    'packages/orders/package.json': manifest({ scripts: { test: 'node --test' } }),
    'packages/words/package.json': manifest({}),
  });
  const { code, stderr } = await outlive(shop.path, 'init');
  expect(code).toBe(2);
  expect(stderr).toContain('No test runner was found here, but in packages/orders: run npx outlive init there;');
});

test('the doctor says of libraries and tests whether they are watched, and why not', async () => {
  using shop = project({
    'package.json': manifest({ scripts: { test: 'node --test' }, dependencies: { pg: '7', 'cassandra-driver': '4' } }),
    ...fakePackage('pg', '7.18.2', ''),
    ...fakePackage('generic-pool', '3.9.0', ''),
  });
  const { code, stdout } = await outlive(shop.path, 'doctor', '--json');
  const rows = Object.fromEntries(JSON.parse(stdout).map(({ what, ...row }: { what: string }) => [what, row]));
  expect(code).toBe(0);
  expect(rows).toMatchObject({
    'tests of node:test': { isWatched: false, why: expect.stringContaining('npx outlive init') },
    'pg 7.18.2': { isWatched: false, why: expect.stringContaining('from 8.0.0 on') },
    'generic-pool 3.9.0': { isWatched: true },
    'cassandra-driver': { isWatched: false, why: expect.stringContaining('there is no adapter') },
  });
});
