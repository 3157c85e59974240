import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { stress } from './stress/stress.ts';
import { fixture, placeOf, probed } from './support/probed.ts';

// Nobody can give back what nothing but its library's own lists still holds: that is proven by looking, on every Node.js,
// without a threshold, a history or a stack. And whatever somebody holds, in whichever way, is never called lost.

const program = fixture('proof.mjs');
const pool = fixture('lost-pool.mjs');
let database: FreshDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  database = await freshDatabase();
  env = { PG_URL: database.url };
});
afterAll(() => database.drop());

/** `file:line` of every lease that is lost. */
const lost = readFileSync(program, 'utf8')
  .split('\n')
  .flatMap((text, i) => (text.includes('// lost: ') ? [`${program}:${i + 1}`] : []));

describe.each(['pg', 'generic-pool', 'composed', 'tarn'])('%s', (library) => {
  test('every lost lease is proven at its line, no held one is, and the pool stays as it was', async () => {
    const { report, stdout } = await probed(program, [library], { env });
    const proven = report.findings.filter(({ certainty }) => certainty === 'proven');
    expect(proven.map(placeOf).sort()).toEqual([...lost].sort());
    expect(proven.every(({ detector, count }) => detector === 'unreachable' && count === 3)).toBe(true);
    expect(report.findings).toHaveLength(proven.length);
    const { before, after, notified } = JSON.parse(stdout);
    expect(after).toEqual(before);
    // a LISTEN client still hears of what it listens for
    expect(notified).toBe(library !== 'generic-pool');
  });
});

test.each(['pg', 'generic-pool'] as const)(
  '%s: what is held is never called lost, however often it is judged',
  async (library) => {
    const { judged, ...counts } = await stress({ library, seconds: 3, max: 40, least: 500, databaseUrl: database.url });
    expect(counts).toEqual({ proven: 0, done: expect.any(Number), failed: 0, hung: false, left: 0, altered: 0 });
    expect(judged).toBeGreaterThanOrEqual(500);
  },
);

test('OUTLIVE_PROOF=off ends it', async () => {
  const { report } = await probed(program, ['pg'], { env: { ...env, OUTLIVE_PROOF: 'off' } });
  expect(report.findings.filter(({ detector }) => detector === 'unreachable')).toEqual([]);
});

describe.each(['pg', 'generic-pool'])('a pool of %s that lost all its connections', (library) => {
  test('stays lost, and the finding says so', async () => {
    const { report, stdout } = await probed(pool, [library], { env });
    expect(JSON.parse(stdout)).toEqual({ served: false, size: 4 });
    expect(report.findings[0]).toMatchObject({ detector: 'unreachable', certainty: 'proven', count: 4 });
    expect(report.findings[0]).not.toHaveProperty('healed');
  });

  test('is healed where that is asked for: it serves again, their transactions are over, the finding stays', async () => {
    const { report, stdout } = await probed(pool, [library], { env: { ...env, OUTLIVE_HEAL: '1' } });
    expect(JSON.parse(stdout)).toEqual({ served: true, open: 0, size: 1 });
    expect(report.findings[0]).toMatchObject({ detector: 'unreachable', certainty: 'proven', count: 4, healed: 4 });
  });
});
