/** A run's folder, one line of each type in it, and what a full disk, another version or a stranger makes of such files. */
import type { DatabaseRecordingLine } from '../../probe/recording/database.ts';
import type { Entry, RecordedFinding } from '../../probe/recording/format.ts';
import type { LoadLines } from '../../probe/recording/load.ts';
import type { Random } from './random.ts';

const startedMs = Date.UTC(2026, 10, 22, 14);
const frame = { file: '/srv/shop/orders.js', line: 12, column: 9, function: 'reserve', user: true };
const counts = { acquired: 40, released: 30 };
const memory = { heapUsed: 4e7, rss: 9e7, nativeContexts: 1 };

const finding: RecordedFinding = {
  ...{ kind: 'connection', nature: 'lease', detector: 'outlived-scope', certainty: 'likely', count: 10, ...counts },
  ...{ estimated: false, library: 'pg', pool: 'orders', site: 0, frame: 0, siteUnknown: null, evidence: ['It stays.'] },
  ...{ exhausted: null, holders: [{ site: 0, frame: 0, count: 10, oldestMs: 5000, idleMs: 4000, busy: 0 }] },
  scopes: [{ name: 'POST /orders', ended: 40, leaked: 10, failedWith: 'TypeError' }],
};
const exhausted: RecordedFinding = {
  ...{ ...finding, detector: 'pool-exhausted', certainty: 'suspect' },
  exhausted: { cause: 'storm', used: 10, limit: 10, waiting: 3 },
};
const open = {
  ...{ site: 0, frame: 0, kind: 'connection' as const, library: 'pg', ...counts, open: 10, busy: 0, unscoped: 0 },
  ...{ running: 0, lost: 0, leftBehind: 0, idleMs: 4000, uses: 30, longestUseMs: 20, inFlow: 30, afterScope: 0 },
  ...{ windows: 3, unref: 0, owner: null, oldestMs: 4000 },
};

const RECORDING: readonly Entry[] = [
  {
    ...{ t: 'process', schema: 'outlive.recording/1', pid: 7, parent: 0, thread: 0, host: 'h', node: 'v24.0.0' },
    ...{ argv: ['node', 'app.js'], cwd: '/srv/shop', startedMs, settings: { mode: 'soak' } },
  },
  { t: 'adapter', name: 'pg 8.23.1' },
  { t: 'unsupported', what: 'flow-ended: Node 20' },
  { t: 'unseen', what: 'tarn 3.1.0', why: 'It is not watched.' },
  { t: 'started', at: 5, pid: 8, thread: 0, argv: ['node', 'child.js'] },
  { t: 'site', id: 0, stack: [frame, { ...frame, line: 30, function: 'main' }] },
  {
    ...{ t: 'source', file: frame.file, line: 12, column: 9, module: 'shop/orders.js', ordinal: 0, isCompiled: false },
    excerpt: { first: 11, lines: ['{', '  const c = await pool.connect();', '}'], column: 9 },
  },
  { t: 'pool', id: 1, library: 'pg', name: 'orders', max: 10 },
  ...[1000, 2000, 3000].map(
    (at): Entry => ({
      ...{ t: 'sample', at, pools: [[1, 9, 1, 2, 30, 100, 900]], open: { connection: 9, timer: 2 } },
      ...{ ...memory, loopDelay: 3 },
    }),
  ),
  { t: 'gc', at: 1500, heapUsed: 3e7 },
  ...[0, 1, 2].map(
    (round): Entry => ({
      ...{ t: 'round', at: 1000 * round, round, open: { connection: round }, owed: { connection: round } },
      ...{ handles: { socket: 2 }, threads: 8, isCollected: true, findings: 1, external: 1e6, ...memory },
    }),
  ),
  { t: 'run', id: 1, name: 'nightly', began: 10, ended: 90, failedWith: null },
  { t: 'scopes', at: 3000, scopes: [{ name: 'POST /orders', kind: 'request', began: 40, ended: 40, failed: 10 }] },
  { t: 'totals', at: 3000, sites: [[0, 'connection', 'pg', 'orders', 40, 30]] },
  { t: 'lines', at: 3000, lines: [open] },
  { t: 'handles', at: 3000, handles: [{ kind: 'server', about: 'on port 3000', count: 1 }] },
  {
    ...{ t: 'held', at: 3000, omitted: 0 },
    connections: [
      {
        ...{ pool: 1, state: 'used', site: 0, frame: 0, ageMs: 5000, idleMs: 4000, busy: false },
        ...{ localAddress: '127.0.0.1', localPort: 50_000, server: '127.0.0.1:5432', connectionId: '77' },
      },
    ],
  },
  { t: 'finding', at: 2500, key: 'a', finding },
  { t: 'finding', at: 2600, key: 'b', finding: exhausted },
  { t: 'withdrawn', at: 2900, key: 'b', why: 'the pool recovered' },
  {
    t: 'notice',
    at: 2000,
    library: 'oracledb',
    pool: null,
    name: 'trap',
    count: 2,
    sentence: 'It fell.',
    remedy: 'Do not.',
  },
  { t: 'cost', at: 3000, cpuMs: 12, share: 0.01, forcedGc: 1, faults: 1, dropped: { sample: 3 } },
  { t: 'end', at: 3100, end: 'exit', code: 0 },
];

const LOAD: readonly LoadLines[] = [
  { t: 'load', schema: 'outlive.load/1', kind: 'requests', targets: ['GET http://h/x'], connections: 2, planned: 2 },
  ...[0, 1, 2].map(
    (round): LoadLines => ({
      ...{
        t: 'round',
        round,
        startedMs: startedMs + 1000 * round,
        endedMs: startedMs + 1000 * round + 900,
        requests: 55,
      },
      ...{ targets: [{ target: 0, statuses: { 200: 50, 500: 5 }, failed: 5 }], errors: 1 },
      ...{ latency: { p50: 1, p99: 13, max: 15 }, open: round, findings: 1 },
    }),
  ),
  {
    ...{ t: 'fault', kind: 'query', site: { file: frame.file, line: 14, column: 3, function: 'reserve' }, ordinal: 1 },
    ...{ outcome: 'leaks', sentence: 'It stays.', test: null },
  },
  { t: 'end', problems: ['The service ended.'] },
];

const DATABASE: readonly DatabaseRecordingLine[] = [
  { t: 'database', schema: 'outlive.database/1', name: 'shop', kind: 'postgresql', startedMs },
  {
    ...{ t: 'server', at: 0, version: 'PostgreSQL 18.4', address: '127.0.0.1:5432', database: 'shop' },
    ...{ maxSessions: 100, cores: 2, missing: [] },
  },
  ...[500, 1500, 2500].map(
    (at): DatabaseRecordingLine => ({
      ...{ t: 'look', at, sessions: { active: 1, idle: 8, 'idle in transaction': 1, other: 0 }, waits: { Lock: 1 } },
      ...{ totals: { commits: at, rollbacks: 1, deadlocks: 0, lost: 0 }, cpuMs: at, memoryBytes: 5e7, tookMs: 2 },
    }),
  ),
  {
    ...{ t: 'sessions', at: 3000, omitted: 0 },
    sessions: [
      {
        ...{
          id: '77',
          address: '127.0.0.1',
          port: 50_000,
          connectionId: '77',
          application: 'orders',
          database: 'shop',
        },
        ...{
          state: 'idle in transaction',
          stateMs: 4000,
          transactionMs: 4500,
          ageMs: 5000,
          wait: null,
          blockedBy: ['78'],
        },
        statement: 'select ?',
      },
    ],
  },
  { t: 'gap', at: 3050, why: 'It went away', isRefused: false },
  { t: 'end', at: 3100 },
];

const FILES: Readonly<Record<string, readonly unknown[]>> = {
  [`7-0-${startedMs}.jsonl`]: RECORDING,
  'load.jsonl': LOAD,
  'database-shop.jsonl': DATABASE,
};

const STRANGE: readonly unknown[] = [
  ...[
    null,
    true,
    -1,
    0,
    1.5,
    1e308,
    -1e308,
    9e15,
    '',
    'x',
    '__proto__',
    'constructor',
    'file:///%zz',
    'http://[',
    '\0',
  ],
  ...[[], {}, [[]], [null], { a: 1 }, 'é'.repeat(500), { toString: 1 }, '2026-13-45', '-0', 'NaN', '</script><b>'],
];

/** The files of a run, one of them or more not as they should be. */
export function brokenRun(random: Random): Record<string, Buffer> {
  const broken = new Set(random.many(1, 2, () => random.pick(Object.keys(FILES))));
  return Object.fromEntries(
    Object.entries(FILES).map(([name, lines]) => {
      const copies = lines.map((line) => structuredClone(line) as unknown);
      if (!broken.has(name)) return [name, bytesOf(copies)];
      for (const change of random.many(0, 3, () => random.pick(CHANGES))) change(copies, random);
      return [name, random.chance(0.25) ? torn(bytesOf(copies), random) : bytesOf(copies)];
    }),
  );
}

type Change = (lines: unknown[], random: Random) => void;

const CHANGES: readonly Change[] = [
  // a field is something else; most often, since most can go wrong by it
  ...new Array<Change>(5).fill((lines, random) => changeSomewhere(random.pick(lines), random)),
  (lines, random) => lines.splice(random.below(lines.length), 1),
  (lines, random) => lines.splice(random.below(lines.length), 0, structuredClone(random.pick(lines))),
  (lines, random) => lines.splice(random.below(lines.length), 0, random.pick(STRANGE)),
  (lines) => lines.reverse(),
  (lines, random) =>
    lines.splice(random.below(lines.length), 0, { t: random.pick(['file:///%zz', 'toString', 'new']) }),
];

/** A field of it, or of what it holds. */
function changeSomewhere(value: unknown, random: Random): void {
  if (typeof value !== 'object' || value === null) return;
  const keys = Object.keys(value);
  const key = random.pick(keys);
  if (key === undefined) return;
  const fields = value as Record<string, unknown>;
  const inner = fields[key];
  if (typeof inner === 'object' && inner !== null && random.chance(0.7)) changeSomewhere(inner, random);
  else if (random.chance(0.2)) delete fields[key];
  else fields[key] = structuredClone(random.pick(STRANGE));
}

function bytesOf(lines: readonly unknown[]): Buffer {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** Cut off, or with some bytes changed. */
function torn(bytes: Buffer, random: Random): Buffer {
  if (random.chance(0.5)) return bytes.subarray(0, random.below(bytes.length));
  for (let count = 1 + random.below(8); count > 0; count--) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}
