/** Hand-made parts of a report beside its findings: a database, what is worth a look, traps of a driver, and load. */
import type { DatabaseReport, Holding, JoinedSession } from '../../probe/recording/database-report.ts';
import type { Load } from '../../probe/recording/load.ts';
import type { Report } from '../../probe/recording/report.ts';

const STARTED = Date.UTC(2026, 10, 22, 14, 3);
const SITE = { file: '/srv/shop/src/orders/reservations.ts', line: 12, column: 29, function: 'reserve' };

export function makeSurroundings(): Pick<Report, 'alarms' | 'database' | 'load' | 'notices'> {
  return {
    alarms: [
      {
        name: 'pool-near-limit',
        subject: 'orders',
        pid: 4211,
        sentence: 'Pool orders had 90 % of its 20 connections in use in 41 % of the samples.',
        threshold: 'a quarter of at least 30 samples',
      },
    ],
    database: { servers: [makeDatabase()] },
    load: makeLoad(),
    notices: [
      {
        library: 'oracledb',
        pool: 'stock',
        name: 'serial-creation',
        count: 3,
        sentence: '4 acquires wait behind one logon that has hung for 5 s.',
        remedy: 'Set connectTimeout.',
      },
      { library: 'oracledb', pool: null, name: 'stale-error', count: 1, sentence: 'It is old.', remedy: 'Try again.' },
    ],
  };
}

function makeDatabase(): DatabaseReport {
  const at = Array.from({ length: 120 }, (_, i) => STARTED + i * 6000);
  const like = (height: number) => at.map((_, i) => height + (i % 7));
  const holding: Holding = {
    ...{ pid: 4211, thread: 0, library: 'pg', pool: 'orders', state: 'used', site: SITE },
    ...{ ageMs: 41_000, idleMs: 40_000, busy: false },
  };
  const session: JoinedSession = {
    ...{ id: '8704', address: '127.0.0.1', port: 40_112, application: 'orders', state: 'idle in transaction' },
    ...{ stateMs: 40_000, transactionMs: 41_000, wait: null, blockedBy: [], holding, formerly: null },
    statement: 'select count(*) from a_table_with_a_rather_long_name where sku = any($1) and warehouse = $2 for update',
  };
  return {
    ...{ name: 'shop', kind: 'postgresql', version: 'PostgreSQL 18.4', address: '127.0.0.1:5432', maxSessions: 200 },
    ...{ from: new Date(STARTED).toISOString(), to: new Date(STARTED + 724_000).toISOString(), looks: 700 },
    gaps: [{ from: new Date(STARTED + 60_000).toISOString(), to: null, why: 'it was restarted', isRefused: false }],
    missing: [],
    peak: { sessions: 24, active: 12, idleInTransaction: 3, waitingForLocks: 1 },
    transactions: { commits: 18_240, rollbacks: 31, deadlocks: 0, lostSessions: 0 },
    cost: { cpuMs: 40_000, cpuPerTransactionMs: 2.1, memoryPeakBytes: 52e6 },
    over: {
      ...{ at, sessions: like(12), active: like(4), idleInTransaction: like(1), waitingForLocks: like(0) },
      ...{ transactionsPerSecond: like(25), cpu: like(0.2), memoryBytes: like(4e7) },
    },
    sessionsAt: new Date(STARTED + 700_000).toISOString(),
    sessions: [
      session,
      { ...session, id: '8705', state: 'active', blockedBy: ['8704'], wait: 'Lock', holding: null, formerly: holding },
    ],
    leasesWithoutSession: [holding],
    notable: ['Session 8704, idle in transaction for 40 s, held by reserve reservations.ts:12 (pool orders).'],
    associations: [
      {
        ...{ application: 'used connections', database: 'CPU time', lag: 2, strength: 0.71, p: 0.002, samples: 239 },
        sentence: 'The application’s used connections and the database’s CPU time moved together.',
      },
    ],
    associationsUnknown: null,
  };
}

/** A warm-up and two of three rounds, and an operation whose failure was not survived. */
export function makeLoad(changes: Partial<Load> = {}): Load {
  const latency = { p50: 12, p99: 140, max: 201 };
  const round = { startedMs: 0, endedMs: 10_000, requests: 1204, errors: 2, latency, open: 3, findings: 0 };
  const targets = [{ target: 0, statuses: { 200: 1204, 500: 1 }, failed: 1 }];
  return {
    kind: 'requests',
    targets: ['POST http://127.0.0.1:3000/orders'],
    connections: 20,
    planned: 3,
    rounds: [0, 1, 2].map((n) => ({ ...round, round: n, targets })),
    faults: [
      {
        ...{ kind: 'query', site: SITE, ordinal: 2, test: null, fix: null, outcome: 'dies' },
        sentence: 'The service ends if the 2nd query fails.',
      },
    ],
    ...changes,
  };
}
