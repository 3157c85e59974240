import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConnectionFactory } from '../pipeline/connections/factory.ts';
import { DEFAULT_CONNECTIONS } from '../pipeline/connections/settings.ts';
import { type EmbeddedPostgres, startPostgres } from '../pipeline/store/embedded.ts';
import type { Comparison, Measured } from '../reports/comparison/comparison.ts';
import { renderComparison } from '../reports/comparison/page.ts';
import { comparisonTable } from '../reports/comparison/terminal.ts';
import { connectionStorm } from '../scenarios/connection-storm/scenario.ts';
import { LineProxy } from '../scenarios/faults/proxy.ts';
import { hybrid } from '../scenarios/hybrid/scenario.ts';
import { type CountedError, errorsOf, explain, misleading } from '../scenarios/overload/causes.ts';
import { roomFor } from '../scenarios/overload/fit.ts';
import { EVEN } from '../scenarios/overload/jobs.ts';
import { arrivalsOf, type Load, offeredBy } from '../scenarios/overload/load.ts';
import { judged } from '../scenarios/overload/outcome.ts';
import { claimable, fitted, needOf, type OverloadPlan, onlyOf } from '../scenarios/overload/plan.ts';
import { doubtOf, sizeBy } from '../scenarios/overload/rules.ts';
import type { Speed } from '../scenarios/overload/speed.ts';
import { poolContention } from '../scenarios/pool-contention/scenario.ts';
import { poolModels } from '../scenarios/pool-models/scenario.ts';
import { CLI, start } from './support/probed.ts';
import { browser, ReportPage } from './support/report-page.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const SMALL_STORM = join(import.meta.dirname, 'fixtures/overload/small-storm.mjs');
const LOAD: Load = { seed: 1, jobs: EVEN, lanes: 4, duration: 20_000 };

describe('offered work', () => {
  test('is the same for the same seed, and its hash tells other work apart', () => {
    const { hash } = offeredBy(LOAD);
    expect(offeredBy(structuredClone(LOAD)).hash).toBe(hash);
    const others = [
      { ...LOAD, seed: 2 },
      { ...LOAD, lanes: 5 },
      { ...LOAD, duration: 19_000 },
      { ...LOAD, jobs: EVEN.map((job) => ({ ...job, hold: 1 })) },
    ];
    expect(new Set([hash, ...others.map((load) => offeredBy(load).hash)]).size).toBe(5);
  });

  test('comes in bursts and at random, whatever becomes of it', () => {
    const job = { ...EVEN[0]!, burst: 2, burstEvery: 8000, every: 500 };
    const arrivals = arrivalsOf(LOAD, job, 3);
    expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b));
    for (const at of [0, 8000, 16_000]) expect(arrivals.filter((due) => due === at).length).toBeGreaterThanOrEqual(2);
    // 20 s at two a second, and three bursts of two: off by less than three standard deviations
    expect(Math.abs(arrivals.length - 46)).toBeLessThan(20);
    expect(arrivalsOf(LOAD, job, 2)).not.toEqual(arrivals);
    expect(arrivalsOf(LOAD, { ...job, every: null }, 3)).toEqual([0, 0, 8000, 8000, 16_000, 16_000]);
  });
});

describe('what fits', () => {
  const plenty = { freeBytes: 64 * 2 ** 30, freeProcesses: 30_000, openFiles: 20_000 };

  test('the storm wants 1,200 connections in the large region, the hybrid 40, and the small region 60', () => {
    const wanted = connectionStorm.variants.map((variant) => needOf(variant, variant.region.slots).connections);
    expect(wanted).toEqual([1200, 40, 60]);
  });

  test.each([
    ['memory', { freeBytes: 2 * 2 ** 30 }, /^2048 MB of memory are free$/],
    ['processes', { freeProcesses: 300 }, /^300 more processes may be started$/],
    ['open files', { openFiles: 256 }, /^a process may have 256 files open$/],
  ])('too few %s are seen', (what, less, words) => {
    const [scarcest] = roomFor({ taskManagers: 4, connections: 1200 }, null, { ...plenty, ...less });
    expect(scarcest).toMatchObject({ what, words: expect.stringMatching(words) });
    expect(scarcest!.connections).toBeLessThan(1200);
    expect(roomFor({ taskManagers: 4, connections: 1200 }, null, plenty)[0]!.connections).toBeGreaterThan(1200);
  });

  test('a server that is not ours bounds the storm: all variants of a region are scaled alike, and it is said why', () => {
    const { plan, why } = fitted(connectionStorm, 97);
    expect(plan.variants.map(({ region }) => region.slots)).toEqual([2, 2, 6]);
    expect(why).toEqual([
      'large region: Scaled down from 30 to 2 slots a job: 1,200 connections would be asked for, but the server has 97 sessions to give.',
    ]);
    expect(fitted(connectionStorm, null).plan).toEqual(connectionStorm);
  });
});

const SPEED: Speed = { logons: 300, transactions: 1000, heldUpMs: 20, session: null, control: [10, 10] };

describe('an overload is sized by what was measured', () => {
  const sized = (plan: OverloadPlan, logons: number, transactions: number, fit = (wish: OverloadPlan) => wish) => {
    const speed = { ...SPEED, logons, transactions };
    return sizeBy(plan.sizing ?? [], plan, { speed, fit, isFixed: false, limits: null });
  };
  const storm = (plan: OverloadPlan) => plan.variants.find(({ name }) => name === 'large-per-slot')!;

  test.each([
    [50, 30, 8],
    [200, 30, 2],
    [900, 113, 2],
  ])(
    'at %i logons a second a storm of %i slots is as far above the limit of %i s as all else is below, at least',
    (logons, slots, seconds) => {
      const { plan, words } = sized(connectionStorm, logons, 1000);
      expect(storm(plan).region.slots).toBe(slots);
      expect(plan.server.logonSeconds).toBe(seconds);
      const wanted = needOf(storm(plan), slots).connections;
      expect(wanted / logons).toBeGreaterThanOrEqual(2.5 * seconds);
      expect(plan.server.maxSessions).toBeGreaterThan(wanted);
      // who waits longer than the server blames the server
      expect(plan.pools.logonTimeout).toBeGreaterThan(2000 * seconds);
      // the small region, which wants most but for the storm
      expect(60 / logons).toBeLessThan(seconds / 2.5);
      expect(words).toEqual([expect.stringContaining(`the server allows a logon ${seconds} s`)]);
    },
  );

  test.each([
    [200, null],
    [400, null],
    [100, null],
    [1200, /^at 1200 logons a second the storm's take 1\.0 s, and the server allows each 2 s: that is no storm$/],
    [30, /^at 30 logons a second those without a storm take 2\.0 s already, and the server allows each 2 s$/],
  ])('what was sized at 200 logons a second, with %i afterwards: %s', (logons, doubt) => {
    const { plan } = sized(connectionStorm, 200, 1000);
    const told = doubtOf(connectionStorm.sizing ?? [], plan, { ...SPEED, logons });
    expect(told).toEqual(doubt && expect.stringMatching(doubt));
  });

  test('where programs are held up the server allows a logon longer, and the storm is as much larger', () => {
    const speed = { ...SPEED, logons: 200, heldUpMs: 1500 };
    const { plan } = sizeBy(connectionStorm.sizing ?? [], connectionStorm, {
      ...{ speed, fit: (wish: OverloadPlan) => wish, isFixed: false, limits: null },
    });
    expect(plan.server.logonSeconds).toBe(5);
    expect(needOf(storm(plan), storm(plan).region.slots).connections / speed.logons).toBeGreaterThanOrEqual(2.5 * 5);
    const doubt = (heldUpMs: number) => doubtOf(connectionStorm.sizing ?? [], plan, { ...speed, heldUpMs });
    expect(doubt(3000)).toBeNull();
    expect(doubt(4000)).toBe('a program that logs on is held up for 4.0 s at once, and the server allows a logon 5 s');
  });

  test('a storm that is none says nothing against what is compared beside it', () => {
    const { plan } = sized(poolModels, 200, 1000);
    const doubt = (...names: string[]) =>
      doubtOf(poolModels.sizing ?? [], onlyOf(plan, names), { ...SPEED, logons: 1200 });
    expect(doubt('per-slot', 'shared', 'per-job')).toContain('that is no storm');
    expect(doubt('heavy-shared', 'heavy-per-job')).toBeNull();
    const heavy = { ...plan, variants: onlyOf(poolModels, ['heavy-shared', 'heavy-per-job']).variants };
    expect(sized(heavy, 1200, 1000).plan).toMatchObject({ server: plan.server, pools: plan.pools });
  });

  test('nor is a heavy job to be told from a database that has become too slow for it', () => {
    const { plan } = sized(hybrid, 300, 1000);
    const doubt = (transactions: number) => doubtOf(hybrid.sizing ?? [], plan, { ...SPEED, transactions });
    expect(doubt(600)).toBeNull();
    expect(doubt(50)).toContain('the database itself keeps a connection too long');
  });

  test('where there is no room for the storm that is wanted, the limit follows the one that fits', () => {
    const { plan } = sized(connectionStorm, 900, 1000, (wish) => fitted(wish, 1000).plan);
    expect(storm(plan).region.slots).toBe(25);
    expect(plan.server.logonSeconds).toBe(1);
  });

  test('on a slow database the heavy job holds longer and comes less often, and the light ones ask for less', () => {
    const jobs = (plan: OverloadPlan) => {
      const heavy = plan.variants.at(-1)!.region.jobs.find((job) => job.class === 'heavy')!;
      return { hold: heavy.hold, burst: heavy.burst, every: plan.variants[0]!.region.jobs[0]!.every };
    };
    expect(jobs(sized(hybrid, 300, 2000).plan)).toEqual({ hold: 400, burst: 12, every: 4000 });
    expect(jobs(sized(hybrid, 300, 50).plan)).toEqual({ hold: 2000, burst: 2, every: 9600 });
    // who does not hold goes on not to, with as many transactions
    const [brief, holding] = sized(poolContention, 300, 50).plan.variants.map(
      ({ region }) => region.jobs.find((job) => job.class === 'heavy')!,
    );
    expect([brief!.hold, brief!.burst, holding!.burst]).toEqual([0, 2, 2]);
  });
});

test('errors are told apart by cause, whatever the driver calls them', () => {
  const limits = { kind: 'postgresql', maxSessions: 97, logonSeconds: 4 } as const;
  const error = (during: CountedError['during'], code: string | null, message: string, age: number | null = null) => ({
    ...{ during, code, message, age, count: 1 },
  });
  const causes = (...errors: CountedError[]) => explain(errors, limits).map(({ name }) => name);
  expect(causes(error('logon', null, 'Connection terminated unexpectedly', 4100))).toEqual(['logon-abandoned']);
  expect(causes(error('logon', 'ECONNRESET', 'read ECONNRESET', 200))).toEqual(['connection-lost']);
  expect(causes(error('logon', '53300', 'sorry, too many clients already', 100))).toEqual(['connection-limit']);
  expect(causes(error('logon', null, 'timeout expired', 15_000))).toEqual(['logon-timeout']);
  expect(causes(error('acquire', null, 'timeout exceeded when trying to connect'))).toEqual(['pool-timeout']);
  expect(causes(error('acquire', null, 'ResourceRequest timed out'))).toEqual(['pool-timeout']);
  expect(causes(error('logon', '57P03', 'the database system is in recovery mode', 5))).toEqual(['server-restart']);
  expect(causes(error('work', '53100', 'could not extend file'))).toEqual(['disk-full']);
  expect(causes(error('work', null, 'Connection terminated unexpectedly'))).toEqual(['connection-lost']);
  expect(causes(error('work', '42P01', 'no such table'))).toEqual(['other']);
  const njs = error('logon', 'NJS-500', 'NJS-500: connection to Oracle Database was closed or broken', 30);
  expect(explain([njs], { kind: 'oracle', maxSessions: 20, logonSeconds: null })).toMatchObject([
    { name: 'connection-limit', sentence: expect.stringContaining('The network is not at fault.') },
  ]);
});

describe('a server that drops slow logons', () => {
  let server: EmbeddedPostgres;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false, settings: { authentication_timeout: '1s' } });
  });
  afterAll(() => server.stop());

  test('closes the socket without a word, and is named as the cause', async () => {
    const line = await LineProxy.start(server.url);
    line.line = { latencyMs: 700, bytesPerSecond: null };
    const settings = { ...DEFAULT_CONNECTIONS, url: line.url, model: 'shared', library: 'driver' } as const;
    const factory = new ConnectionFactory(settings);
    const connections = factory.connectionsFor({ job: 'ingest', slot: 1 });
    await expect(connections.acquire()).rejects.toThrow(/Connection terminated unexpectedly|ECONNRESET/);
    line.clear();
    (await connections.acquire()).release();
    await connections.close();
    await line.stop();
    const errors = errorsOf(factory.account().logons.failures, []);
    expect(misleading(errors)).toBe(1);
    const limits = { kind: 'postgresql', maxSessions: 97, logonSeconds: 1 } as const;
    expect(explain(errors, limits)).toMatchObject([{ name: 'logon-abandoned', count: 1 }]);
    expect(readFileSync(server.logFile, 'utf8')).toContain('canceling authentication due to timeout');
  });
});

/** A run in which every claim of the plan holds, by its numbers alone. */
function measured(variant: string, others: Partial<Measured> = {}): Measured {
  return {
    ...{ variant, model: 'per-job', topology: '', poolMax: 6, seconds: 10, errors: [], errorCount: 0, misleading: 0 },
    connections: { wanted: 1200, asked: 1200, opened: 1200, underWayPeak: 1200, peak: 1200, limit: 1400 },
    transactions: { offered: 10, done: 10, lost: 0, doubled: 0 },
    latency: { light: { count: 5, p50: 5, p95: 50, p99: 50 }, heavy: { count: 5, p50: 900, p95: 990, p99: 990 } },
    waits: [
      {
        job: 'rules',
        class: 'light',
        wait: { count: 5, p50: 1, p95: 9, p99: 9 },
        waitedFor: [{ job: 'rules', share: 1 }],
      },
    ],
    server: { cpuPerTransaction: 1, memoryPeakBytes: 10, memoryPerTransactionBytes: 1 },
    ...others,
  };
}
const stormy: Partial<Measured> = {
  ...{ errorCount: 9, misleading: 9 },
  errors: [{ name: 'logon-abandoned', title: '', count: 9, sentence: '', said: [] }],
  server: { cpuPerTransaction: 5, memoryPeakBytes: 50, memoryPerTransactionBytes: 5 },
};
const slowLight = {
  light: { count: 5, p50: 500, p95: 5000, p99: 5000 },
  heavy: { count: 5, p50: 400, p95: 500, p99: 500 },
};
const charged = [
  {
    job: 'rules',
    class: 'light',
    wait: { count: 5, p50: 1, p95: 900, p99: 900 },
    waitedFor: [{ job: 'correlate', share: 0.9 }],
  },
];

test.each<[string, OverloadPlan, Measured[], worse: Record<string, Partial<Measured>>]>([
  [
    'connection-storm',
    connectionStorm,
    [measured('small-per-slot'), measured('large-per-slot', stormy), measured('large-per-job')],
    {
      'small-per-slot': stormy,
      'large-per-slot': { ...measured(''), connections: { ...measured('').connections, underWayPeak: 900 } },
      'large-per-job': {
        ...stormy,
        server: { cpuPerTransaction: 6, memoryPeakBytes: 1, memoryPerTransactionBytes: 1 },
      },
    },
  ],
  [
    'pool-contention',
    poolContention,
    [measured('brief'), measured('holding', { waits: charged })],
    { holding: { ...measured(''), errorCount: 1 } },
  ],
  [
    'hybrid',
    hybrid,
    [
      measured('shared-10', { latency: slowLight }),
      measured('shared-50', { latency: slowLight }),
      measured('per-job-10'),
    ],
    {
      'per-job-10': {
        latency: { light: slowLight.light, heavy: { count: 5, p50: 1, p95: 1, p99: 1 } },
        waits: charged,
        errorCount: 1,
      },
    },
  ],
  [
    'pool-models',
    poolModels,
    [
      measured('per-slot', stormy),
      measured('shared'),
      measured('per-job'),
      measured('heavy-shared', { latency: slowLight }),
      measured('heavy-per-job'),
    ],
    {
      'per-slot': measured(''),
      'heavy-per-job': { latency: { light: slowLight.light, heavy: { count: 5, p50: 1, p95: 1, p99: 1 } } },
    },
  ],
])('%s: every claim can hold, and every claim can fail', (_, { claims }, good, worse) => {
  const byName = (variants: Measured[]) => Object.fromEntries(variants.map((variant) => [variant.variant, variant]));
  const bad = good.map((variant) => ({ ...variant, ...worse[variant.variant], variant: variant.variant }));
  expect(claims.filter(({ holds }) => !holds(byName(good))).map(({ words }) => words)).toEqual([]);
  expect(claims.filter(({ holds }) => holds(byName(bad))).map(({ words }) => words)).toEqual([]);
  for (const { figures } of claims) expect(figures?.(byName(good)) ?? '').not.toContain('undefined');
});

test('of a server whose processes are not measured nothing is claimed', () => {
  const run = [measured('per-slot', { ...stormy, server: null }), measured('per-job', { server: null })];
  const words = (runs: Measured[][]) => claimable(connectionStorm.claims, runs).map((claim) => claim.words);
  expect(words([[measured('per-slot')]])).toHaveLength(connectionStorm.claims.length);
  expect(words([run])).toHaveLength(connectionStorm.claims.length - 1);
  expect(words([run]).join()).not.toContain('CPU');
});

test('a claim that fails where the sizes were wrong is neither held nor refuted, unless it holds on every machine', () => {
  const claim = {
    words: 'it holds',
    compared: 'ours',
    holds: ({ a }: Readonly<Record<string, Measured>>) => a!.errorCount === 0,
  };
  const run = (errorCount: number, doubt: string | null) => ({
    measured: [measured('a', { errorCount })],
    doubts: { ...(doubt !== null && { ours: doubt }), another: 'it was never measured' },
  });
  expect(judged(claim, [run(0, 'it was slow')])).toEqual({ passed: true, sentence: 'it holds' });
  expect(judged(claim, [run(1, null)])).toEqual({ passed: false, sentence: 'it holds' });
  expect(judged(claim, [run(1, 'it was slow'), run(0, null)])).toEqual({
    ...{ passed: false, isInconclusive: true },
    sentence: 'it holds (1 of 2 runs): not to be told here, as it was slow',
  });
  expect(judged(claim, [run(1, 'it was slow'), run(1, null)])).toMatchObject({
    passed: false,
    sentence: 'it holds (0 of 2 runs)',
  });
  expect(judged({ ...claim, always: true }, [run(1, 'it was slow')])).toEqual({ passed: false, sentence: 'it holds' });
});

test('a storm of some seconds: the table, the report, the cause, and no work lost', { timeout: 180_000 }, async () => {
  using folder = temporaryFolder();
  const args = [CLI, 'soak', SMALL_STORM, '--out', folder.path, '--json'];
  const { code, stdout, stderr } = await start(process.execPath, args, { env: { DATABASE_URL: '' } });
  expect(stdout, stderr).toMatch(/^{/);
  const { checks, variants, comparison, html } = JSON.parse(stdout) as {
    checks: { passed: boolean; sentence: string }[];
    variants: {
      variant: string;
      report: { findings: { detector: string; certainty: string }[]; processes: unknown[] };
    }[];
    comparison: Comparison;
    html: string;
  };
  const [perSlot, perJob] = comparison.runs[0] as [Measured, Measured];
  const errors = JSON.stringify([perSlot.errors, perJob.errors]);
  expect(
    checks.map(({ passed }) => passed),
    `${checks.map(({ sentence }) => sentence).join('; ')}: ${errors}`,
  ).toEqual([true, true]);
  expect(code, stderr).toBe(0);
  expect(perSlot.connections).toMatchObject({ wanted: 96, limit: expect.any(Number) });
  expect(perSlot.errors[0]).toMatchObject({ name: 'connection-limit' });
  expect(perSlot.errors[0]!.said[0]!.text).toMatch(/^53300 /);
  expect(perJob.connections.peak).toBeLessThanOrEqual(24);
  // one pool a task manager and job, each seen by the probe in its process
  expect(variants[1]!.report.processes).toHaveLength(2);
  for (const { report } of variants) {
    expect(report.findings.filter(({ detector }) => detector !== 'pool-exhausted')).toEqual([]);
  }
  const { transactions } = comparison.loads[0]!;
  expect([perSlot, perJob].map((each) => each.transactions)).toEqual([
    { offered: transactions, done: transactions, lost: 0, doubled: 0 },
    { offered: transactions, done: transactions, lost: 0, doubled: 0 },
  ]);
  expect(readFileSync(html, 'utf8')).toContain('the server had no session left');
  expect(readdirSync(join(folder.path, 'per-slot')).some((name) => name.startsWith('database-'))).toBe(true);
});

test('Ctrl-C in the midst of a storm leaves nothing behind', { timeout: 180_000 }, async () => {
  using folder = temporaryFolder();
  const args = [CLI, 'soak', SMALL_STORM, '--out', folder.path];
  const runner = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DATABASE_URL: '' },
  });
  const gone = once(runner, 'exit');
  await new Promise<void>((resolve) => {
    let said = '';
    runner.stderr.on('data', (text) => {
      said += text;
      if (said.includes('lanes begin')) resolve();
    });
  });
  const left = descendantsOf(runner.pid!);
  expect(left.length).toBeGreaterThan(2);
  runner.kill('SIGINT');
  expect((await gone)[0]).toBe(130);
  await until('all processes of the storm to end', () => !left.some((pid) => existsSync(`/proc/${pid}`)));
});

describe.skipIf(!browser)('the page of a comparison', () => {
  const report = new ReportPage();

  test('reads in both themes, on a phone and aloud, escapes what it was told, and is silent', async () => {
    const told = '<img src=x onerror=alert(1)>';
    const errors = [
      { ...stormy.errors![0]!, title: 'gave up', sentence: 'It was slow.', said: [{ text: told, count: 9 }] },
    ];
    const runs = [[measured('per-slot', { ...stormy, errors, waits: charged }), measured('per-job')]];
    const comparison: Comparison = {
      ...{ title: 'two models', story: 'A story.', seed: 7, server: 'a server', machine: '2 cores', runs },
      loads: [{ name: 'region', hash: 'abc', transactions: 10, words: '1 task manager × 1 job × 2 slots' }],
      sizing: ['Measured here: 500 logons a second.'],
      scaledDown: 'Scaled down from 30 to 2 slots a job: it would not fit.',
      claims: [
        { passed: true, sentence: 'it holds' },
        { passed: false, sentence: 'it does not' },
        { passed: false, isInconclusive: true, sentence: 'nobody knows' },
      ],
    };
    const file = join(report.folder, 'comparison.html');
    writeFileSync(file, renderComparison(comparison));
    await report.openFile(file);
    const { page } = report;
    expect(await page.locator('h1').innerText()).toMatch(/^1 claim did not hold\.\s+Two models$/);
    expect(await page.locator('.claims li').allInnerTexts()).toEqual([
      expect.stringMatching(/^held\s+it holds$/),
      expect.stringMatching(/^did not hold\s+it does not$/),
      expect.stringMatching(/^not judged\s+nobody knows$/),
    ]);
    expect(await page.locator('.causes code').allInnerTexts()).toEqual([told]);
    expect(await page.locator('.scaled').innerText()).toMatch(/Scaled down from 30 to 2 slots/);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await report.complaints()).toEqual([]);
    }
    await page.setViewportSize({ width: 360, height: 900 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    report.silent();
  });
});

test('the table for the terminal has each variant, the cause of its errors, and who waited for whom', () => {
  const runs = [[measured('per-slot', { ...stormy, waits: charged }), measured('per-job')]];
  const table = comparisonTable({
    ...{ title: '', story: '', seed: 7, server: 'a server', machine: '2 cores', runs, claims: [] },
    loads: [{ name: 'region', hash: 'abc', transactions: 10, words: 'in words' }],
    sizing: ['Measured here: 500 logons a second.'],
    scaledDown: 'Scaled down.',
  });
  expect(table).toMatch(/^ +per-slot +per-job$/m);
  expect(table).toMatch(/^database CPU per transaction +5 ms +1 ms$/m);
  expect(table).toMatch(/^Offered in the region: 10 transactions in in words \(seed 7, work abc\)\.$/m);
  expect(table).toMatch(/^Measured here: 500 logons a second\.$/m);
  expect(table).toMatch(/^Scaled down\.$/m);
  expect(table).toMatch(/^per-slot: 9 errors$/m);
  expect(table).toMatch(/^ {2}rules waited 900 ms at p99, 90 % of it for correlate$/m);
});

function descendantsOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  const children = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

test.each([
  ['--slots', '0', /--slots must be a whole number from 1 to 1000, not "0"/],
  ['--fault', 'flood', /--fault must be none, .* or restart, not "flood"/],
])('%s %s is wrong use', async (option, value, sentence) => {
  const { code, stderr } = await start(process.execPath, [CLI, 'soak', 'hybrid', option, value]);
  expect(code).toBe(2);
  expect(stderr).toMatch(sentence);
});
