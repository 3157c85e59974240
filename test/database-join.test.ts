import { describe, expect, test } from 'vitest';
import type { DatabaseRecording, Session } from '../probe/recording/database.ts';
import type { Frame, HeldConnection, Recording } from '../probe/recording/format.ts';
import { sessionSentence } from '../reports/database/describe.ts';
import { databaseReport } from '../reports/database/report.ts';
import { makeRecording } from './support/reports.ts';

// A server session and the lease that has it are two ends of one socket; what has only one end is said too.

const START = 1_700_000_000_000;
const frame = (line: number): Frame => ({
  file: '/srv/shop/src/orders.ts',
  ...{ line, column: 3, function: 'reserve', user: true },
});

function connection(changes: Partial<HeldConnection>): HeldConnection {
  return {
    ...{ pool: 1, state: 'used', site: 1, frame: 0, ageMs: 40_500, idleMs: 40_000, busy: false },
    ...{ localAddress: '10.0.0.5', localPort: 4000, server: '10.0.0.9:5432', connectionId: null },
    ...changes,
  };
}

function session(changes: Partial<Session>): Session {
  return {
    ...{ id: '4711', address: '10.0.0.5', port: 4000, connectionId: null, application: 'orders', database: 'shop' },
    ...{ state: 'idle in transaction', stateMs: 40_000, transactionMs: 40_200, ageMs: 90_000, wait: null },
    ...{ blockedBy: [], statement: 'update stock set left = ?' },
    ...changes,
  };
}

/** A process that wrote `held` at some seconds after the start. */
function recorded(held: [second: number, connections: HeldConnection[]][], pid = 81): Recording {
  const recording = makeRecording({ samples: 1 });
  const process = { ...recording.process, pid, startedMs: START };
  const lines = held.map(([second, connections]) => ({
    t: 'held' as const,
    at: second * 1000,
    connections,
    omitted: 0,
  }));
  const sites = new Map([
    [1, [frame(12)]],
    [2, [frame(30)]],
  ]);
  return { ...recording, process, sites, held: lines, lastAt: 200_000 };
}

/** A server whose sessions were seen at some seconds after the start. */
function watched(seen: [second: number, sessions: Session[]][]): DatabaseRecording {
  return {
    file: 'database-shop.jsonl',
    database: { t: 'database', schema: 'outlive.database/1', name: 'shop', kind: 'postgresql', startedMs: START },
    server: {
      ...{ t: 'server', at: 0, version: 'PostgreSQL 18.4', address: '10.0.0.9:5432', database: 'shop' },
      ...{ maxSessions: 100, cores: null, missing: [] },
    },
    looks: [],
    sessions: seen.map(([second, sessions]) => ({ t: 'sessions', at: second * 1000, sessions, omitted: 0 })),
    gaps: [],
    lastAt: 200_000,
    problems: [],
  };
}

const reportOf = (database: DatabaseRecording, ...recordings: Recording[]) => databaseReport(database, recordings);
const sentencesOf = ({ sessions }: ReturnType<typeof reportOf>) => sessions.map(sessionSentence);

describe('a session is joined with its lease', () => {
  test('by the port of its socket', () => {
    const report = reportOf(watched([[100, [session({})]]]), recorded([[101, [connection({})]]]));
    expect(sentencesOf(report)).toEqual([
      'Session 4711, idle in transaction for 40 s, held by reserve orders.ts:12 (pool orders, process 81).',
    ]);
    expect(report.notable).toEqual(sentencesOf(report));
    // ages are those of the session's moment
    expect(report.sessions[0]!.holding).toMatchObject({ ageMs: 39_500, idleMs: 39_000, busy: false });
  });

  test('among several processes with the same port only from the same address', () => {
    const here = recorded([[101, [connection({})]]]);
    const there = recorded([[101, [connection({ localAddress: '10.0.0.6', site: 2 })]]], 82);
    const report = reportOf(watched([[100, [session({}), session({ id: '9', address: '10.0.0.6' })]]]), here, there);
    expect(sentencesOf(report).sort()).toEqual([
      'Session 4711, idle in transaction for 40 s, held by reserve orders.ts:12 (pool orders, process 81).',
      'Session 9, idle in transaction for 40 s, held by reserve orders.ts:30 (pool orders, process 82).',
    ]);
  });

  test('with the one who borrowed it last, when a pool lends what it borrowed', () => {
    const outer = connection({ pool: 1, site: 2, ageMs: 2000 });
    const report = reportOf(watched([[100, [session({})]]]), recorded([[101, [connection({}), outer]]]));
    expect(report.sessions[0]!.holding?.site?.line).toBe(30);
  });

  test('by what the server calls it where the port is rewritten on the way, at the same door only', () => {
    const behind = session({ address: '172.17.0.1', port: 55_000, connectionId: '4711' });
    const own = connection({ connectionId: '4711' });
    expect(reportOf(watched([[100, [behind]]]), recorded([[101, [own]]])).sessions[0]!.holding).not.toBeNull();
    const elsewhere = connection({ connectionId: '4711', server: '10.0.0.8:5432' });
    expect(reportOf(watched([[100, [behind]]]), recorded([[101, [elsewhere]]])).sessions).toEqual([]);
  });

  test('not with a lease that began only afterwards, or was given back before', () => {
    const later = reportOf(watched([[100, [session({})]]]), recorded([[103, [connection({ ageMs: 1000 })]]]));
    expect(sentencesOf(later)[0]).toContain('lent for a moment by pool orders of process 81');
    const idle = connection({ state: 'idle', site: -1, frame: -1, ageMs: null, idleMs: null, busy: null });
    const before = recorded([
      [97, [connection({ ageMs: 900 })]],
      [102, [idle]],
    ]);
    const resting = session({ state: 'idle', transactionMs: null });
    expect(sentencesOf(reportOf(watched([[100, [resting]]]), before))[0]).toContain('idle in pool orders');
  });
});

describe('what has only one end is listed', () => {
  const held = recorded([[101, [connection({})]]]);

  test('a session of the application that nobody holds', () => {
    const raw = session({ id: '12', port: 4001, state: 'idle' });
    const report = reportOf(watched([[100, [session({}), raw]]]), held);
    expect(sentencesOf(report)[0]).toBe('Session 12, idle for 40 s, held by no recorded pool.');
  });

  test.each([
    ['from another address', { address: '10.0.0.77' }],
    ['of another database', { database: 'other' }],
    ['too young to be listed yet', { ageMs: 3000 }],
  ])('but not one %s', (_, changes) => {
    const other = session({ id: '12', port: 4001, ...changes });
    expect(reportOf(watched([[100, [session({}), other]]]), held).sessions).toHaveLength(1);
  });

  test('a session that outlived its process, with the line that had it', () => {
    const dead = { ...recorded([[80, [connection({ ageMs: 1000, localPort: 4001 })]]], 70), lastAt: 81_000 };
    const left = session({ id: '12', port: 4001, ageMs: 60_000 });
    const report = reportOf(watched([[100, [session({}), left]]]), held, dead);
    expect(sentencesOf(report)[0]).toBe(
      'Session 12, idle in transaction for 40 s, held by nobody any more, once by reserve orders.ts:12 (pool orders, process 70).',
    );
  });

  test('a lease whose session the server does not have, if it shows all of them', () => {
    const other = session({ id: '12', port: 4001 });
    const lost = reportOf(watched([[100, [other]]]), held);
    expect(lost.leasesWithoutSession).toMatchObject([{ pid: 81, pool: 'orders', site: { line: 12 } }]);
    // hidden ports tell nothing
    const hidden = session({ id: '12', port: null, address: null });
    expect(reportOf(watched([[100, [hidden]]]), held).leasesWithoutSession).toEqual([]);
    // of another server
    const elsewhere = recorded([[101, [connection({ server: '10.0.0.8:5432' })]]]);
    expect(reportOf(watched([[100, [other]]]), elsewhere).leasesWithoutSession).toEqual([]);
  });
});

test('who makes whom wait is said with both lines', () => {
  const blocked = session({
    ...{ id: '12', port: 4001, state: 'active', stateMs: 12_000, wait: 'Lock: transactionid', blockedBy: ['4711'] },
  });
  const both = recorded([[101, [connection({}), connection({ localPort: 4001, site: 2 })]]]);
  const { notable } = reportOf(watched([[100, [session({}), blocked]]]), both);
  expect(notable[1]).toBe(
    'Session 12, held by reserve orders.ts:30 (pool orders, process 81), waited 12 s for a lock of session 4711, idle in transaction, held by reserve orders.ts:12 (pool orders, process 81).',
  );
});
