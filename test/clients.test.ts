/** Clients of servers that are not SQL, and pools of workers: one per job that nobody closes, on the real libraries. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixture, lineOf, placeOf, probed, watched } from './support/probed.ts';
import { HAS_REDIS, type RedisServer, startRedis } from './support/redis.ts';

const program = fixture('clients.mjs');
let redis: RedisServer;
beforeAll(async () => {
  if (HAS_REDIS) redis = await startRedis();
});
afterAll(() => redis?.stop());

const run = async (...args: string[]) => {
  const ended = await probed(program, args, { env: { ...redis?.env, OUTLIVE_GRACE_MS: '100' } });
  expect(ended).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
  expect(ended.report.unseen).toEqual([]);
  expect(ended.report.processes.map(({ faults }) => faults)).not.toContain(1);
  return ended.report;
};

/** `made`: how many a service has in all, and of these for life. */
const LIBRARIES = {
  ioredis: { line: '// a client of ioredis', made: 16, finds: ['outlived-scope', 'likely', 'connection'] },
  redis: { line: '// a client of redis', made: 15, finds: ['outlived-scope', 'likely', 'connection'] },
  'redis pool': { line: '// lent by a pool of redis', made: 12, finds: ['outlived-scope', 'likely', 'connection'] },
  bullmq: { line: '// a queue of bullmq', made: 14, finds: ['outlived-scope', 'likely', 'connection'] },
  piscina: { line: '// a pool of piscina', made: 13, finds: ['outlived-scope', 'likely', 'worker'] },
  // its workers hold no pool, so that one that is dropped is known to be lost
  workerpool: { line: '// a pool of workerpool', made: 13, finds: ['collected', 'proven', 'worker'] },
};
const NEEDS_NONE = ['piscina', 'workerpool'];
const rows = Object.entries(LIBRARIES);

describe.each(rows.filter(([library]) => HAS_REDIS || NEEDS_NONE.includes(library)))('%s', (library, expected) => {
  test('one per job that is not closed is found at the line that made it, and nothing else', async () => {
    const { findings, open } = await run(library, 'leak');
    expect(findings.map((finding) => [placeOf(finding), finding.library, finding.count])).toEqual([
      [lineOf(program, expected.line), library, 6],
    ]);
    const [{ detector, certainty, kind, acquired, released } = {}] = findings;
    expect([detector, certainty, kind]).toEqual(expected.finds);
    expect([acquired, released]).toEqual([12, 6]);
    // what it is made of is open by it, not beside it
    for (const { owner } of open.filter((row) => row.library !== library && row.site)) {
      expect(owner).toMatchObject({ library });
    }
  });

  test('closed by each job, and kept for life where that is meant, they are silent', async () => {
    const report = await run(library, 'clean');
    expect(report.findings).toEqual([]);
    expect(watched(report, library)).toEqual({ acquired: expected.made, released: expected.made });
  });
});

test.skipIf(HAS_REDIS)('ioredis, redis and bullmq need a redis-server, which is not installed here', () => {});
