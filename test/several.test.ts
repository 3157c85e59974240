import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../probe/recording/report.ts';
import { FOLLOWS_FLOWS, fixture, lineOf, placeOf, probed } from './support/probed.ts';
import { HAS_REDIS, type RedisServer, startRedis } from './support/redis.ts';

// Several clients made at one line: alike and used by nobody else they are a leak, one for each purpose they are none.

const program = fixture('several.mjs');
let redis: RedisServer;
beforeAll(async () => {
  if (HAS_REDIS) redis = await startRedis();
});
afterAll(() => redis?.stop());

const run = async (kind: string, pattern: string): Promise<Report> =>
  (await probed(program, [kind, pattern], { env: { ...redis?.env, OUTLIVE_GRACE_MS: '300' } })).report;

const isSure = ({ certainty }: { certainty: string }) => certainty !== 'suspect';

describe.runIf(FOLLOWS_FLOWS && HAS_REDIS)('of several clients', () => {
  test.each([
    ['piscina', '// a pool of workers'],
    ['ioredis', '// a client'],
    ['queueEvents', '// events of a queue'],
  ])('%s: six of twenty-four requests make one that nobody closes', async (kind, text) => {
    const findings = (await run(kind, 'alike')).findings.filter(isSure);
    expect(findings.map(placeOf)).toEqual([lineOf(program, text)]);
    expect(findings[0]?.count).toBe(6);
  });

  test.each([
    ['ioredis', 'cached'],
    ['queueEvents', 'cached'],
    ['queueEvents', 'boot'],
  ])('%s, %s: none is a leak for sure', async (kind, pattern) => {
    const { findings } = await run(kind, pattern);
    expect(findings.filter(isSure)).toEqual([]);
  });
});
