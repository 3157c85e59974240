/** Every shell block of the documentation is run as it stands there, or is named here with the reason why not. */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generate, writeGenerated } from '../pipeline/generate.ts';
import { DETECTORS } from '../probe/recording/format.ts';
import { SETTINGS } from '../probe/settings.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { CLI, ROOT, start } from './support/probed.ts';
import { sweptFolder } from './support/swept-folder.ts';

interface Block {
  doc: string;
  text: string;
  /** Where it runs: in a clone of this repository, or in somebody's service that has outlive installed. */
  in?: 'clone' | 'service';
  /** What it has to print. */
  prints?: RegExp;
  /** Without a `DATABASE_URL`, so on a private PostgreSQL. */
  isPrivate?: true;
  notRun?: string;
}

const BLOCKS: Block[] = [
  {
    doc: 'README.md',
    text: 'npm ci && npm run demo',
    notRun: 'npm ci would take the modules away from the running tests; the demo is run by its own name below',
  },
  { doc: 'README.md', text: 'npm ci && npm test', notRun: 'these are the tests' },
  {
    doc: 'README.md',
    text: `npx outlive run -- node server.js        # watch a program, report at its end
npx outlive report .outlive/latest       # one HTML file from what was recorded, also after kill -9`,
    in: 'service',
    prints: /No leak found\.[\s\S]*report\.html/,
  },
  { doc: 'docs/mutation.md', text: 'npm run mutate', notRun: 'takes minutes; mutation.test.ts runs some of it' },
  {
    doc: 'docs/pipeline.md',
    text: `node --input-type=module -e "
  import { generate, writeGenerated } from './dist/pipeline/generate.js';
  await writeGenerated(generate({ seed: 1, events: 2000 }), '.outlive/sample');"
npm run pipeline -- --input .outlive/sample`,
    in: 'clone',
    prints: /Files read: 6\n[\s\S]*Insights made or changed: [1-9]/,
  },
  {
    doc: 'docs/pipeline.md',
    text: 'cat .outlive/sample/oci-audit/*.jsonl | npm run --silent pipeline -- --input - --json',
    in: 'clone',
    prints: /^\{\n {2}"ingest": \{\n {4}"files": 1,[\s\S]*"oci-audit": [1-9]/,
  },
  {
    doc: 'docs/pipeline.md',
    text: `printf "default: us\\ntenants:\\n  '222233334444': eu\\n" > .outlive/tenants.yaml
npm run pipeline -- --input .outlive/sample --tenants .outlive/tenants.yaml`,
    in: 'clone',
    isPrivate: true,
    prints: /Delivered by region: \d+\n {2}us .*\n {2}eu +[1-9]/,
  },
  {
    doc: 'docs/pipeline.md',
    text: `npm run pipeline -- --input .outlive/sample --database "$DATABASE_URL"
npm run pipeline -- --input .outlive/sample --database "$DATABASE_URL"   # 0 files read, 6 were complete before`,
    in: 'clone',
    prints: /Files read: 0 \(6 were complete before\)/,
  },
  {
    doc: 'docs/report.md',
    text: 'npx outlive report .outlive/latest -o report.html',
    in: 'service',
    prints: /^report\.html$/m,
  },
  {
    doc: 'docs/report.md',
    text: 'npx outlive report .outlive/latest --why server.js:12',
    in: 'service',
    prints: /^All 1 that were acquired through that line came back\.$/m,
  },
  {
    doc: 'docs/scenarios.md',
    text: 'npx outlive scenarios\nnpx outlive soak connection-leak',
    in: 'clone',
    isPrivate: true,
    prints: /the leak is found, the fix is silent/,
  },
  { doc: 'docs/watch.md', text: 'npx outlive run -- node server.js', in: 'service', prints: /No leak found\./ },
  {
    doc: 'docs/watch.md',
    text: `node --require outlive/register server.js
NODE_OPTIONS="--require $(npx outlive register-path)" npm start`,
    in: 'service',
    prints: /served[\s\S]*served/,
  },
  { doc: 'docs/watch.md', text: 'npx outlive report .outlive/latest', in: 'service', prints: /report\.html/ },
];

/** Ends by itself; what its line 12 acquires comes back. */
const SERVER = `import { createServer } from 'node:http';

const server = createServer((_, response) => response.end('served'));

async function main() {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const answer = await fetch(\`http://127.0.0.1:\${server.address().port}\`);
  console.log(await answer.text());
}

// the line that docs/report.md asks about:
const heartbeat = setInterval(() => {}, 1000);
await main();
clearInterval(heartbeat);
server.close();
server.closeAllConnections();
`;

let folder: string;
let database: FreshDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  folder = sweptFolder('outlive-docs');
  for (const name of ['bin', 'clone', 'service/node_modules']) mkdirSync(path.join(folder, name), { recursive: true });
  // npx, without asking a registry
  const npx = path.join(folder, 'bin/npx');
  writeFileSync(npx, `#!/bin/sh\n[ "$1" = outlive ] || exit 3\nshift\nexec node '${CLI}' "$@"\n`);
  chmodSync(npx, 0o755);

  cpSync(path.join(ROOT, 'package.json'), path.join(folder, 'clone/package.json'));
  for (const name of ['dist', 'node_modules']) symlinkSync(path.join(ROOT, name), path.join(folder, 'clone', name));

  symlinkSync(ROOT, path.join(folder, 'service/node_modules/outlive'));
  writeFileSync(path.join(folder, 'service/server.js'), SERVER);
  const manifest = { name: 'service', type: 'module', scripts: { start: 'node server.js' } };
  writeFileSync(path.join(folder, 'service/package.json'), JSON.stringify(manifest));

  // what earlier blocks of a page leave for later ones
  await writeGenerated(generate({ seed: 1, events: 2000 }), path.join(folder, 'clone/.outlive/sample'));
  await start(process.execPath, [CLI, 'run', '--', 'node', 'server.js'], { cwd: path.join(folder, 'service') });
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

function run({ text, in: where, isPrivate }: Block) {
  const env = {
    PATH: `${path.join(folder, 'bin')}:${path.dirname(process.execPath)}:${process.env.PATH}`,
    DATABASE_URL: isPrivate ? '' : database.url,
  };
  return start('sh', ['-ec', text], { cwd: path.join(folder, where!), env });
}

function blocksOf(doc: string): string[] {
  const text = readFileSync(path.join(ROOT, doc), 'utf8');
  return [...text.matchAll(/^```sh\n([\s\S]*?)\n```$/gm)].map(([, block]) => block!);
}

const DOCS = ['README.md', ...readdirSync(path.join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);

test.each(DOCS)('every shell block of %s is listed here, and no other', (doc) => {
  expect(BLOCKS.filter((block) => block.doc === doc).map(({ text }) => text)).toEqual(blocksOf(doc));
});

test('the demo is the scenario that docs/scenarios.md runs', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  expect(scripts.demo).toBe('node dist/cli/main.js soak connection-leak');
});

describe('works as shown', () => {
  test.each(BLOCKS.filter(({ notRun }) => !notRun).map((block) => ({ ...block, title: block.text.split('\n')[0] })))(
    '$doc: $title',
    async (block) => {
      const { code, stdout, stderr } = await run(block);
      expect(code, stderr).toBe(0);
      expect(`${stdout}${stderr}`).toMatch(block.prints!);
    },
  );
});

test('docs/watch.md lists every setting with its default', () => {
  const text = readFileSync(path.join(ROOT, 'docs/watch.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(OUTLIVE_\w+)` \| (?:`([^`]+)`)? ?\|/gm)].map(([, name, value = '']) => [
    name,
    value,
  ]);
  const settings = Object.values(SETTINGS).map(({ variable, fallback }) => [variable, fallback]);
  expect(rows).toEqual(
    settings.map(([name, value]) => [name, name === 'OUTLIVE_OUT' ? '.outlive/<time>-<pid>' : value]),
  );
});

test('docs/detection.md has a row for every detector', () => {
  const text = readFileSync(path.join(ROOT, 'docs/detection.md'), 'utf8');
  const rows = new Set([...text.matchAll(/^\| `([\w-]+)`/gm)].map(([, name]) => name));
  expect([...rows].sort()).toEqual(DETECTORS.filter((name) => name !== 'retained-by-pool-only').sort());
});
