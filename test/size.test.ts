import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generator } from '../reports/database/correlation.ts';
import { simulate } from '../reports/sizing/simulate.ts';
import { sizing } from '../reports/sizing/size.ts';
import { demandOf, type Topology } from '../reports/sizing/topology.ts';
import { fitLaw, type Law, throughputAt } from '../reports/sizing/usl.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { CLI, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const LAW: Law = { lambda: 100, sigma: 0.05, kappa: 0.001 };
const LEVELS = [1, 2, 4, 8, 16, 32, 64];
const pointsOf = (law: Law, noise: () => number = () => 0, levels = LEVELS) =>
  levels.map((concurrency) => ({ concurrency, throughput: throughputAt(law, concurrency) * (1 + noise()) }));
const noise = (share: number, seed: number) => {
  const random = generator(seed);
  return () => 2 * share * (random() - 0.5);
};

describe('the law', () => {
  test('is found again in points that follow it, with its peak and knee', () => {
    const { fit, doubts } = fitLaw(pointsOf(LAW));
    expect(doubts).toEqual([]);
    expect(fit!.law.lambda).toBeCloseTo(100, 3);
    expect(fit!.law.sigma).toBeCloseTo(0.05, 5);
    expect(fit!.law.kappa).toBeCloseTo(0.001, 6);
    expect(fit!.peak).toBeCloseTo(Math.sqrt(0.95 / 0.001), 2);
    expect(fit!.knee).toBeCloseTo(throughputAt(LAW, fit!.peak!) / 100, 2);
    // as few as do nearly as much
    expect(throughputAt(LAW, fit!.enough!)).toBeGreaterThanOrEqual(0.95 * fit!.peakThroughput!);
    expect(throughputAt(LAW, fit!.enough! - 1)).toBeLessThan(0.95 * fit!.peakThroughput!);
  });

  test('of noisy points comes with its error, and an interval that mostly holds the true peak', () => {
    let held = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const { fit } = fitLaw(pointsOf(LAW, noise(0.06, seed)));
      expect(fit!.error).toBeGreaterThan(0.003);
      expect(fit!.leftOutError).toBeGreaterThan(fit!.error);
      const [low, high] = fit!.peakInterval ?? [0, Number.POSITIVE_INFINITY];
      if (low <= Math.sqrt(950) && Math.sqrt(950) <= high) held++;
    }
    expect(held).toBeGreaterThanOrEqual(9);
  });

  test.each([
    ['too few levels', pointsOf(LAW, undefined, [1, 2, 4, 8]), /at least 5 levels of concurrency, there are 4/],
    ['no curvature', pointsOf({ lambda: 100, sigma: 0, kappa: 0 }), /still rises at 64 connections/],
    ['a peak far beyond what was measured', pointsOf({ ...LAW, kappa: 1e-5 }), /still rises at 64 connections/],
    ['points that follow no law', pointsOf(LAW, noise(0.9, 5)), /do not follow the law|too flat or too noisy/],
  ])('is not to be used with %s, and says so', (_, points, doubt) => {
    const { doubts, peakDoubts } = fitLaw(points);
    expect([...doubts, ...peakDoubts].join('; ')).toMatch(doubt);
  });
});

describe('a topology', () => {
  const large: Topology = { regions: 1, taskManagers: 4, jobs: 5, slots: 30, operations: 2, poolMin: 1, poolMax: 10 };

  test('opens by each model what the reference incident opened', () => {
    expect(demandOf('per-slot', large)).toMatchObject({ pools: 600, atStart: 600, asked: 1200, atPeak: 1200 });
    expect(demandOf('per-job', large)).toMatchObject({ pools: 20, atStart: 20, asked: 1200, atPeak: 200 });
    expect(demandOf('shared', large)).toMatchObject({ pools: 4, atStart: 4, asked: 1200, atPeak: 40 });
  });

  test('is advised below the peak and the limit, and told what would be refused', () => {
    const measured = { points: pointsOf(LAW), validation: [], limit: 500, notes: [] };
    const { plans, recommendation } = sizing({ measured, topology: large, thinkMs: 300, limit: null });
    expect(plans.find(({ model }) => model === 'per-slot')).toMatchObject({
      outcome: null,
      problem: '700 beyond the limit are refused',
    });
    // 21 connections reach 95 % of the peak: one for each of the 20 pools of the hybrid
    expect(recommendation.join(' ')).toContain('Open at most 21 connections in all');
    expect(recommendation.join(' ')).toContain('a pool for each job in each task manager, at most 1 connections each');
  });

  test('of thirty regions on one server is carried to its end', () => {
    const measured = { points: pointsOf(LAW), validation: [], limit: 500, notes: [] };
    const { regions, recommendation } = sizing({
      measured,
      topology: { ...large, regions: 30 },
      thinkMs: 300,
      limit: null,
    });
    expect(regions.map((row) => row.regions)).toEqual([1, 2, 5, 10, 20, 30]);
    const shared = (index: number) => regions[index]!.plans.find(({ model }) => model === 'shared')!;
    // said where it is a guess
    expect(shared(0).isExtrapolated).toBe(false);
    expect(shared(2).isExtrapolated).toBe(true);
    // beyond the peak, more connections do less
    expect(shared(2).outcome!.throughput).toBeLessThan(shared(0).outcome!.throughput);
    expect(shared(5).problem).toBe('700 beyond the limit are refused');
    expect(recommendation.join(' ')).toContain('Even one connection for each of the 120 processes is more than that');
  });
});

test('a law without a peak still serves between its points', () => {
  const law = { lambda: 100, sigma: 0.3, kappa: 0 };
  const system = { pools: 2, lanesPerPool: 20, connectionsPerPool: 4, thinkMs: 10 };
  const validation = [{ system, throughput: throughputAt(law, 8), p50Ms: 100 }];
  const topology = { regions: 1, taskManagers: 2, jobs: 1, slots: 20, operations: 1, poolMin: 0, poolMax: 4 };
  const measured = { points: pointsOf(law), validation, limit: 100, notes: [] };
  const result = sizing({ measured, topology, thinkMs: 10, limit: null });
  expect(result.peakDoubts.join()).toMatch(/still rises at 64/);
  expect(result.validation[0]!.error).toBeCloseTo(0, 1);
  expect(result.recommendation[0]).toBe('The sweep tells no peak, so only the limit counts.');
});

describe('the simulation', () => {
  test('without thinking gives the law itself', () => {
    const outcome = simulate(LAW, { pools: 1, lanesPerPool: 16, connectionsPerPool: 16, thinkMs: 0 });
    expect(outcome.throughput / throughputAt(LAW, 16)).toBeCloseTo(1, 1);
    expect(outcome.waitMs).toBe(0);
  });

  test('gives what the formula of a single server with thinking lanes gives', () => {
    // one connection, rate μ: M/M/1 with N lanes (the machine repairman), utilisation 1 − p0
    const [lanes, thinkMs, mu] = [10, 100, 0.05];
    let [weight, sum] = [1, 1];
    for (let k = 1; k <= lanes; k++) {
      weight *= (lanes - k + 1) / thinkMs / mu;
      sum += weight;
    }
    const law = { lambda: 1000 * mu, sigma: 0, kappa: 0 };
    const outcome = simulate(law, { pools: 1, lanesPerPool: lanes, connectionsPerPool: 1, thinkMs });
    expect(outcome.throughput / (1000 * mu * (1 - 1 / sum))).toBeCloseTo(1, 1);
    // Little's law, for the whole circle
    const meanMs = (1000 * lanes) / outcome.throughput - thinkMs;
    expect(outcome.waitMs / (meanMs - 1 / mu)).toBeCloseTo(1, 1);
  });
});

describe('outlive size', () => {
  const size = (...args: string[]) => start(process.execPath, [CLI, 'size', ...args]);
  let database: FreshDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.drop());

  test('reads points from CSV and JSON alike', async () => {
    using folder = temporaryFolder();
    const csv = path.join(folder.path, 'points.csv');
    const json = path.join(folder.path, 'points.json');
    const points = pointsOf(LAW);
    writeFileSync(csv, `concurrency,throughput\n${points.map((p) => `${p.concurrency},${p.throughput}`).join('\n')}\n`);
    writeFileSync(json, JSON.stringify(points));
    const [fromCsv, fromJson] = await Promise.all([size(csv), size(json)]);
    expect(fromCsv).toMatchObject({ code: 0, stderr: '' });
    expect(fromCsv.stdout).toMatch(/peak: 31 connections .*\n.*knee: 9 connections; 21 reach 95 %/);
    expect(fromJson.stdout).toBe(fromCsv.stdout);
  });

  test('measures a database, holds the simulation against other runs, and leaves nothing behind', async () => {
    using folder = temporaryFolder();
    const file = path.join(folder.path, 'sweep.json');
    const sweep = ['--measure', '--database-url', database.url, '--levels', '1,2,3,4,6', '--seconds', '0.3'];
    const { code, stdout, stderr } = await size(...sweep, '--save', file, '--json');
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout);
    expect(result.points.map(({ concurrency }: { concurrency: number }) => concurrency)).toEqual([1, 2, 3, 4, 6]);
    for (const { throughput } of result.points) expect(throughput).toBeGreaterThan(10);
    const saved = JSON.parse(readFileSync(file, 'utf8'));
    expect(saved).toMatchObject({ limit: 200, validation: [{ p50Ms: expect.any(Number) }, { system: { pools: 4 } }] });
    expect(`${stdout}${stderr}${readFileSync(file)}`).not.toContain(new URL(database.url).password);
    const client = new pg.Client(database.url);
    await client.connect();
    const { rows } = await client.query("select 1 from pg_namespace where nspname = 'outlive_size'");
    await client.end();
    expect(rows).toEqual([]);
  });

  test.each([
    [[], /needs a file of points, --measure, or a topology/],
    [['nowhere.csv'], /nowhere\.csv cannot be read \(ENOENT\)/],
    [
      ['--measure', '--database-url', 'postgres://me:hunter2@127.0.0.1:1/x'],
      /Cannot measure the database at 127\.0\.0\.1:1: /,
    ],
    [['--measure', '--database-url', 'oracle://me:hunter2@127.0.0.1/x'], /must begin with postgres:/],
    [['--replicas', '0'], /--replicas must be a whole number from 1/],
    [['--replicas', '2', '--pool-min', '30'], /--pool-min must not be above --pool-max/],
  ])('%j is refused in a sentence', async (args, sentence) => {
    const { code, stdout, stderr } = await size(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/hunter2|\n\s+at /);
  });
});
