import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { Ledger } from '../probe/account/ledger.ts';
import { BoundedSamples } from '../probe/recording/bounded.ts';
import { buildReport, writeReport } from '../probe/recording/build-report.ts';
import type { Entry, RecordedFinding, Recording } from '../probe/recording/format.ts';
import { readRecording } from '../probe/recording/read-recording.ts';
import { readRun } from '../probe/recording/reader.ts';
import schema from '../probe/recording/report.schema.json' with { type: 'json' };
import { Desk, type DeskParts } from '../probe/watch/desk.ts';
import { fixture, NODE, probed, REGISTER, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const processLine: Entry = {
  t: 'process',
  schema: 'outlive.recording/1',
  pid: 1_000_000_000,
  parent: 0,
  thread: 0,
  host: 'somewhere',
  node: 'v24.0.0',
  argv: ['node', 'app.js'],
  cwd: '/srv',
  startedMs: 1_700_000_000_000,
  settings: {},
};
const finding: RecordedFinding = {
  kind: 'connection',
  nature: 'lease',
  detector: 'outlived-scope',
  certainty: 'likely',
  count: 2,
  acquired: 10,
  released: 8,
  estimated: false,
  library: 'pg',
  pool: 'orders',
  site: 0,
  frame: 0,
  siteUnknown: null,
  evidence: ['2 of 10 runs left it open.'],
  exhausted: null,
  holders: [],
  scopes: [{ name: 'order', ended: 10, leaked: 2, failedWith: null }],
};
const site: Entry = {
  t: 'site',
  id: 0,
  stack: [{ file: '/srv/orders.js', line: 12, column: 9, function: 'reserve', user: true }],
};

function recordingFile(folder: string, name: string, lines: Entry[], tail = ''): string {
  const file = path.join(folder, `${name}.jsonl`);
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join('') + tail);
  return file;
}

test('a torn last line, as a kill leaves it, is skipped in silence; what stands before it counts', () => {
  using folder = temporaryFolder();
  const lines: Entry[] = [processLine, site, { t: 'finding', at: 5, key: 'a', finding }];
  recordingFile(folder.path, 'torn', lines, '{"t":"withdrawn","at":9,"ke');
  const { report } = writeReport(folder.path);
  expect(report.findings).toHaveLength(1);
  expect(report.findings[0]?.site).toEqual({ file: '/srv/orders.js', line: 12, column: 9, function: 'reserve' });
  expect(report.processes[0]?.end).toBe('signal');
  expect(report.problems).toEqual([]);
});

test('damage in the middle is told, and the rest is read', () => {
  using folder = temporaryFolder();
  const file = recordingFile(folder.path, 'damaged', [processLine], '{"t":"sam\n');
  appendFileSync(file, `${JSON.stringify({ t: 'adapter', name: 'pg 8' })}\n`);
  const { recordings } = readRun(folder.path);
  expect(recordings[0]?.adapters).toEqual(['pg 8']);
  expect(recordings[0]?.problems).toEqual(['damaged.jsonl: 1 unreadable line was skipped.']);
});

test.each([
  ['empty', '', 'x.jsonl is empty.'],
  ['foreign', '{"level":30,"msg":"hello"}\n', 'x.jsonl is not a recording of outlive.'],
  ['foreign, and has a t', '{"t":"note","text":"hello"}\n', 'x.jsonl is not a recording of outlive.'],
  ['binary', '\0\u0001\u0002\n', 'x.jsonl is not a recording of outlive.'],
  ['a list', '[1,2]\nnull\n3\n', 'x.jsonl is not a recording of outlive.'],
])('a file that is %s is named in one sentence', (_, content, sentence) => {
  using folder = temporaryFolder();
  const file = path.join(folder.path, 'x.jsonl');
  writeFileSync(file, content);
  expect(readRecording(file)).toBe(sentence);
});

test('of a newer format what is known is shown, and the doubt told', () => {
  using folder = temporaryFolder();
  const newer = { ...processLine, schema: 'outlive.recording/2' } as unknown as Entry;
  const unknown = { t: 'telepathy', at: 3, of: 'users' } as unknown as Entry;
  const odd = { t: 'finding', at: 5, key: 'b', finding: { ...finding, kind: 'quantum' } } as unknown as Entry;
  recordingFile(folder.path, 'newer', [newer, site, unknown, odd, { t: 'finding', at: 5, key: 'a', finding }]);
  const { report } = writeReport(folder.path);
  expect(report.findings).toHaveLength(1);
  expect(report.problems).toEqual([
    'newer.jsonl is of format outlive.recording/2; this version reads outlive.recording/1, and what it knows of it.',
    'newer.jsonl: 1 unreadable line was skipped.',
  ]);
});

test('a recording that has lost its beginning is read; its name tells whose it was', () => {
  using folder = temporaryFolder();
  recordingFile(folder.path, '4211-0-1700000000000', [site, { t: 'finding', at: 5, key: 'a', finding }]);
  const { report } = writeReport(folder.path);
  expect(report.processes).toMatchObject([{ pid: 4211, thread: 0, started: '2023-11-14T22:13:20.000Z' }]);
  expect(report.findings).toHaveLength(1);
  expect(report.problems).toEqual([
    '4211-0-1700000000000.jsonl has lost its beginning: which program it was is not known.',
  ]);
});

test.each<[string, unknown]>([
  ['a sample without gauges', { t: 'sample', at: 1 }],
  ['a time that is a word', { t: 'cost', at: 'now', cpuMs: 1, share: 0, forcedGc: 0, faults: 0, dropped: {} }],
  ['a stack that is a string', { t: 'site', id: 1, stack: 'at reserve (orders.js:1:1)' }],
  ['a finding that is null', { t: 'finding', at: 1, key: 'a', finding: null }],
  ['no object', 17],
])('%s is skipped and told, and hides nothing else', (_, line) => {
  using folder = temporaryFolder();
  recordingFile(folder.path, 'x', [processLine, line as Entry, { t: 'adapter', name: 'pg 8' }]);
  const { report } = writeReport(folder.path);
  expect(report.processes[0]?.adapters).toEqual(['pg 8']);
  expect(report.problems).toEqual(['x.jsonl: 1 unreadable line was skipped.']);
});

test('totals say only what changed; what was open over time is kept', () => {
  using folder = temporaryFolder();
  const totals = (at: number, sites: [number, number, number][]): Entry => ({
    ...{ t: 'totals', at },
    sites: sites.map(([id, acquired, released]) => [id, 'connection', 'pg', 'orders', acquired, released]),
  });
  const file = recordingFile(folder.path, 'x', [
    processLine,
    totals(1000, [
      [0, 4, 4],
      [1, 1, 0],
    ]),
    totals(2000, [[0, 9, 7]]),
  ]);
  const recording = readRecording(file) as Recording;
  expect(recording.totals).toEqual([
    [0, 'connection', 'pg', 'orders', 9, 7],
    [1, 'connection', 'pg', 'orders', 1, 0],
  ]);
  expect(recording.open).toEqual([
    [
      [1000, 0, 0],
      [2000, 2, 2],
    ],
    [[1000, 1, 1]],
  ]);
});

test('of more samples than memory holds, each peak and low is kept, and the last sample', () => {
  const samples = new BoundedSamples(100);
  for (let at = 0; at < 100_000; at++) {
    samples.push({
      ...{ t: 'sample', at, heapUsed: 1000, rss: 5000, nativeContexts: 1 },
      ...{ pools: [[1, at === 77_777 ? 20 : 3, at === 5 ? 0 : 2, 0]], open: { timer: at < 50_000 ? 4 : 7 } },
      loopDelay: at === 31_234 ? 987 : 1,
    });
  }
  const kept = samples.values();
  expect(kept.length).toBeLessThanOrEqual(102);
  expect(Math.max(...kept.map(({ loopDelay }) => loopDelay))).toBe(987);
  expect(Math.max(...kept.map(({ pools }) => pools[0]![1]))).toBe(20);
  expect(Math.min(...kept.map(({ pools }) => pools[0]![2]))).toBe(0);
  expect(kept.filter(({ at }) => at < 45_000).map(({ open }) => open.timer)).not.toContain(7);
  expect(kept.at(-1)?.at).toBe(99_999);
  const times = kept.map(({ at }) => at);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test('a finding that came back is withdrawn', () => {
  using folder = temporaryFolder();
  recordingFile(folder.path, 'back', [
    processLine,
    site,
    { t: 'finding', at: 5, key: 'a', finding },
    { t: 'withdrawn', at: 9, key: 'a', why: 'it was given back after all' },
  ]);
  const { report, recordings } = writeReport(folder.path);
  expect(report.verdict).toBe('clean');
  expect(recordings[0]?.withdrawn).toHaveLength(1);
});

test('one leak in several processes is one finding with the counts of all', () => {
  using folder = temporaryFolder();
  const lines: Entry[] = [processLine, site, { t: 'finding', at: 5, key: 'a', finding }];
  recordingFile(folder.path, 'first', lines);
  recordingFile(folder.path, 'second', lines);
  const { findings, processes } = writeReport(folder.path).report;
  expect(processes).toHaveLength(2);
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({ count: 4, acquired: 20, released: 16 });
  expect(findings[0]?.scopes).toEqual([{ name: 'order', ended: 20, leaked: 4, failedWith: null }]);
});

test('a trap that a process fell into is told once, with its latest words, and does not change the verdict', () => {
  using folder = temporaryFolder();
  const notice = { library: 'oracledb', pool: 'orders', name: 'hung-logon', remedy: 'Restart the listener.' };
  const told = (at: number, count: number): Entry => ({
    ...{ t: 'notice', at, count, ...notice },
    sentence: `A logon has hung for ${at} s.`,
  });
  recordingFile(folder.path, 'first', [processLine, told(1, 1), told(9, 2)]);
  recordingFile(folder.path, 'second', [{ ...processLine, startedMs: 1_700_000_000_500 } as Entry, told(4, 1)]);
  const { notices, verdict } = writeReport(folder.path).report;
  expect(notices).toEqual([{ ...notice, count: 3, sentence: 'A logon has hung for 4 s.' }]);
  expect(verdict).toBe('clean');
});

test('the id of a finding stays when lines are inserted above it, and changes with the call', () => {
  using folder = temporaryFolder();
  const source = path.join(folder.path, 'orders.js');
  writeFileSync(path.join(folder.path, 'package.json'), '{"name":"shop"}');
  const idWith = (text: string): string => {
    writeFileSync(source, text);
    const line = text.split('\n').findIndex((code) => code.includes('connect')) + 1;
    const stack = [{ file: source, line, column: 1, function: 'reserve', user: true }];
    recordingFile(folder.path, 'x', [
      { ...processLine, cwd: folder.path } as Entry,
      { ...site, stack } as Entry,
      { t: 'finding', at: 5, key: 'a', finding },
    ]);
    return buildReport(readRun(folder.path).recordings).findings[0]!.id;
  };
  const before = idWith('const c = await pool.connect();');
  expect(idWith('// a comment\n\nconst c = await pool.connect();')).toBe(before);
  expect(idWith('const c = await other.connect();')).not.toBe(before);
});

test('no secret of a program reaches its recording or report', async () => {
  using folder = temporaryFolder();
  const url = 'postgres://app:hunter2@127.0.0.1:1/x';
  const args = ['clean', '--password', 'hunter3', url];
  await probed(fixture('generic-pool.mjs'), args, { out: folder.path });
  const { recordings } = readRun(folder.path);
  const bytes =
    recordings.map(({ file }) => readFileSync(file, 'utf8')).join('') +
    readFileSync(path.join(folder.path, 'report.json'), 'utf8');
  expect(bytes).toContain('postgres://***@127.0.0.1');
  expect(bytes).not.toMatch(/hunter/);
});

test('a pool that is named by its connection string has a name without the secret, in all that is said of it', () => {
  const desk = new Desk({ ledger: new Ledger() } as DeskParts);
  const { pool } = desk.pool({
    ...{ adapter: 'pg', library: 'pg', max: 10, gauges: () => null },
    name: 'postgres://app:hunter2@db/orders',
  });
  expect(pool.name).toBe('postgres://***@db/orders');
});

test('report.json follows the published schema, with findings and without', async () => {
  const validate = new Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(schema);
  for (const variant of ['leak', 'clean']) {
    const { report } = await probed(fixture('generic-pool.mjs'), [variant]);
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
  }
});

test.each([
  ['that left nothing', 'setTimeout(() => {}, 10)'],
  ['whose child left nothing', `require('node:child_process').spawnSync(process.execPath, ['-e', ''])`],
  [
    'whose child left something',
    `require('node:child_process').spawnSync(process.execPath, ['-e', 'setInterval(() => process.exit(), 50)'])`,
  ],
  ['that left something', 'setInterval(() => process.exit(), 50)'],
])('a process %s writes the report that is made of its recordings later', async (_, program) => {
  using folder = temporaryFolder();
  await start(NODE, ['--require', REGISTER, '-e', program], { env: { OUTLIVE_OUT: folder.path } });
  const file = path.join(folder.path, 'report.json');
  const written = readFileSync(file, 'utf8');
  writeReport(folder.path);
  expect(readFileSync(file, 'utf8')).toBe(written);
});

test('what is on the heap right after a major collection is recorded', async () => {
  using folder = temporaryFolder();
  const program = `
    let ballast = Array.from({ length: 1e6 }, (_, i) => ({ i }));
    gc();
    setTimeout(() => { ballast = null; gc(); setTimeout(() => {}, 300); }, 300);`;
  await start(NODE, ['--expose-gc', '--require', REGISTER, '-e', program], { env: { OUTLIVE_OUT: folder.path } });
  const [recording] = readRun(folder.path).recordings;
  const [most, least] = [Math.max, Math.min].map((of) => of(...recording!.collections.map(({ heapUsed }) => heapUsed)));
  expect(most! - least!).toBeGreaterThan(2e7);
});

test('what every process loads at its start leaves out what only a reader of recordings needs', () => {
  const bundle = (name: string) => readFileSync(path.join(path.dirname(REGISTER), `${name}.js`), 'utf8');
  const checkOfScopes = /\["job",\s*"request"\]/;
  expect(bundle('recording/build-report')).toMatch(checkOfScopes);
  expect(bundle('probe')).not.toMatch(checkOfScopes);
});
