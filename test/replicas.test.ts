/** Many processes of one service, read together: a leak that none of them shows alone, and no line that does not leak. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { releaseOf } from '../probe/record/release.ts';
import { buildReport } from '../probe/recording/build-report.ts';
import { emptyRecording, type RecordedFinding, type Recording } from '../probe/recording/format.ts';
import type { Finding } from '../probe/recording/report.ts';
import { reportRun } from '../reports/run.ts';
import { fixture, NODE, NODE_MAJOR, REGISTER, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

interface Replica {
  seed: number;
  acquires: number;
  /** Of so many one is kept for ever; 0: none. */
  leakOneIn: number;
  /** Kept for good, from the start on. */
  listeners: number;
  /** Kept for good from the first time on that one in a thousand jobs needs it. */
  isLazy: boolean;
  release: string;
}

const TYPICAL: Replica = { seed: 1, acquires: 1500, leakOneIn: 0, listeners: 0, isLazy: false, release: '1.5.0' };
const DAY_MS = 86_400_000;

/** What one process records of a line that borrows: the jobs are spread evenly over its day. */
function replica(changes: Partial<Replica>): Recording {
  const { seed, acquires, leakOneIn, listeners, isLazy, release } = { ...TYPICAL, ...changes };
  const random = randomOf(seed);
  const kept: number[] = Array.from({ length: listeners }, () => 0);
  let hasLazy = false;
  for (let i = 0; i < acquires; i++) {
    const at = i / acquires;
    if (leakOneIn > 0 && random() * leakOneIn < 1) kept.push(at);
    if (isLazy && !hasLazy && random() * 1000 < 1) {
      hasLazy = true;
      kept.push(at);
    }
  }
  const startedMs = Date.UTC(2026, 10, 1) + (release === '1.5.0' ? DAY_MS : 0) + seed;
  const recording = emptyRecording(`/recordings/${seed}.jsonl`, {
    ...{ t: 'process', schema: 'outlive.recording/1', pid: 1000 + seed, parent: 0, thread: 0, host: `shop-${seed}` },
    ...{ node: 'v22.20.0', argv: ['node', '/app/server.js'], cwd: '/app', startedMs, release, settings: {} },
  });
  const stack = [{ file: '/app/orders.js', line: 12, column: 29, function: 'reserve', user: true }];
  recording.sites.set(0, stack);
  const acquired = acquires + listeners;
  recording.totals.push([0, 'connection', 'pg', 'orders', acquired, acquired - kept.length]);
  if (kept.length === 0) return recording;
  const late = kept.filter((at) => at > 0.5).length;
  recording.openSites.push({
    ...{ site: 0, frame: 0, kind: 'connection', library: 'pg', acquired, released: acquired - kept.length },
    ...{ open: kept.length, busy: 0, unscoped: kept.length, running: 0, lost: 0, leftBehind: 0, unref: 0, owner: null },
    ...{ oldestMs: DAY_MS, idleMs: DAY_MS, uses: acquires, longestUseMs: 40, inFlow: 0, afterScope: 0, windows: 0 },
    stale: { count: kept.length, late, nature: 'lease' },
  });
  return recording;
}

function randomOf(seed: number): () => number {
  let state = Math.imul(seed, 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const fleet = (size: number, seed: number, changes: Partial<Replica>) =>
  Array.from({ length: size }, (_, i) => replica({ ...changes, seed: seed * 1000 + i + 1 }));
const findingsIn = (recordings: readonly Recording[]): Finding[] => buildReport(recordings).findings;

test('twenty replicas show a leak of 1 in 2,000 that each alone is silent about', () => {
  const recordings = fleet(20, 1, { leakOneIn: 2000, listeners: 1 });
  for (const alone of recordings) expect(findingsIn([alone])).toEqual([]);
  const [finding, ...others] = findingsIn(recordings);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    detector: 'replicas',
    certainty: 'likely',
    site: { file: '/app/orders.js', line: 12 },
  });
  expect(finding?.spread).toMatchObject({ of: 20, hosts: 20, acquired: 30_020 });
  expect(finding?.evidence[0]).toMatch(
    /^In \d+ of 20 processes some stay .* beside the 1 that every process keeps, .* of 30,020 acquired, 1 in/,
  );
});

const FLEETS = 300;
const isFound = (changes: Partial<Replica>) => (seed: number) => findingsIn(fleet(20, seed, changes)).length > 0;
const seeds = Array.from({ length: FLEETS }, (_, i) => i + 1);

test('nearly every such fleet shows it, and no fleet shows what does not leak', () => {
  expect(seeds.filter(isFound({ leakOneIn: 2000 })).length).toBeGreaterThan(0.95 * FLEETS);
  for (const clean of [{ isLazy: true }, { listeners: 1, isLazy: true }]) {
    expect(seeds.filter(isFound(clean)), JSON.stringify(clean)).toEqual([]);
  }
  // nothing of these is random: one fleet is like another
  for (const clean of [{}, { listeners: 1 }, { listeners: 3 }]) expect(isFound(clean)(1)).toBe(false);
});

test('the release that brought the leak is named, unless earlier ones did too little to tell', () => {
  const leaking = fleet(12, 3, { leakOneIn: 500 });
  const [finding] = findingsIn([...fleet(8, 2, { release: '1.4.0' }), ...leaking]);
  expect(finding?.spread?.since).toBe('1.5.0');
  expect(finding?.spread?.releases.map(({ release, of, count }) => [release, of, count > 0])).toEqual([
    ['1.4.0', 8, false],
    ['1.5.0', 12, true],
  ]);
  const [unsure] = findingsIn([...fleet(8, 2, { release: '1.4.0', acquires: 50 }), ...leaking]);
  expect(unsure?.spread?.since).toBe(null);
});

test('lines are ranked by how concentrated they are, then the one that a release brought', () => {
  const recordings = Array.from({ length: 20 }, (_, i) => {
    const recording = replica({ seed: i + 1, release: i < 10 ? '1.4.0' : '1.5.0' });
    // one in each; twelve in one; and in the later release alone, as concentrated as the first
    keeps(recording, 'remind', 1);
    if (i === 7) keeps(recording, 'reserve', 12);
    else ran(recording, 'reserve');
    if (i >= 10) keeps(recording, 'refund', i < 15 ? 2 : 0);
    else ran(recording, 'refund');
    return recording;
  });
  const findings = findingsIn(recordings);
  expect(findings.map(({ site, count, spread }) => [site?.function, count, spread?.since])).toEqual([
    ['reserve', 12, null],
    ['refund', 10, '1.5.0'],
    ['remind', 20, null],
  ]);
  expect(findings.map(({ spread }) => spread?.concentration.toFixed(1))).toEqual(['2.7', '1.0', '1.0']);
});

/** One more line of a process, which ran it 1,500 times. */
function ran(recording: Recording, name: string): number {
  const site = recording.sites.size;
  recording.sites.set(site, [{ file: '/app/shop.js', line: 10 + site, column: 5, function: name, user: true }]);
  recording.totals.push([site, 'connection', 'pg', 'orders', 1500, 1500]);
  return site;
}

/** … and of which it has a finding of its own. */
function keeps(recording: Recording, name: string, count: number): void {
  const site = ran(recording, name);
  if (count === 0) return;
  const finding: RecordedFinding = {
    ...{ kind: 'connection', nature: 'lease', detector: 'outlived-scope', certainty: 'likely', count, acquired: 1500 },
    ...{ released: 1500 - count, estimated: false, library: 'pg', pool: 'orders', site, frame: 0, siteUnknown: null },
    ...{ evidence: [], exhausted: null, holders: [], scopes: [] },
  };
  recording.findings.set(name, { at: 1, finding });
}

test('a real process records what stays far longer than anything that came back', async () => {
  using folder = temporaryFolder();
  // as on Node.js before 24, where flows are not followed
  const flags = NODE_MAJOR >= 24 ? ['--no-async-context-frame'] : [];
  const env = { OUTLIVE_OUT: folder.path, OUTLIVE_GRACE_MS: '100', OUTLIVE_RELEASE: '2.0.0' };
  const { stdout } = await start(NODE, [...flags, '--require', REGISTER, fixture('replica.mjs'), '3', '300', '50'], {
    env,
  });
  const leaked = Number(stdout);
  expect(leaked).toBeGreaterThan(1);
  const [recording] = reportRun([folder.path]).recordings;
  const stale = recording?.openSites.flatMap((line) => line.stale ?? []);
  expect(recording?.process.release).toBe('2.0.0');
  expect(stale).toMatchObject([{ count: leaked + 1, nature: 'lease' }]);
});

test.each([
  ['{\n  "name": "shop",\n  "version": "1.5.0",\n  "private": true\n}\n', '1.5.0'],
  ['{\n  "name": "shop",\n  "version": "1.5.0"\n}\n', '1.5.0'],
  ['{"name":"shop","version":"1.5.0"}', '1.5.0'],
  [
    '{\n  "volta": {\n  "version": "24.0.0",\n  "tool": "node"\n  },\n  "version": "1.5.0",\n  "name": "shop"\n}',
    '1.5.0',
  ],
  ['{\n  "version": "1.5.0" , "volta": {\n  "tool": "node",\n  "at": "24"\n  }\n}', '1.5.0'],
  ['{\n  "name": "shop",\n  "private": true\n}\n', null],
])('the release of a service is the version of its package, however that is written: %j', (manifest, release) => {
  using folder = temporaryFolder();
  writeFileSync(path.join(folder.path, 'package.json'), manifest);
  expect(releaseOf('', path.join(folder.path, 'lib', 'main.js'))).toBe(release);
});
