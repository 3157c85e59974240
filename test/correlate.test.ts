import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runCorrelate } from '../pipeline/jobs/correlate.ts';
import { runDeliver } from '../pipeline/jobs/deliver.ts';
import type { Result } from '../pipeline/jobs/result.ts';
import type { Region } from '../pipeline/sinks/regions.ts';
import { Sink, sinkTable } from '../pipeline/sinks/sink.ts';
import { type FreshStore, freshStore, STORES } from './setup/stores.ts';
import { openWorkload, type Workload } from './support/workload.ts';

const base: Result = {
  version: 2,
  id: 'x',
  rule: 'trail-stopped',
  title: 'Trail stopped',
  severity: 'medium',
  author: null,
  record: 'r',
  kind: 'activity',
  source: 'aws-cloudtrail',
  tenant: 't1',
  compartment: null,
  reportingRegion: 'eu',
  region: 'eu-west-1',
  time: '2026-01-05T08:10:00.000Z',
  detected: '2026-01-05T08:11:00.000Z',
  name: 'StopLogging',
  actor: 'ada',
  sourceIp: null,
  resource: 'trail-1',
  asset: null,
  intel: [],
};

describe.each(STORES)('on %s', (dialect) => {
  let store: FreshStore;
  let workload: Workload;
  beforeAll(async () => {
    store = await freshStore(dialect);
    workload = await openWorkload(store.url);
  });
  afterEach(() => workload.empty());
  afterAll(async () => {
    await workload?.pool.close();
    await store?.drop();
  });

  const publish = (...results: Partial<Result>[]) =>
    workload.stream.publish(
      'results',
      results.map((changes, index) => ({ key: String(index), value: { ...base, ...changes } })),
    );

  describe('correlation', () => {
    const insights = async () => {
      const rows = await workload.query(
        `select tenant, entity, window_start, severity, results, rules, regions, first_time, last_time
       from insights order by tenant, entity, window_start`,
      );
      return rows.map((row) => ({ ...row, rules: listOf(row.rules), regions: listOf(row.regions) }));
    };

    test('collapses what one actor did in one hour, over all regions', async () => {
      await publish(
        { id: '1' },
        { id: '2', rule: 'admin-granted', severity: 'high', region: 'us-east-1', time: '2026-01-05T08:50:00.000Z' },
        { id: '3', resource: 'trail-2' },
      );
      expect(await runCorrelate(workload)).toEqual({ results: 3, insights: 1 });
      expect(await insights()).toEqual([
        {
          tenant: 't1',
          entity: 'actor ada',
          window_start: new Date('2026-01-05T08:00:00Z'),
          severity: 'high',
          results: 3,
          rules: ['admin-granted', 'trail-stopped'],
          regions: ['eu-west-1', 'us-east-1'],
          first_time: new Date('2026-01-05T08:10:00Z'),
          last_time: new Date('2026-01-05T08:50:00Z'),
        },
      ]);
    });

    test('counts the same result once, however often it arrives', async () => {
      await publish({ id: '1' }, { id: '1' });
      await runCorrelate(workload);
      await publish({ id: '1' });
      await runCorrelate(workload);
      expect(await insights()).toMatchObject([{ results: 1 }]);
    });

    test('keeps tenants, actors and hours apart', async () => {
      await publish(
        { id: '1' },
        { id: '2', tenant: 't2' },
        { id: '3', actor: 'bob' },
        { id: '4', time: '2026-01-05T09:00:00.000Z' },
      );
      expect(await runCorrelate(workload)).toMatchObject({ insights: 4 });
      expect(await insights()).toHaveLength(4);
    });

    test('goes by the resource where nobody acted', async () => {
      const found: Partial<Result> = { kind: 'resource', actor: null, time: null };
      await publish({ ...found, id: '1' }, { ...found, id: '2', region: 'us-east-1' });
      await runCorrelate(workload);
      expect(await insights()).toMatchObject([{ entity: 'resource trail-1', window_start: null, results: 2 }]);
    });

    test('gives the same insights whatever the order and the batches', async () => {
      const results = Array.from({ length: 40 }, (_, n): Partial<Result> => {
        const id = n % 30; // the last ten repeat the first
        const time = new Date(Date.UTC(2026, 0, 5, 8, id)).toISOString();
        const severity = id % 7 === 0 ? 'critical' : 'low';
        return { id: String(id), actor: `user-${id % 3}`, rule: `rule-${id % 5}`, severity, time };
      });
      await publish(...results);
      await runCorrelate(workload);
      const expected = await insights();
      expect(expected).toHaveLength(3);

      await workload.empty();

      for (const table of ['insights', 'insight_results', 'stream_batches', 'stream_heads', 'stream_positions']) {
        await workload.execute(`delete from ${table}`);
      }
      for (const result of results.reverse()) await publish(result);
      await runCorrelate({ ...workload, maxBatch: 3 });
      expect(await insights()).toEqual(expected);
    });
  });

  describe('delivery', () => {
    let regional: FreshStore;
    let there: Workload;
    let sinks: Sink[];
    beforeAll(async () => {
      regional = await freshStore(dialect);
      there = await openWorkload(regional.url);
    });
    beforeEach(() => {
      sinks = [];
    });
    afterEach(async () => {
      for (const sink of sinks) await sink.close();
      await there.empty();
    });
    afterAll(async () => {
      await there?.pool.close();
      await regional?.drop();
    });

    const open = (region: Region, url: string) => {
      const sink = new Sink({ region, url });
      sinks.push(sink);
      return sink;
    };
    const NOWHERE = 'postgres://nobody:x@127.0.0.1:1/none';
    const arrived = async (region: Region, at: Workload) =>
      (await at.query<{ id: string }>(`select id from ${sinkTable(region)[dialect]} order by id`)).map(({ id }) => id);

    test('brings each region its own results, once', async () => {
      await publish({ id: '1' }, { id: '2', reportingRegion: 'us' }, { id: '1' });
      const deliver = () => runDeliver({ ...workload, sinks: [open('eu', store.url), open('us', store.url)] });
      expect(await deliver()).toEqual({ eu: { delivered: 2, problem: null }, us: { delivered: 1, problem: null } });
      expect(await deliver()).toMatchObject({ eu: { delivered: 0 }, us: { delivered: 0 } });
      expect([await arrived('eu', workload), await arrived('us', workload)]).toEqual([['1'], ['2']]);
    });

    test('to a region that is down holds up no other, and is made good when it is back', async () => {
      await publish({ id: '1' }, { id: '2', reportingRegion: 'us' }, { id: '3' }, { id: '4', reportingRegion: 'us' });
      const down = await runDeliver({ ...workload, sinks: [open('eu', NOWHERE), open('us', store.url)] });
      expect(down).toMatchObject({ eu: { delivered: 0, problem: expect.stringContaining('ECONNREFUSED') } });
      expect(await arrived('us', workload)).toEqual(['2', '4']);

      await runDeliver({ ...workload, sinks: [open('eu', regional.url), open('us', store.url)] });
      expect(await arrived('eu', there)).toEqual(['1', '3']);
      expect(await arrived('us', workload)).toEqual(['2', '4']);
    });

    test('works again with the same sink after its sessions were ended', async () => {
      const sink = open('eu', regional.url);
      await publish({ id: '1' });
      await runDeliver({ ...workload, sinks: [sink] });
      await regional.endSessions();
      await publish({ id: '2' });
      const first = await runDeliver({ ...workload, sinks: [sink] });
      const second = await runDeliver({ ...workload, sinks: [sink] });
      expect(first.eu!.delivered + second.eu!.delivered).toBe(1);
      expect(await arrived('eu', there)).toEqual(['1', '2']);
    });
  });
});

/** A list of PostgreSQL, or the JSON that Oracle keeps it as. */
function listOf(value: unknown): unknown {
  return typeof value === 'string' ? JSON.parse(value) : value;
}
