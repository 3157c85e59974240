import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { both, HARMLESS } from './support/harmless.ts';
import { NODE, NODE_MAJOR, REGISTER, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// Every program prints what it observes. It must print the same with the probe, and end the same.

const program = (name: string) => path.join(HARMLESS, name);
/** The ways that a program of test/fixtures/harmless offers: its keys of `ways`. */
const waysOf = (name: string) => {
  const [, ways = ''] = readFileSync(program(name), 'utf8').split('const ways = {');
  return [...ways.matchAll(/^ {2}(?:'([^']+)'|(\w+))(?=[(:])/gm)].map(([, quoted, word]) => quoted ?? word!);
};

async function same(args: string[], options = {}) {
  const { without, withProbe, recordings } = await both(args, options);
  expect(withProbe).toEqual(without);
  expect(recordings).toBeGreaterThan(0);
  return without;
}

describe('what a program sees of its surroundings', () => {
  test.each([
    ['functions.cjs', 'the functions that are replaced: names, arity, own properties, identity, errors'],
    ['esm.mjs', 'live bindings of node: modules'],
    ['order.cjs', 'the order of ticks, microtasks, immediates and timers'],
    ['stores.mjs', 'stores of its own AsyncLocalStorage, in pools, timers, requests and fetch'],
    ['hooks.cjs', 'promises, microtasks and timers, as its async hooks and promise hooks are told of them'],
    ['surroundings.cjs', 'environment, listeners, handles, globals, require.cache, vm contexts, subclasses of Socket'],
    ['rejected.cjs', 'rejections that nobody handles, of acquires that nobody awaits'],
    ['children.cjs', 'child processes of every kind, and what these see'],
    ['workers.cjs', 'worker threads of every kind, and what these see'],
    ['cluster.cjs', 'a cluster'],
    ['compiled.cjs', 'code compiled in memory, by vm and by a loader'],
  ])('%s: %s', async (name) => {
    await same([program(name)]);
  });

  test.each([
    ['of a process', []],
    ['of a child process', [program('child.cjs')]],
  ])('workers.cjs: worker threads %s that has options which threads may not have', async (_, parent) => {
    const { stdout } = await same([...parent, program('workers.cjs')], { env: { NODE_OPTIONS: '--title=whole' } });
    expect(stdout).toMatch(/^copied env 0 /m);
  });

  test('loaded.cjs: no module of the probe, nor of its parts that are loaded later; its own outlive stays', async () => {
    // OpenTelemetry is such a part; nobody listens there
    await same([program('loaded.cjs')], { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } });
  });

  test.each(waysOf('errors.cjs'))('Error as the program set it: %s', async (way) => {
    const { stdout } = await same([program('errors.cjs'), way]);
    expect(stdout).toMatch(/^unchanged/);
  });
});

describe('how a program ends', () => {
  test.each(waysOf('endings.cjs'))('%s', async (way) => {
    await same([program('endings.cjs'), way]);
  });

  test.each([
    ['default', 'SIGTERM'],
    ['default', 'SIGINT'],
    ['default', 'SIGKILL'],
    ['own', 'SIGTERM'],
    ['own', 'SIGINT'],
    ['own, then dies', 'SIGTERM'],
    ['busy', 'SIGTERM'],
  ] as const)('%s, by %s', async (way, signal) => {
    await same([program('signals.cjs'), way], {
      onStdout: (text: string, kill: (signal: NodeJS.Signals) => void) => text === 'ready\n' && kill(signal),
    });
  });
});

describe('how Node.js is started', () => {
  test.each([
    '--frozen-intrinsics',
    '--disallow-code-generation-from-strings',
    '--disable-proto=delete',
    '--disable-proto=throw',
    '--enable-source-maps',
    '--expose-gc',
    '--jitless',
    '--stack-trace-limit=1',
    '--throw-deprecation',
    '--pending-deprecation',
    '--unhandled-rejections=strict',
    '--max-old-space-size=64',
    '--test',
  ])('node %s', async (flag) => {
    const { stdout } = await same([flag, program('small.cjs')]);
    if (flag !== '--test') expect(stdout).toMatch(/^borrowed 0/);
  });

  test.each([
    ['-e', ['-e', 'setTimeout(() => console.log(require("fs") !== null), 1)'], ''],
    ['-p', ['-p', '[process.argv.length, typeof setTimeout]'], ''],
    ['-e as a module', ['--input-type=module', '-e', 'import t from "timers"; console.log(t.setTimeout.name)'], ''],
    ['stdin', ['-', 'x'], 'console.log(process.argv.length, require.main === module, __filename)'],
    ['REPL', ['-i'], 'setTimeout(() => {}, 1).hasRef()\nlet x = 1\nx + y\n[1].map(String)\n.exit\n'],
  ])('%s', async (_, args, input) => {
    await same(args, { input });
  });

  test('--check runs nothing', async () => {
    const { without, withProbe } = await both(['--check', program('small.cjs')]);
    expect(withProbe).toEqual(without);
  });

  test.each([
    ['without rights', []],
    ['that may read', ['--allow-fs-read=*']],
    ['that may read and write', ['--allow-fs-read=*', '--allow-fs-write=*']],
  ])('the permission model, %s', async (_, rights) => {
    const flag = NODE_MAJOR < 22 ? '--experimental-permission' : '--permission';
    const { without, withProbe } = await both([flag, ...rights, program('small.cjs')]);
    // without rights the program cannot be read either: only the place of the error differs
    if (rights.length > 0) expect(withProbe).toEqual(without);
    else expect([withProbe.code, without.code]).toEqual([1, 1]);
  });

  test('customization hooks that compile, as tsx has them', async () => {
    const { stdout } = await same(['--import', program('loader.mjs'), program('typed.mts')]);
    expect(stdout).toMatch(/^compiled: borrowed 0/);
  });

  test('--import of the preload works for modules too', async () => {
    using folder = temporaryFolder();
    const options = { env: { OUTLIVE_OUT: folder.path } };
    const ended = await start(NODE, ['--import', REGISTER, program('esm.mjs')], options);
    expect(ended).toEqual(await start(NODE, [program('esm.mjs')]));
  });

  test('closed stdin, stdout and stderr', async () => {
    const shell = (preload: string) => `"${NODE}" ${preload} "${program('endings.cjs')}" 'exit 3' <&- >&- 2>&-`;
    using folder = temporaryFolder();
    const without = await start('sh', ['-c', shell('')]);
    const withProbe = await start('sh', ['-c', shell(`--require "${REGISTER}"`)], {
      env: { OUTLIVE_OUT: folder.path },
    });
    expect(withProbe).toEqual(without);
  });

  test('a working directory that is gone', async () => {
    const shell = (preload: string) => `cd "$(mktemp -d)" && rmdir "$PWD" && "${NODE}" ${preload} -p 1`;
    expect(await start('sh', ['-c', shell(`--require "${REGISTER}"`)])).toEqual(await start('sh', ['-c', shell('')]));
  });

  test('the preload is loaded twice, and asked for by the program', async () => {
    using folder = temporaryFolder();
    const twice = path.join(folder.path, 'twice.cjs');
    writeFileSync(twice, `require(${JSON.stringify(REGISTER)}); console.log(Object.keys(require.cache).length > 0)`);
    await same(['--require', REGISTER, twice]);
  });
});
