import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../probe/recording/report.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { FOLLOWS_FLOWS, fixture, lineOf, placeOf, probed } from './support/probed.ts';

const program = fixture('exhausted.mjs');
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const run = (cause: string) => probed(program, [cause], { env: { PG_URL: database.url } });
const exhausted = ({ findings }: Report) => findings.filter(({ detector }) => detector === 'pool-exhausted');

test('a leak: one finding, whose line the holders are named by, with age and idleness', async () => {
  const { report, stdout } = await run('leak');
  const [finding, ...others] = report.findings;
  expect(others).toEqual([]);
  expect(placeOf(finding!)).toBe(lineOf(program, '// an order'));
  expect(finding).toMatchObject({ count: 4, exhausted: { cause: 'leak', used: 4, limit: 4 } });
  expect(finding?.evidence[1]).toMatch(
    /^So the pool ran out: 1 acquire of pool orders timed out after (?:[4-9]\d\d|\d{4,}) ms, with 4 of 4 in use and 0 waiting\.$/,
  );
  expect(finding?.holders).toEqual([
    { site: finding?.site, count: 4, oldestMs: expect.any(Number), idleMs: expect.any(Number), busy: 0 },
  ]);
  const idleMs = Number(/idle for ([\d.]+)/.exec(stdout)?.[1]);
  expect(finding?.holders[0]?.idleMs).toBeGreaterThanOrEqual(Math.floor(idleMs));
});

test('a leak without any time-out: nobody is told, but one waits for what others left lying', async () => {
  const { report } = await run('hung');
  const [finding, ...others] = report.findings;
  expect(others).toEqual([]);
  expect(finding?.certainty).not.toBe('suspect');
  expect(finding?.evidence[1]).toMatch(
    /^So the pool ran out: 1 acquire waits for pool orders, the first for [\d.]+ m?s, with 4 of 4 in use; none has timed out yet\.$/,
  );
});

test.each(['pg', 'generic-pool'])('%s: so too where both are only counted, beyond the stacks', async (library) => {
  const env = { PG_URL: database.url, OUTLIVE_STACKS: '500', OUTLIVE_GRACE_MS: '500' };
  const { report, code } = await probed(fixture('counted-waiting.mjs'), [library], { env });
  expect(code).toBe(0);
  expect(report.findings).toMatchObject([
    { library, count: 4, exhausted: { cause: 'leak', used: 4, limit: 4, waiting: 3 } },
  ]);
  const evidence = report.findings[0]?.evidence.join('\n');
  // since before anybody could look
  expect(evidence).toMatch(/3 acquires wait for pool .*, the first for (1\.[5-9]|[2-9]\.\d) s/);
  if (library === 'pg') expect(evidence).toMatch(/Last done with it, .* acquired: select \? as answer/);
});

test('too small: steady work of the usual length needs more', async () => {
  const { report } = await run('too-small');
  const [finding] = exhausted(report);
  expect(finding?.certainty).toBe('suspect');
  expect(finding?.evidence[1]).toMatch(/^Too small: .* is usual; [\d.]+ acquires per second against [\d.]+ before\.$/);
});

test('a slow database: the holders are busy for much longer than is usual', async () => {
  const { report } = await run('slow-database');
  const [finding] = exhausted(report);
  expect(finding?.certainty).toBe('suspect');
  expect(finding?.evidence[1]).toMatch(/^A slow database: /);
  expect(finding?.holders[0]?.busy).toBeGreaterThan(1);
});

test.each([
  ['storm', {}],
  // nearly all are only counted
  ['small-storm', { OUTLIVE_STACKS: '0' }],
])('a %s: acquires come many times as fast as before', async (cause, env) => {
  const { report } = await probed(program, [cause], { env: { PG_URL: database.url, ...env } });
  expect(exhausted(report)[0]?.evidence[1]).toMatch(/^A storm: /);
});

test('a storm that is over is withdrawn, and the report still tells of it', async () => {
  const { report } = await run('recovered');
  expect(report.findings).toEqual([]);
  expect(report.withdrawn).toEqual([
    expect.objectContaining({ detector: 'pool-exhausted', pool: 'orders', why: 'the pool recovered' }),
  ]);
});

test.runIf(FOLLOWS_FLOWS)('hold-and-wait: all who hold wait for one more, which is proven', async () => {
  const { report } = await run('deadlock');
  const [deadlock, ...others] = report.findings;
  expect(others).toEqual([]);
  expect(placeOf(deadlock!)).toBe(lineOf(program, '// one more'));
  expect(deadlock).toMatchObject({ detector: 'hold-and-wait', certainty: 'proven', count: 4, pool: 'orders' });
});
