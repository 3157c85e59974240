import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../probe/recording/report.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { FOLLOWS_FLOWS, fixture, lineOf, placeOf, probed } from './support/probed.ts';

// How sure a finding may be, and which one: situations in which two detectors could speak, or none.

const program = fixture('certainty.mjs');
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

async function run(situation: string): Promise<Report> {
  // the proof would be first, and say no more than that
  const env = { PG_URL: database.url, OUTLIVE_PROOF: 'off' };
  const { report, stderr, code } = await probed(program, [situation], { env });
  expect([code, stderr]).toEqual([0, '']);
  return report;
}
/** Timers are not what this is about. */
const found = ({ findings }: Report) => findings.filter(({ kind }) => kind === 'connection');
const place = (text: string) => lineOf(program, text);

/** Situations with one leak: its line, and how it is known. */
const LEAKS = [
  ['lost-connections', '// lost', { certainty: 'likely', count: 4 }],
  ['timer-after-jobs', '// of a job', { certainty: 'likely', count: 6 }],
  ['late-helper', '// by a helper', { certainty: 'likely', count: 4 }],
  ['bare-clients', '// bare', { certainty: 'likely', count: 6, pool: null }],
  ['pool-per-reload', '// a pool', { certainty: 'likely', count: 15, nature: 'pool' }],
  ['pool-that-cannot-end', '// a check at the start', { certainty: 'likely', count: 1 }],
  ['short-loop', '// in a loop', { certainty: 'likely', count: 4, acquired: 8, released: 4 }],
] as const;
test.runIf(FOLLOWS_FLOWS).each(LEAKS)('%s: one leak, at its line', async (situation, text, expected) => {
  const findings = found(await run(situation));
  expect(findings.map(placeOf)).toEqual([place(text)]);
  expect(findings[0]).toMatchObject(expected);
});

test.each([
  'pool-per-tenant',
  'pools-for-reading-and-writing',
  'bare-clients-kept-well',
  'pool-ends-after-work',
  'short-loop-under-way',
])('%s: silent', async (situation) => {
  expect(found(await run(situation))).toEqual([]);
});

test.runIf(FOLLOWS_FLOWS)(
  'a deadlock is one finding, at the line where the holders wait, though others wait that hold nothing',
  async () => {
    const findings = found(await run('deadlock'));
    expect(findings.map(placeOf)).toEqual([place('// one more')]);
    expect(findings[0]).toMatchObject({ detector: 'hold-and-wait', certainty: 'proven', count: 3 });
  },
);

test.runIf(FOLLOWS_FLOWS)(
  'a deadlock that time-outs let go of stays a deadlock, and nothing is withdrawn',
  async () => {
    const report = await run('deadlock-with-timeouts');
    expect(found(report).map(placeOf)).toEqual([place('// one more')]);
    expect(found(report)[0]).toMatchObject({ detector: 'hold-and-wait', certainty: 'proven', count: 3 });
    expect(found(report)[0]?.evidence).toEqual([expect.stringMatching(/until that timed out after/)]);
    expect(report.withdrawn.filter(({ kind }) => kind === 'connection')).toEqual([]);
  },
);

test.runIf(FOLLOWS_FLOWS)('holders that wait for a slow partner are told as that, and are no leak', async () => {
  const [finding, ...others] = found(await run('slow-partner'));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ certainty: 'suspect', exhausted: { cause: 'waiting elsewhere' } });
  expect(finding?.evidence[1]).toMatch(
    /^Held too long: holders wait for something other than the database: 4 of 4 in `fetch`/,
  );
});

test.runIf(FOLLOWS_FLOWS)('… and a leak beside it is found', async () => {
  const leaks = found(await run('slow-partner-and-leak')).filter(({ certainty }) => certainty !== 'suspect');
  expect(leaks.map(placeOf)).toEqual([place('// over a partner')]);
});

test('one transaction that is left open is one finding, with what to do about a transaction of the pool', async () => {
  const findings = found(await run('pooled-transaction'));
  expect(findings.map(placeOf)).toEqual([place('// to the pool')]);
  expect(findings[0]).toMatchObject({ nature: 'transaction of a pool', certainty: 'likely', count: 1 });
});

test.runIf(FOLLOWS_FLOWS)('what came back only at the shutdown was not released', async () => {
  const [finding, ...others] = found(await run('back-at-shutdown'));
  expect(others).toEqual([]);
  expect(placeOf(finding!)).toBe(place('// until the shutdown'));
  expect(finding).toMatchObject({ certainty: 'likely', count: 4, acquired: 20, released: 16 });
  expect(finding?.evidence).toContain('They came back only when their pool was shut down, which is no release.');
});

test.runIf(FOLLOWS_FLOWS)(
  'requests of which not one gives back are a leak; those that fill a cache are not',
  async () => {
    const { findings } = await run('requests-never');
    expect(findings.map(placeOf)).toEqual([place('// each request')]);
    expect(findings[0]).toMatchObject({ kind: 'timer', certainty: 'likely', count: 24 });
    const cache = await run('requests-fill-a-cache');
    expect(cache.findings.filter(({ certainty }) => certainty !== 'suspect')).toEqual([]);
  },
);
