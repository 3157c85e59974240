import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { writeMarkedSnapshot } from '../probe/proof/heap-snapshot.ts';
import { onSignal } from '../probe/proof/on-signal.ts';
import { CLI, fixture, NODE, REGISTER, readReport, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// Snapshots of a heap on demand: by a signal, from a process that runs for days, without harm to what it does.

const program = fixture('heapdump.mjs');

const [free, said] = vi.hoisted(() => [{ memory: 0 }, [] as string[]]);
vi.mock('../probe/process/free-memory.ts', () => ({ freeMemory: () => free.memory }));
vi.mock('../probe/process/say.ts', () => ({ say: (text: string) => said.push(text) }));

test('outlive run --heapdump: a signal writes a snapshot, and the report says who holds what', async () => {
  using folder = temporaryFolder();
  const out = path.join(folder.path, 'run');
  const { code, stderr } = await start(NODE, [CLI, 'run', '--out', out, '--heapdump', '--', NODE, program], {
    onStdout: (_, kill) => kill('SIGUSR2'),
  });
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/^outlive: kill -USR2 \d+ writes a heap snapshot of each process to .*run\.$/m);
  expect(stderr).toMatch(
    /^outlive: process \d+: heap snapshot .*\.1\.heapsnapshot, written by Node\.js in \d+\.\d s\.$/m,
  );
  const [file = ''] = readdirSync(out).filter((name) => name.endsWith('.heapsnapshot'));
  expect(statSync(path.join(out, file)).mode & 0o777).toBe(0o600);
  // no leak, and whose they are is told
  expect(readReport(out).open).toMatchObject([
    { count: 3, held: expect.arrayContaining([expect.stringContaining('orders: Map')]) },
  ]);
});

test('an empty OUTLIVE_HEAPDUMP is none: --heapdump has its own signal', async () => {
  const { stdout } = await start(NODE, [CLI, 'run', '--help'], { env: { OUTLIVE_HEAPDUMP: '' } });
  expect(stdout).toMatch(/on SIGUSR2\s+\(to outlive/);
});

test('outlive heap of a folder compares the oldest snapshot of each process with its newest', async () => {
  using folder = temporaryFolder();
  const service = path.join(folder.path, 'service.cjs');
  writeFileSync(
    service,
    `const { writeHeapSnapshot } = require('node:v8');
    class Order {}
    const orders = [];
    for (const nth of [1, 2, 10]) {
      writeHeapSnapshot(\`7-0-1.\${nth}.heapsnapshot\`);
      for (let n = 0; n < 500; n++) orders.push(new Order());
    }
    globalThis.find = (n) => orders[n];`,
  );
  expect(await start(NODE, [service], { cwd: folder.path })).toMatchObject({ code: 0 });
  const { code, stdout } = await start(NODE, [CLI, 'heap', folder.path]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^7-0-1\.1\.heapsnapshot → 7-0-1\.10\.heapsnapshot\n/);
  expect(stdout).toMatch(/^1,000 more Order, \d+ kB\n {2}held by .*orders: Array/m);
});

test('no more than a tenth of the time is spent on it, however often it is asked for', () => {
  const write = vi.fn((nth: number) => ({ file: `/run/${nth}`, by: 'node' as const, tookMs: 2000 }));
  onSignal('SIGUSR2', write);
  for (let i = 0; i < 3; i++) process.emit('SIGUSR2');
  process.removeAllListeners('SIGUSR2');
  expect(write.mock.calls).toEqual([[1]]);
  const [first, second] = said.map((line) => line.replace(/^outlive: process \d+: /, ''));
  expect(first).toBe('heap snapshot /run/1, written by Node.js in 2.0 s.');
  expect(second).toBe('no heap snapshot yet, the last one held it up: again in 18 s.');
});

test('outlive heap of a folder without two snapshots of a process says what is missing', async () => {
  using folder = temporaryFolder();
  expect(await start(NODE, [CLI, 'heap', folder.path])).toMatchObject({
    ...{ code: 2, stdout: '' },
    stderr: `outlive: ${folder.path} has no heap snapshots; outlive run --heapdump writes one for each SIGUSR2.\n`,
  });
  writeFileSync(path.join(folder.path, '7-0-1.1.heapsnapshot'), '{}');
  const { code, stderr } = await start(NODE, [CLI, 'heap', folder.path]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/ has one heap snapshot of each process; a later one is what to compare it with\.\n$/);
});

/** A service that asks itself for a snapshot, and has a package of that name, whose code is `heapdump`. */
async function dumped(heapdump: string) {
  using folder = temporaryFolder();
  const home = path.join(folder.path, 'node_modules/heapdump');
  mkdirSync(home, { recursive: true });
  writeFileSync(path.join(home, 'index.js'), heapdump);
  writeFileSync(
    path.join(home, 'addon.js'),
    "if (globalThis.isLoaded) throw new Error('Module did not self-register'); globalThis.isLoaded = true;",
  );
  const service = path.join(folder.path, 'service.cjs');
  writeFileSync(
    service,
    `process.kill(process.pid, 'SIGUSR2');
    setTimeout(() => {
      require('heapdump');
      process.exit();
    }, 100);`,
  );
  const env = { OUTLIVE_OUT: path.join(folder.path, 'out'), OUTLIVE_HEAPDUMP: 'SIGUSR2' };
  return await start(NODE, ['--require', REGISTER, service], { env });
}

test('the heapdump package writes it where there is one; the service still has it as if it were the first', async () => {
  // as the package does: it takes SIGUSR2 unless it is told not to, by an addon that cannot be loaded twice
  const { stdout, stderr } = await dumped(`
    require('./addon.js');
    console.log('loaded with', process.env.NODE_HEAPDUMP_OPTIONS ?? 'its own handler');
    exports.writeSnapshot = (file) => Boolean(require('node:v8').writeHeapSnapshot(file));`);
  expect(stdout).toBe('loaded with nosignal\nloaded with its own handler\n');
  expect(stderr).toMatch(/\.1\.heapsnapshot, written by the heapdump package in /);
});

test('Node.js writes it where the package is built for another one', async () => {
  const { stderr } = await dumped(`
    if (process.env.NODE_HEAPDUMP_OPTIONS) throw new Error('was compiled against a different Node.js version');`);
  expect(stderr).toMatch(/\.1\.heapsnapshot, written by Node\.js in /);
});

test('none is written where memory is short, or where it cannot be; why is a sentence', () => {
  using folder = temporaryFolder();
  const file = path.join(folder.path, 'a.heapsnapshot');
  expect(writeMarkedSnapshot(file, [], Number.POSITIVE_INFINITY)).toMatch(
    /^The heap has \d+ MB, and less than \d+ MB of memory are free, which a snapshot may take\.$/,
  );
  free.memory = Number.POSITIVE_INFINITY;
  expect(writeMarkedSnapshot(file, [], 1)).toMatch(/^The heap has \d+ MB, more than the 1 MB up to which /);
  const nowhere = path.join(folder.path, 'none/a.heapsnapshot');
  expect(writeMarkedSnapshot(nowhere, [], Number.POSITIVE_INFINITY)).toBe(`${nowhere} cannot be written (ENOENT).`);
  expect(readdirSync(folder.path)).toEqual([]);
});
