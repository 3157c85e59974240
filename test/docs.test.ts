/**
 * Every shell block of the documentation is run as it stands there, in the order of its page. A comment above the block
 * says where, and what it has to print; see support/doc-blocks.ts. Each page has folders of its own: a clone of this
 * repository, and a service, which is test/fixtures/docs/service with test/fixtures/docs/<page> over it.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SETTINGS } from '../probe/process/settings.ts';
import { DETECTORS } from '../probe/recording/format.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { type Block, blocksOf } from './support/doc-blocks.ts';
import { freePort } from './support/free-port.ts';
import { CLI, ROOT, start } from './support/probed.ts';
import { sweptFolder } from './support/swept-folder.ts';

const FIXTURES = path.join(ROOT, 'test/fixtures/docs');
const PAGES = ['README.md', ...readdirSync(path.join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);

let folder: string;
let database: FreshDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  folder = sweptFolder('outlive-docs');
  mkdirSync(path.join(folder, 'bin'));
  // npx, without asking a registry
  const npx = path.join(folder, 'bin/npx');
  // … and with a second of load instead of a minute, and four runs of a scenario instead of ten
  const shorten = `case "$*" in
    "soak --url"*) shift; set -- soak --duration 1s --warmup 100ms "$@" ;;
    "soak connection-leak") set -- "$@" --runs 4 ;;
  esac`;
  writeFileSync(npx, `#!/bin/sh\n[ "$1" = outlive ] || exit 3\nshift\n${shorten}\nexec node '${CLI}' "$@"\n`);
  chmodSync(npx, 0o755);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

/** The folders that the blocks of a page run in, with what its reader has by then. */
async function prepare(page: string, blocks: Block[]): Promise<Record<Block['in'], string>> {
  const name = path.basename(page, '.md');
  const at = (where: Block['in']) => path.join(folder, name, where);
  mkdirSync(at('clone'), { recursive: true });
  cpSync(path.join(ROOT, 'package.json'), path.join(at('clone'), 'package.json'));
  for (const link of ['dist', 'node_modules', 'pipeline'])
    symlinkSync(path.join(ROOT, link), path.join(at('clone'), link));
  for (const fixture of ['service', name].map((each) => path.join(FIXTURES, each))) {
    if (existsSync(fixture)) cpSync(fixture, at('service'), { recursive: true });
  }
  mkdirSync(path.join(at('service'), 'node_modules'));
  symlinkSync(ROOT, path.join(at('service'), 'node_modules/outlive'));
  symlinkSync(path.join(ROOT, 'node_modules/generic-pool'), path.join(at('service'), 'node_modules/generic-pool'));
  if (blocks.some(({ text }) => text.includes('.outlive/latest'))) {
    await start(process.execPath, [CLI, 'run', '--', 'node', 'server.js'], { cwd: at('service') });
  }
  return { clone: at('clone'), service: at('service') };
}

async function run({ text, isPrivate }: Block, cwd: string) {
  // the port that the pages name may be in use here
  const port = String(await freePort());
  const env = {
    PORT: port,
    PATH: `${path.join(folder, 'bin')}:${path.dirname(process.execPath)}:${process.env.PATH}`,
    DATABASE_URL: isPrivate ? '' : database.url,
  };
  return start('sh', ['-ec', text.replaceAll(':3000/', `:${port}/`)], { cwd, env });
}

describe('every command works as shown', () => {
  test.concurrent.each(PAGES)('%s', { timeout: 180_000 }, async (page) => {
    const blocks = blocksOf(readFileSync(path.join(ROOT, page), 'utf8'));
    const folders = await prepare(page, blocks);
    for (const block of blocks) {
      const { code, stdout, stderr } = await run(block, folders[block.in]);
      expect(code, `${block.text}\n${stdout}${stderr}`).toBe(block.exit);
      expect(`${stdout}${stderr}`, block.text).toMatch(block.prints);
    }
  });
});

describe('a page that does not say how a block is tested', () => {
  test.each([
    ['says nothing', ''],
    ['does not say what is printed', '<!-- run in a clone -->\n'],
    ['runs it elsewhere', '<!-- run in a barn, prints /moo/ -->\n'],
    ['gives no reason for not running it', '<!-- not run: -->\n'],
  ])('%s', (_, comment) => {
    expect(() => blocksOf(`${comment}\`\`\`sh\nls\n\`\`\``)).toThrow('Above each shell block stands');
  });
});

test('the demo is the scenario that docs/scenarios.md runs', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  expect(scripts.demo).toBe('node dist/cli/main.js soak connection-leak');
});

test('docs/settings.md lists every setting with its default', () => {
  const text = readFileSync(path.join(ROOT, 'docs/settings.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(OUTLIVE_\w+)` \| (?:`([^`]+)`)? ?\|/gm)].map(([, name, value = '']) => [
    name,
    value,
  ]);
  const settings = Object.values(SETTINGS).map(({ variable, fallback }) => [variable, fallback]);
  expect(rows).toEqual(
    settings.map(([name, value]) => [name, name === 'OUTLIVE_OUT' ? '.outlive/<time>-<pid>' : value]),
  );
  expect(text).toContain(`separated by commas: \`${SETTINGS.off.allowed.listOf.join(',')}\``);
});

test('docs/detection.md has a row for every detector', () => {
  const text = readFileSync(path.join(ROOT, 'docs/detection.md'), 'utf8');
  const rows = new Set([...text.matchAll(/^\| `([\w-]+)`/gm)].map(([, name]) => name));
  expect([...rows].sort()).toEqual([...DETECTORS].sort());
});
