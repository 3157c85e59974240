import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Ledger } from '../probe/account/ledger.ts';
import type { PoolState } from '../probe/account/pool-state.ts';
import { atRest } from '../probe/record/at-rest.ts';
import { buildReport } from '../probe/recording/build-report.ts';
import type { RecordedFinding, Recording, RoundLine } from '../probe/recording/format.ts';
import { type Holder, writeReach } from '../probe/recording/reach.ts';
import { readRecording } from '../probe/recording/read-recording.ts';
import { slopeOf } from '../probe/recording/slopes/slope.ts';
import { riseChance } from '../probe/recording/trend.ts';
import { advice } from '../reports/advice.ts';
import { alarmsIn } from '../reports/alarms.ts';
import { freePort } from './support/free-port.ts';
import { CLI, fixture, lineOf, NODE, placeOf, readReport, start } from './support/probed.ts';
import { makeRecording } from './support/reports.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// What rises at rest, round after round of a soak, though no line of code is known for it.

const MEMORY = { suspect: { by: 1, share: 0.05 }, likely: { by: 4, share: 0.2 } };

/** The first value is the warm-up's; each round has the same work. */
function slope(...values: number[]) {
  const points = values.map((value, round) => ({ round, work: (round + 1) * 1000, value }));
  return slopeOf(points, MEMORY)?.certainty ?? null;
}

describe('a rise over few rounds', () => {
  test.each([
    [[19, 49, 80, 112, 143], 'likely'],
    [[18, 26, 33, 42, 48], 'likely'],
    // by little
    [[20, 21, 21.5, 22.1, 22.6], 'suspect'],
    // over three rounds
    [[20, 40, 61, 80], 'suspect'],
    // once in a while a round gives some back
    [[10, 20, 31, 30, 42, 53, 61, 75], 'likely'],
  ])('%j MB is a finding: %s', (values, certainty) => {
    expect(slope(...values)).toBe(certainty);
  });

  test.each([
    ['of a cache that fills to its bound', [10, 20, 30, 36, 36.1]],
    ['of a warm-up that levels off', [10, 20, 25, 27.5, 28.7]],
    ['that slows down', [10, 20, 27, 31.9, 35.3]],
    ['of a module that is loaded late', [10, 10.1, 10.2, 14, 14.1]],
    ['of compiled code', [8.83, 8.9, 8.97, 9, 9.03, 9.04, 9.07]],
    ['that comes and goes', [10, 30, 20, 35, 28]],
    ['over two rounds', [10, 40, 70]],
  ])('%s is none', (_, values) => {
    expect(slope(...values)).toBeNull();
  });

  test('is judged for each request, not for each round', () => {
    const rounds = [0, 900, 1000, 1200, 9200].map((work, round) => ({ round, work, value: 10 + work / 100 }));
    expect(slopeOf(rounds, MEMORY)).toMatchObject({ certainty: 'likely', each: 0.01 });
    expect(slopeOf(rounds, MEMORY)?.rise).toBe(92);
  });

  test('has the exact chance of its order', () => {
    expect(riseChance([1, 2, 3, 4, 5])).toBeCloseTo(1 / 120);
    expect(riseChance([1, 2, 3, 5, 4])).toBeCloseTo(5 / 120);
    expect(riseChance([5, 4, 3, 2, 1])).toBeCloseTo(1);
    expect(riseChance([1, 1, 1])).toBeCloseTo(1);
  });
});

/** A recording of a warm-up and four rounds. */
function soaked(round: (n: number) => Partial<RoundLine>, findings: Partial<RecordedFinding>[] = []): Recording {
  const recording = makeRecording({ samples: 1, leaked: 0 });
  const level = { open: {}, owed: {}, handles: { server: 1 }, threads: 11, findings: 0, isCollected: true };
  const rounds = [0, 1, 2, 3, 4].map((n): RoundLine => {
    const memory = { heapUsed: 9e6 + n * 1e5, external: 4e6, rss: 1e8 + n * 1e6, nativeContexts: 2 };
    return { t: 'round', at: n * 1000, round: n, ...level, ...memory, ...round(n) };
  });
  const standing = findings.map((finding, i) => [`${i}`, { at: 0, finding: { ...LEAK, ...finding } }] as const);
  return { ...recording, rounds, findings: new Map(standing) };
}

const LEAK: RecordedFinding = {
  ...{ kind: 'connection', nature: 'lease', detector: 'outlived-scope', certainty: 'likely' },
  ...{ count: 40, acquired: 100, released: 60, estimated: false, library: 'pg', pool: 'orders', site: 1, frame: 0 },
  ...{ siteUnknown: null, evidence: [], exhausted: null, holders: [], scopes: [] },
};

const found = (recording: Recording) =>
  buildReport([recording]).findings.map(({ kind, certainty, count }) => `${certainty}: ${count} ${kind}`);

describe('what rises at rest', () => {
  test.each<[string, (n: number) => Partial<RoundLine>, string[]]>([
    ['memory', (n) => ({ heapUsed: 19e6 + n * 31e6 }), ['likely: 124 memory']],
    ['buffers', (n) => ({ external: 4e6 + n * 8e6 }), ['likely: 32 memory']],
    ['contexts', (n) => ({ nativeContexts: 1 + n * 30 }), ['likely: 120 context']],
    ['threads', (n) => ({ threads: 13 + n * 15 }), ['likely: 60 worker']],
    ['sockets', (n) => ({ handles: { server: 1, socket: n * 10 } }), ['likely: 40 socket']],
    ['intervals', (n) => ({ owed: { timer: n * 10 } }), ['likely: 40 timer']],
    ['nothing', () => ({}), []],
  ])('%s', (_, round, expected) => {
    expect(found(soaked(round))).toEqual(expected);
  });

  const cache = (lines: number[], bytes = 100e6): Holder => ({
    ...{ held: 'cache: Object', count: 900, bytes },
    lines: lines.map((line) => ({ file: '/srv/shop/cache.js', line, column: 3 })),
  });
  test.each<[string, Holder[], number | undefined, string[]]>([
    ['one line adds to', [cache([12])], 12, ['cache: Object, 900 more in it, 100 MB: see cache.js:12']],
    [
      'several add to',
      [cache([12, 30])],
      undefined,
      ['cache: Object, 900 more in it, 100 MB: see cache.js:12, cache.js:30'],
    ],
    ['holds little of it', [cache([12], 40e6)], undefined, ['cache: Object, 900 more in it, 40 MB: see cache.js:12']],
  ])('memory, by what %s', (_, holders, line, held) => {
    using folder = temporaryFolder();
    const file = path.join(folder.path, '4211-0-1795964779000.jsonl');
    const recording = soaked((n) => ({ heapUsed: 19e6 + n * 31e6 }));
    writeFileSync(file, `${JSON.stringify(recording.process)}\n`);
    writeReach(file, { lines: [], grown: [], holders });
    const { reach, sites } = readRecording(file) as Recording;
    const [finding] = buildReport([{ ...recording, reach, sites }]).findings;
    expect(finding).toMatchObject({ kind: 'memory', certainty: 'likely', held });
    expect(finding?.site?.line).toBe(line);
    expect(finding && advice(finding)).toMatch(/^Let go of what is held/);
  });

  test('of one leak, what follows from it is evidence and no finding', () => {
    const report = buildReport([
      soaked((n) => ({
        handles: { 'child-process': n * 5, socket: n * 15 },
        heapUsed: 9e6 + n * 5e6,
        nativeContexts: 2,
      })),
    ]);
    expect(report.findings.map(({ kind }) => kind)).toEqual(['child-process']);
    expect(report.findings[0]?.evidence).toEqual([
      expect.stringMatching(/^Child processes at rest rose over 4 rounds, 5, 10, 15, 20: by 5 for each round/),
      expect.stringMatching(/^Sockets at rest rose/),
      expect.stringMatching(
        /^Memory at rest, after a collection, rose over 4 rounds, 18\.0, .* MB: by 5 MB for each round/,
      ),
    ]);
  });

  test('and is explained by a finding of its kind is evidence there; a suspect becomes likely by it', () => {
    const rising = (n: number) => ({ owed: { connection: n * 10 } });
    expect(found(soaked(rising, [{}]))).toEqual(['likely: 40 connection']);
    expect(found(soaked(rising, [{ certainty: 'suspect' }]))).toEqual(['likely: 40 connection']);
    expect(found(soaked(rising, [{ certainty: 'suspect', count: 2 }]))).toContain('likely: 40 connection');
  });

  test('far more memory than what leaks can hold is a leak of its own', () => {
    const rising = (n: number) => ({ heapUsed: 9e6 + n * 40e6 });
    expect(found(soaked(rising, [{ count: 40 }])).toSorted()).toEqual(['likely: 160 memory', 'likely: 40 connection']);
  });

  test('the memory of native contexts goes with who keeps those, as far as they may well hold it', () => {
    const kept = (each: number) =>
      soaked((n) => ({ nativeContexts: 2 + n * 3, heapUsed: 9e6 + n * each }), [{ count: 12, certainty: 'proven' }]);
    expect(found(kept(20e6))).toEqual(['proven: 12 connection']);
    expect(found(kept(80e6))).toEqual(['proven: 12 connection', 'likely: 320 memory']);
  });

  test('is told for each request where a soak counted them', () => {
    const requests = [100, 500, 1000, 9000, 2000];
    const done = (n: number) => requests.slice(0, n + 1).reduce((sum, count) => sum + count, 0);
    const recording = soaked((n) => ({ heapUsed: 9e6 + done(n) * 20_000 }));
    const rounds = requests.map((count, round) => {
      const none = { startedMs: 0, endedMs: 1, targets: [], errors: 0, latency: null, open: 0, findings: 0 };
      return { round, requests: count, ...none };
    });
    const load = { kind: 'requests' as const, targets: [], connections: 5, planned: 4, rounds, faults: [] };
    const [finding] = buildReport([recording], [], load).findings;
    expect(finding?.evidence[0]).toContain(': by 20 kB for each request (Theil–Sen)');
    expect(found(recording)).toEqual([]);
  });

  test('without a collection memory and contexts say nothing', () => {
    expect(found(soaked((n) => ({ heapUsed: 19e6 + n * 31e6, nativeContexts: n * 30, isCollected: false })))).toEqual(
      [],
    );
  });

  test('the resident set alone is an alarm, and no finding', () => {
    const recording = soaked((n) => ({ rss: 1e8 + n * 4e7 }));
    expect(found(recording)).toEqual([]);
    expect(alarmsIn([recording]).map(({ sentence }) => sentence)).toEqual([
      'The resident set of process 4211 rose over 4 rounds, 140, 180, 220, 260 MB, and the heap did not: look at native code and at how the allocator keeps its pages.',
    ]);
    expect(alarmsIn([soaked((n) => ({ rss: 1e8 + n * 4e7, heapUsed: 9e6 + n * 4e7 }))])).toEqual([]);
  });
});

test('sockets of a watched pool are its own affair: only the others are counted', () => {
  const sockets = [1, 2, 3].map(() => createSocket('udp4').bind(0));
  const ledger = new Ledger();
  const all = atRest(ledger).handles.socket ?? 0;
  const pool = { name: 'orders', gauges: () => ({ used: 1, idle: 1, pending: 0 }) } as unknown as PoolState;
  ledger.source({ adapter: 'pg', nature: 'lease', library: 'pg', pool });
  expect(atRest(ledger).handles.socket).toBe(all - 2);
  for (const socket of sockets) socket.close();
});

const PROGRAM = fixture('at-rest.mjs');

async function soak(route: string, rate: number, ...options: string[]) {
  using folder = temporaryFolder();
  const port = await freePort();
  const { code, stderr } = await start(
    NODE,
    [
      ...[CLI, 'soak', '--out', folder.path, '--url', `http://127.0.0.1:${port}${route}`, '--rate', String(rate)],
      ...[
        '--duration',
        '4s',
        '--rounds',
        '4',
        '--warmup',
        '1s',
        '--connections',
        '2',
        ...options,
        '--',
        'node',
        PROGRAM,
        String(port),
      ],
    ],
    { env: { OUTLIVE_GRACE_MS: '100' } },
  );
  const { findings, verdict, problems } = readReport(folder.path);
  const alarms = findings.filter(({ certainty }) => certainty !== 'suspect');
  return { code, stderr, verdict, problems, kinds: alarms.map(({ kind }) => kind), findings };
}

describe('a soak of a service', () => {
  test.each([
    ['/heap', 20, 'memory'],
    ['/context', 20, 'context'],
    ['/thread', 5, 'worker'],
  ])(
    'that leaks by %s',
    async (route, rate, kind) => {
      const { code, stderr, kinds, findings } = await soak(route, rate);
      expect(kinds, stderr).toEqual([kind]);
      expect(code).toBe(1);
      // memory alone has no line
      if (kind === 'memory')
        expect(findings[0]).toMatchObject({ detector: 'growth', site: null, siteUnknown: expect.any(String) });
      else expect(findings.map(placeOf)).toEqual([lineOf(PROGRAM, `'${route}': () =>`)]);
      // a hundred threads on two cores
    },
    120_000,
  );

  test('whose memory rises says who holds it', async () => {
    const { findings } = await soak('/heap', 20);
    // and nothing that the probe holds
    expect(findings[0]?.held).toEqual([
      expect.stringMatching(/kept: Array, [\d,]+ more in it, \d+ MB: see at-rest\.mjs:\d+/),
    ]);
  });

  test('with something open says who holds it; where the heap is larger than may be, that it was not looked at', async () => {
    const looked = await soak('/interval', 20);
    expect(looked.findings).toMatchObject([
      { kind: 'timer', detector: 'unreachable', certainty: 'proven', held: [] },
      { kind: 'timer', held: [expect.stringContaining('intervals: Set')] },
    ]);
    expect(looked.problems).toEqual([]);
    const refused = await soak('/interval', 20, '--snapshot-max-mb', '1');
    expect(refused.problems.join()).toMatch(/The heap has \d+ MB, more than the 1 MB/);
    expect(refused.findings.map(({ detector }) => detector)).not.toContain('unreachable');
  });

  test.each([
    ['/hello', 100],
    ['/cache', 20],
    ['/client', 50],
    ['/late', 20],
  ])('that does not, by %s', async (route, rate) => {
    const { code, stderr, kinds } = await soak(route, rate);
    expect(kinds, stderr).toEqual([]);
    expect(code, stderr).toBe(0);
  });
});
