/** What is there and is not watched is said: nothing found is then not the same as clean. */
import path from 'node:path';
import { build } from 'rolldown';
import { describe, expect, test } from 'vitest';
import {
  CLI,
  FOLLOWS_FLOWS,
  fixture,
  NODE,
  NODE_MAJOR,
  probed,
  REGISTER,
  readReport,
  start,
} from './support/probed.ts';
import { fakePackage, project } from './support/project.ts';

const NEO4J = fakePackage('neo4j-driver', '3.11.0', 'exports.createPool = () => ({})');
const NOT_WATCHED = {
  what: 'neo4j-driver 3.11.0',
  why: 'It holds connections to databases, and no adapter watches them.',
};
/** Loads the one real pool that is always there. */
const GENERIC_POOL = "require('generic-pool');";

/** A package of ES modules alone, which connects where it is told to. */
const connecting = (name: string) =>
  fakePackage(
    name,
    '3.4.5',
    // whether or not somebody listens there
    `import net from 'node:net';
    export const open = (port) => {
      const socket = net.connect(port, '127.0.0.1', () => socket.destroy()).on('error', () => {});
    };`,
    'module',
  );

async function unseenIn(files: Record<string, string>, options: Parameters<typeof probed>[2] = {}) {
  using folder = project(files, ['generic-pool', 'pg']);
  const [main = ''] = Object.keys(files);
  const { report } = await probed(folder.file(main), [], options);
  expect(report.verdict).toBe(report.unseen.length > 0 ? 'inconclusive' : 'clean');
  return report.unseen;
}

describe('a library that holds resources and has no adapter', () => {
  test('is told of when it is loaded, however deep in another one', async () => {
    const orm = fakePackage('some-orm', '1.0.0', "require('neo4j-driver');");
    expect(await unseenIn({ 'main.cjs': "require('some-orm');", ...orm, ...NEO4J })).toEqual([NOT_WATCHED]);
  });

  test('is told of when an ES module imports it', async () => {
    expect(await unseenIn({ 'main.mjs': "import 'neo4j-driver';", ...NEO4J })).toEqual([NOT_WATCHED]);
  });

  test('is not told of when somebody only asks whether it is installed', async () => {
    expect(await unseenIn({ 'main.cjs': "require.resolve('neo4j-driver');", ...NEO4J })).toEqual([]);
  });

  test.each([
    ['has no adapter', 'couchbase', NOT_WATCHED.why],
    [
      'is loaded past its adapter',
      'postgres',
      'It was loaded in a way that no adapter sees, as an ES module: nothing of it was seen.',
    ],
  ])('is told of by its first connection where it is made of ES modules alone and %s', async (_, name, why) => {
    const main = `import net from 'node:net'; import { open } from '${name}';
      const server = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1', () => {
        open(server.address().port).on('close', () => server.close());
      });`;
    expect(await unseenIn({ 'main.mjs': main, ...connecting(name) })).toEqual([{ what: `${name} 3.4.5`, why }]);
  });

  test('is told of where nobody knows it, when it connects to a database', async () => {
    const main = "import { open } from 'tiny-sql'; open(5432);";
    expect(await unseenIn({ 'main.mjs': main, ...connecting('tiny-sql') })).toEqual([
      { what: 'tiny-sql 3.4.5', why: 'It connects to PostgreSQL, and no adapter watches it.' },
    ]);
  });
});

describe('a library that has an adapter', () => {
  test('is no news', async () => {
    expect(await unseenIn({ 'main.cjs': `${GENERIC_POOL} require('pg');` })).toEqual([]);
  });

  test('is not watched when that is switched off', async () => {
    const [unseen, ...others] = await unseenIn({ 'main.cjs': GENERIC_POOL }, { env: { OUTLIVE_OFF: 'generic-pool' } });
    expect(unseen).toEqual({
      what: expect.stringMatching(/^generic-pool 3\./),
      why: 'Its adapter is switched off by OUTLIVE_OFF.',
    });
    expect(others).toEqual([]);
  });

  test('is not watched from when that has failed', async () => {
    const env = { OUTLIVE_TEST_LAPSE: 'generic-pool:1' };
    expect(await unseenIn({ 'main.cjs': GENERIC_POOL }, { env })).toEqual([
      {
        what: 'generic-pool',
        why: 'The probe failed at it, and left it alone from then on: of what came later nothing was seen.',
      },
    ]);
  });

  test('was not seen before the probe was loaded', async () => {
    using folder = project({ 'main.cjs': '', 'first.cjs': GENERIC_POOL }, ['generic-pool']);
    const args = ['--require', folder.file('first.cjs'), '--require', REGISTER, folder.file('main.cjs')];
    await start(NODE, args, { env: { OUTLIVE_OUT: folder.file('out') } });
    const { unseen, processes } = readReport(folder.file('out'));
    expect(processes[0]?.adapters).toEqual([expect.stringMatching(/^generic-pool/)]);
    expect(unseen).toEqual([
      {
        what: processes[0]?.adapters[0],
        why: 'It was loaded before the probe: what it had opened by then was not seen.',
      },
    ]);
  });

  test('cannot be watched inside a bundle, which its text tells', async () => {
    using folder = project({ 'source.cjs': "require('pg'); require('generic-pool');" }, ['pg', 'generic-pool']);
    await build({
      input: folder.file('source.cjs'),
      platform: 'node',
      external: ['pg-native', 'pg-cloudflare'],
      logLevel: 'silent',
      output: { file: folder.file('service.cjs'), format: 'cjs', minify: true },
    });
    const { unseen } = (await probed(folder.file('service.cjs'))).report;
    const why = 'It is part of service.cjs, where no adapter can take hold of it.';
    expect(unseen).toEqual(
      expect.arrayContaining([
        { what: 'pg, bundled', why },
        { what: 'generic-pool, bundled', why },
      ]),
    );
    expect(unseen).toHaveLength(2);
  });
});

test('a connection to a database by code of the program’s own is told with its line', async () => {
  const main = "const net = require('node:net');\nnet.connect(3306, '127.0.0.1').on('error', () => {}); // here";
  expect(await unseenIn({ 'orders.cjs': main })).toEqual([
    {
      what: 'a bundled database client',
      why: 'A connection to port 3306 (MySQL) was opened at orders.cjs:2 by no library that is watched.',
    },
  ]);
});

test('a loader that replaces the resolution of names, as Yarn’s does, hides nothing', async () => {
  const pnp = `const Module = require('node:module');
    const path = require('node:path');
    const native = Module._resolveFilename;
    Module._resolveFilename = function (request) {
      if (/^[./]/.test(request) || Module.isBuiltin(request)) return Reflect.apply(native, this, arguments);
      return path.join(__dirname, 'node_modules', request, 'index.js');
    };`;
  const files = { 'main.cjs': "require('generic-pool'); require('neo4j-driver');", '.pnp.cjs': pnp, ...NEO4J };
  using folder = project(files, ['generic-pool']);
  const args = ['--require', REGISTER, '--require', folder.file('.pnp.cjs'), folder.file('main.cjs')];
  const { stderr } = await start(NODE, args, { env: { OUTLIVE_OUT: folder.file('out') } });
  expect(stderr).toBe('');
  const { processes, unseen } = readReport(folder.file('out'));
  expect(processes[0]?.adapters).toEqual([expect.stringMatching(/^generic-pool/)]);
  expect(unseen).toEqual([NOT_WATCHED]);
});

describe('requests that are no scopes', () => {
  const options = { env: { OUTLIVE_SCOPES: 'off' } };

  test('are told of where there were some', async () => {
    const { unseen } = (await probed(fixture('http.mjs'), ['clean'], options)).report;
    expect(unseen).toEqual([
      {
        what: 'request scopes',
        why: 'They were switched off: what outlives its request was not told from what is kept.',
      },
    ]);
  });

  test('are nothing to tell of where there were none', async () => {
    expect((await probed(fixture('generic-pool.mjs'), ['clean'], options)).report.unseen).toEqual([]);
  });

  test.skipIf(FOLLOWS_FLOWS)('are so by themselves before Node.js 24', async () => {
    const { unseen } = (await probed(fixture('http.mjs'), ['clean'])).report;
    expect(unseen[0]?.why).toContain(`They are off on Node ${NODE_MAJOR} (OUTLIVE_SCOPES=on`);
  });

  test('are scopes under run, whatever the version, unless somebody says otherwise', async () => {
    using folder = project({});
    const run = (out: string, env = {}) =>
      start(NODE, [CLI, 'run', '--out', folder.file(out), '--', 'node', fixture('http.mjs'), 'clean'], { env });
    await run('on');
    expect(readReport(folder.file('on')).scopes.map(({ name }) => name)).toEqual(['GET /orders/:id']);
    await run('off', { OUTLIVE_SCOPES: 'off' });
    expect(readReport(folder.file('off')).scopes).toEqual([]);
  });
});

describe('an inconclusive run', () => {
  const outlive = (...args: string[]) => start(NODE, [CLI, ...args]);

  test('is success for run, unless that is to fail too; failure for soak; both say where the report is', async () => {
    using folder = project({ 'main.cjs': "require('neo4j-driver');", ...NEO4J });
    const main = folder.file('main.cjs');
    const watched = await outlive('run', '--out', folder.file('run'), '--', 'node', main);
    expect(watched.code).toBe(0);
    expect(watched.stderr).toMatch(/^\nInconclusive\. Nothing was found, but too little was seen/);
    expect(watched.stderr).toContain(path.join('run', 'report.html'));
    const strict = await outlive(
      'run',
      '--fail-on',
      'inconclusive',
      '--out',
      folder.file('strict'),
      '--',
      'node',
      main,
    );
    expect(strict.code).toBe(1);

    const soak = ['soak', '--command', `node ${main}`, '--times', '2', '--out'];
    const soaked = await outlive(...soak, folder.file('soak'));
    expect(soaked.code).toBe(2);
    expect(soaked.stdout).toMatch(/soak.report\.html\n$/);
    expect((await outlive(...soak, folder.file('never'), '--fail-on', 'never')).code).toBe(0);
  });
});
