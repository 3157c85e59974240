/** The probe's files as V8 has compiled them, kept beside them: what a start finds there it need not compile. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const APP = "process.stdout.write(Object.hasOwn(globalThis, Symbol.for('outlive.probe')) ? 'watched' : 'alone')";

/** A copy of the probe, as it is right after it was installed. */
function installed() {
  const folder = temporaryFolder();
  const probe = path.join(folder.path, 'probe');
  cpSync(path.join(ROOT, 'dist/probe'), probe, {
    recursive: true,
    filter: (file) => path.basename(file) !== 'compiled',
  });
  const kept = path.join(probe, 'compiled');
  const out = path.join(folder.path, 'out');
  return {
    probe,
    kept,
    start(env: Record<string, string> = {}, flags: string[] = [], { node = process.execPath, app = APP } = {}): string {
      const args = [...flags, '--require', path.join(probe, 'register.js'), '-e', app];
      const { stdout, stderr, status, signal } = spawnSync(node, args, {
        env: { ...process.env, OUTLIVE_OUT: out, ...env },
        encoding: 'utf8',
      });
      expect({ stderr, status, signal }).toEqual({ stderr: '', status: 0, signal: null });
      return stdout;
    },
    /** First line of it. */
    latestRecording(): string {
      const names = readdirSync(out).filter((name) => name.endsWith('.jsonl'));
      const latest = names
        .sort((a, b) => Number(a.split('-')[2]!.slice(0, -6)) - Number(b.split('-')[2]!.slice(0, -6)))
        .at(-1)!;
      return readFileSync(path.join(out, latest), 'utf8').split('\n')[0]!;
    },
    files: () => readdirSync(kept).map((name) => path.join(kept, name)),
    ofProbe: () => readdirSync(kept).filter((name) => name.startsWith('probe.js')),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

test('the first process that ends keeps it, and the next one leaves it as it is', () => {
  using copy = installed();
  expect(copy.start()).toBe('watched');
  expect(copy.ofProbe()).toHaveLength(1);
  // a time that no process gives it
  for (const file of copy.files()) utimesSync(file, 1, 1);
  expect(copy.start()).toBe('watched');
  expect(copy.ofProbe()).toHaveLength(1);
  const { mtimeMs } = statSync(copy.files()[0]!);
  expect(mtimeMs).toBe(1000);
});

test('each set of V8’s flags has its own', () => {
  using copy = installed();
  copy.start();
  copy.start({}, ['--stack-size=900']);
  expect(copy.ofProbe()).toHaveLength(2);
});

test('each build of Node.js has its own, as V8 does not tell them apart', () => {
  using copy = installed();
  copy.start();
  const node = path.join(copy.probe, 'node');
  copyFileSync(process.execPath, node);
  copy.start({}, [], { node });
  expect(copy.ofProbe()).toHaveLength(2);
});

test('nobody else can write there, whatever the process lets others do', () => {
  using copy = installed();
  copy.start({}, [], { app: 'process.umask(0)' });
  for (const file of [copy.kept, ...copy.files()]) expect(statSync(file).mode & 0o022).toBe(0);
});

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['a byte that the disk has changed', (bytes) => bytes.fill(bytes[200_000]! ^ 0x55, 200_000, 200_001)],
  ['a file that is cut off', (bytes) => bytes.subarray(0, 5001)],
  ['an empty one', () => Buffer.alloc(0)],
  ['nothing but zeros', (bytes) => Buffer.alloc(bytes.length)],
])('%s is compiled anew', (_, damaged) => {
  using copy = installed();
  copy.start();
  const file = path.join(copy.kept, copy.ofProbe()[0]!);
  const whole = readFileSync(file);
  writeFileSync(file, damaged(Buffer.from(whole)));
  expect(copy.start()).toBe('watched');
  expect(readFileSync(file).length).toBeGreaterThan(whole.length / 2);
});

test('what was made of an older file is not run', () => {
  using copy = installed();
  copy.start();
  const file = path.join(copy.probe, 'probe.js');
  // as long as before, which is all that V8 looks at
  const changed = readFileSync(file, 'utf8').replaceAll('outlive.recording/', 'another.recording/');
  writeFileSync(file, changed);
  copy.start();
  expect(copy.latestRecording()).toContain('another.recording');
});

test('none is made where that is switched off as for Node’s own, nor where nothing can be written', () => {
  using copy = installed();
  expect(copy.start({ NODE_DISABLE_COMPILE_CACHE: '1' })).toBe('watched');
  expect(() => copy.ofProbe()).toThrow('ENOENT');
  // root writes wherever it likes, but not into a file
  writeFileSync(copy.kept, '');
  expect(copy.start()).toBe('watched');
  expect(readFileSync(copy.kept, 'utf8')).toBe('');
});
