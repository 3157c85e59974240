/** Clients of servers that are not SQL, and pools of workers: one per job that nobody closes, on the real libraries. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding, Report } from '../probe/recording/report.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { fixture, lineOf, NODE_MAJOR, placeOf, probed, watched } from './support/probed.ts';
import { HAS_REDIS, type RedisServer, startRedis } from './support/redis.ts';

const program = fixture('clients.mjs');
let redis: RedisServer;
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  if (HAS_REDIS) redis = await startRedis();
});
afterAll(async () => {
  await redis?.stop();
  await database.drop();
});

const run = async (...args: string[]) => {
  const ended = await probed(program, args, {
    env: { ...redis?.env, PG_URL: database.url, OUTLIVE_GRACE_MS: '100', OUTLIVE_SCOPES: 'on' },
  });
  expect(ended).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
  expect(ended.report.unseen).toEqual([]);
  expect(ended.report.processes.map(({ faults }) => faults)).not.toContain(1);
  return ended.report;
};

const ofJob = (line: string, detector: string, kind: string, certainty = 'likely') => ({
  line,
  detector,
  kind,
  certainty,
});
const found = ({ findings }: Report) =>
  findings.map(({ detector, kind, certainty, count, acquired, released, ...finding }) => ({
    ...{ detector, kind, certainty, counts: [count, acquired, released] },
    line: placeOf(finding as Finding),
  }));

/** By variant of the program: what it leaks, half of twelve each; how many it makes in all, those for life included. */
const LIBRARIES: Record<string, { leaks: ReturnType<typeof ofJob>[]; each?: number; made: number; needs: boolean }> = {
  ioredis: { leaks: [ofJob('// a client of ioredis', 'outlived-scope', 'connection')], made: 16, needs: HAS_REDIS },
  redis: { leaks: [ofJob('// a client of redis', 'outlived-scope', 'connection')], made: 15, needs: HAS_REDIS },
  'redis pool': {
    // their tasks wait for what nobody settles any more
    leaks: [ofJob('// lent by a pool of redis', 'collected', 'connection', 'proven')],
    made: 12,
    needs: HAS_REDIS,
  },
  // each of two channels
  'redis listener': {
    leaks: [ofJob('// a listener of redis', 'outlived-scope', 'listener')],
    each: 2,
    made: 25,
    needs: HAS_REDIS,
  },
  'postgres listener': {
    leaks: [ofJob('// a listener of postgres', 'outlived-scope', 'listener')],
    made: 13,
    needs: true,
  },
  bullmq: { leaks: [ofJob('// a queue of bullmq', 'outlived-scope', 'connection')], made: 14, needs: HAS_REDIS },
  piscina: { leaks: [ofJob('// a pool of piscina', 'outlived-scope', 'worker')], made: 13, needs: true },
  // its workers hold no pool, so that one that is dropped is known to be lost
  workerpool: { leaks: [ofJob('// a pool of workerpool', 'collected', 'worker', 'proven')], made: 13, needs: true },
  // nor do its connections hold what ends them
  kafkajs: {
    leaks: [
      ofJob('// dropped, of kafkajs', 'collected', 'connection', 'proven'),
      ofJob('// an admin of kafkajs', 'outlived-scope', 'connection'),
    ],
    made: 25,
    needs: true,
  },
  undici: {
    leaks: [
      ofJob('// a pool of undici', 'outlived-scope', 'socket'),
      ofJob('// an agent of undici', 'outlived-scope', 'socket'),
    ],
    made: 25,
    needs: true,
  },
  'better-sqlite3': {
    leaks: [
      ofJob('// dropped, of better-sqlite3', 'collected', 'connection', 'proven'),
      ofJob('// an iterator of better-sqlite3', 'collected', 'stream', 'proven'),
      ofJob('// kept, of better-sqlite3', 'outlived-scope', 'connection'),
    ],
    // those in memory are not counted
    made: 26,
    needs: true,
  },
};

/** The newest of them run on no older Node.js, and ES modules are seen on none before 24. */
const FROM: Record<string, number> = { undici: 22, 'better-sqlite3': 22, 'postgres listener': 24 };
const runnable = Object.entries(LIBRARIES).filter(([name]) => NODE_MAJOR >= (FROM[name] ?? 0));

describe.concurrent.each(runnable)('%s', (library, { leaks, each = 1, made, needs }) => {
  const when = needs ? '' : ' (needs a redis-server, which is not installed here)';

  test.skipIf(!needs)(
    `one per job that is not closed is found at the line that made it, and nothing else${when}`,
    async () => {
      const report = await run(library, 'leak');
      const byLine = (one: { line?: unknown }, other: { line?: unknown }) =>
        String(one.line).localeCompare(String(other.line));
      expect(found(report).sort(byLine)).toEqual(
        leaks
          .map((leak) => ({ ...leak, counts: [6 * each, 12 * each, 6 * each], line: lineOf(program, leak.line) }))
          .sort(byLine),
      );
      // what it is made of is open by it, not beside it; what it is made on is of the same library
      const isOther = (name: string | null) => name !== null && !`${library} `.startsWith(`${name} `);
      const others = report.open.filter((row) => isOther(row.library) && row.site && row.kind !== 'server');
      for (const { owner } of others) {
        expect(owner).toMatchObject({ library });
      }
    },
  );

  test.skipIf(!needs)(`closed by each job, and kept for life where that is meant, they are silent${when}`, async () => {
    const report = await run(library, 'clean');
    expect(report.findings).toEqual([]);
    expect(watched(report, library, leaks[0]?.kind)).toEqual({ acquired: made, released: made });
  });
});

test('who waits for a server’s answer is not idle, though its job is over', async () => {
  expect((await run('servers that do not answer')).findings).toEqual([]);
});
