/** Hand-made reports and recordings: a leaking and a clean run of the same small service. */
import type { Recording, RunLine, SampleLine } from '../../probe/recording/format.ts';
import type { Finding, Report, ReportProcess } from '../../probe/recording/report.ts';

const CWD = '/srv/shop';
const STARTED = Date.UTC(2026, 10, 22, 14, 3);

export function makeProcess(changes: Partial<ReportProcess> = {}): ReportProcess {
  return {
    pid: 4211,
    parent: 0,
    thread: 0,
    host: 'shop-1',
    node: 'v24.21.0',
    argv: ['/usr/bin/node', `${CWD}/src/server.ts`, '--port', '3000'],
    started: new Date(STARTED).toISOString(),
    release: '1.4.0',
    ended: new Date(STARTED + 724_000).toISOString(),
    end: 'exit',
    endedBy: null,
    heapLimit: null,
    exitCode: 0,
    adapters: ['pg 8.23.1', 'timers'],
    unsupported: [],
    cost: { cpuMs: 412, share: 0.004, forcedGc: 2 },
    faults: 0,
    ...changes,
  };
}

/** `rules.ts:12` keeps one connection in each of 14 of 200 runs, all of which failed. */
export function makeFinding(changes: Partial<Finding> = {}): Finding {
  return {
    id: 'src/rules.ts:reserve:pool.connect:1',
    kind: 'connection',
    nature: 'lease',
    detector: 'collected',
    certainty: 'proven',
    count: 14,
    acquired: 200,
    released: 186,
    estimated: false,
    library: 'pg',
    pool: 'orders',
    origin: 'user',
    site: { file: `${CWD}/src/rules.ts`, line: 12, column: 29, function: 'reserve' },
    siteUnknown: null,
    held: [],
    stack: [
      {
        file: `${CWD}/node_modules/pg-pool/index.js`,
        line: 174,
        column: 18,
        function: 'BoundPool.connect',
        user: false,
      },
      { file: `${CWD}/src/rules.ts`, line: 12, column: 29, function: 'reserve', user: true },
      { file: `${CWD}/src/jobs/runner.ts`, line: 41, column: 11, function: 'JobRunner.run', user: true },
      {
        file: 'node:internal/process/task_queues',
        line: 105,
        column: 5,
        function: 'processTicksAndRejections',
        user: false,
      },
    ],
    callers: [
      {
        site: { file: `${CWD}/src/jobs/runner.ts`, line: 41, column: 11, function: 'JobRunner.run' },
        acquired: 200,
        released: 186,
      },
    ],
    evidence: [
      'The 14 clients were garbage-collected while their leases were open.',
      'The 186 that were released were released 3 to 41 ms after they were acquired.',
    ],
    exhausted: null,
    holders: [],
    scopes: [{ name: 'rules', ended: 200, leaked: 14, failedWith: 'OutOfStock' }],
    recurrence: null,
    recipe: null,
    excerpt: {
      first: 9,
      column: 29,
      lines: [
        'export async function reserve(pool: Pool, order: Order): Promise<void> {',
        '  const sku = order.lines[0].sku;',
        '',
        '  const client = await pool.connect();',
        "  const stock = await client.query('select left from stock where sku = $1', [sku]);",
        '  if (stock.rows[0].left < order.quantity) throw new OutOfStock(sku);',
        "  await client.query('update stock set left = left - $2 where sku = $1', [sku, order.quantity]);",
        '  client.release();',
        '}',
      ],
    },
    ...changes,
  };
}

export const TIMER_FINDING = makeFinding({
  id: 'src/session.ts:open:setInterval:1',
  kind: 'timer',
  nature: 'interval',
  detector: 'outlived-scope',
  certainty: 'likely',
  count: 200,
  acquired: 200,
  released: 0,
  library: 'node',
  pool: null,
  site: { file: `${CWD}/src/session.ts`, line: 31, column: 16, function: 'open' },
  stack: [{ file: `${CWD}/src/session.ts`, line: 31, column: 16, function: 'open', user: true }],
  callers: [],
  evidence: ['Each of 200 runs of rules left one interval behind.'],
  scopes: [{ name: 'rules', ended: 200, leaked: 200, failedWith: null }],
  excerpt: {
    first: 30,
    column: 16,
    lines: [
      'export function open(): Session {',
      '  const beat = setInterval(() => ping(), 5_000);',
      '  return { beat };',
    ],
  },
});

export const SUSPECT_FINDING = makeFinding({
  id: 'src/export.ts:stream:pool.connect:1',
  detector: 'held-too-long',
  certainty: 'suspect',
  count: 1,
  acquired: 12,
  released: 11,
  site: { file: `${CWD}/src/export.ts`, line: 88, column: 20, function: 'stream' },
  stack: [],
  callers: [],
  evidence: ['Held for 312 s; this line usually holds one for 2 to 9 s.'],
  scopes: [],
  excerpt: null,
});

export function makeReport(changes: Partial<Report> = {}): Report {
  return {
    schema: 'outlive.report/1',
    verdict: 'leak',
    processes: [makeProcess()],
    findings: [makeFinding(), TIMER_FINDING, SUSPECT_FINDING],
    withdrawn: [],
    notices: [],
    load: null,
    unseen: [],
    open: [],
    watched: [
      { kind: 'connection', library: 'pg', acquired: 18_440, released: 18_425 },
      { kind: 'timer', library: 'node', acquired: 9120, released: 8920 },
      { kind: 'socket', library: 'node', acquired: 64, released: 60 },
    ],
    scopes: [
      { name: 'POST /orders', kind: 'request', began: 18_240, ended: 18_240, failed: 31 },
      { name: 'rules', kind: 'job', began: 200, ended: 200, failed: 14 },
    ],
    settings: { OUTLIVE_STACKS_PER_SECOND: 300, OUTLIVE_SIGNALS: false },
    dropped: {},
    problems: [],
    ...changes,
  };
}

export function makeCleanReport(changes: Partial<Report> = {}): Report {
  return makeReport({
    verdict: 'clean',
    findings: [],
    watched: [
      { kind: 'connection', library: 'pg', acquired: 18_440, released: 18_440 },
      { kind: 'timer', library: 'node', acquired: 9120, released: 9118 },
    ],
    ...changes,
  });
}

/** The recording that belongs to the reports above: `samples` gauges over 724 s, `leaked` connections lost on the way. */
export function makeRecording({ samples = 724, leaked = 14, pool = 'orders', name = 'rules' } = {}): Recording {
  const step = 724_000 / samples;
  const noise = pseudoRandom(7);
  const runs = Array.from({ length: 200 }, (_, i): RunLine => {
    const failed = leaked > 0 && i % 14 === 3 && i > 3 && i < 200;
    return { t: 'run', id: i, name, began: i * 3600, ended: i * 3600 + 2600, failedWith: failed ? 'OutOfStock' : null };
  });
  return {
    file: '/srv/shop/.outlive/1/4211-0-1.jsonl',
    process: {
      t: 'process',
      schema: 'outlive.recording/1',
      pid: 4211,
      parent: 0,
      thread: 0,
      host: 'shop-1',
      node: 'v24.21.0',
      argv: ['/usr/bin/node', `${CWD}/src/server.ts`],
      cwd: CWD,
      startedMs: STARTED,
      settings: {},
    },
    adapters: ['pg 8.23.1', 'timers'],
    unsupported: [],
    unseen: [],
    died: null,
    reach: null,
    started: [],
    sites: new Map(),
    places: new Map(),
    pools: new Map([[1, { t: 'pool', id: 1, library: 'pg', name: pool, max: 20 }]]),
    samples: Array.from({ length: samples }, (_, i): SampleLine => {
      const progress = i / samples;
      const held = Math.floor(progress * leaked);
      const busy = Math.min(20 - held, Math.round(2 + 1.6 * Math.sin(i / 23) + noise()));
      const used = held + busy;
      const pending = used > 15 ? Math.floor(noise() * 6) : 0;
      return {
        t: 'sample',
        at: i * step,
        pools: [[1, used, Math.max(0, Math.min(8, 20 - used) - (Math.floor(i / 40) % 2)), pending]],
        open: {
          connection: used,
          timer: 4 + Math.floor(progress * leaked * 3),
          socket: 22 + (Math.floor(i / 31) % 3),
          server: 1,
        },
        heapUsed: 4.1e7 + progress * leaked * 1.4e6 + ((i * 53) % 97) * 2.2e5,
        rss: 1.12e8 + progress * leaked * 1.6e6 + noise() * 2e6,
        nativeContexts: 1 + Math.floor(progress * leaked * 0.6) + (Math.floor(i / 30) % 3),
        loopDelay: 1.5 + noise() * 3 + (noise() > 0.985 ? 38 * noise() : 0),
      };
    }),
    collections: [],
    runs,
    scopes: [
      { name, kind: 'job', began: 200, ended: 200, failed: runs.filter((run) => run.failedWith !== null).length },
      { name: 'POST /orders', kind: 'request', began: 18_240, ended: 18_240, failed: 31 },
    ],
    totals: [],
    open: [],
    openSites: [],
    handles: [],
    rounds: [],
    forecast: null,
    held: [],
    findings: new Map(),
    withdrawn: [],
    notices: new Map(),
    end: { t: 'end', at: 724_000, end: 'exit', code: 0 },
    cost: null,
    faults: [],
    lastAt: 724_000,
    problems: [],
  };
}

/** Repeatable noise between 0 and 1. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
