import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { runCorrelate } from '../pipeline/jobs/correlate.ts';
import { runDeliver } from '../pipeline/jobs/deliver.ts';
import { runReplay } from '../pipeline/jobs/replay.ts';
import type { Result } from '../pipeline/jobs/result.ts';
import { parseRule, RuleSet } from '../pipeline/jobs/rule-set.ts';
import { runRules } from '../pipeline/jobs/rules.ts';
import { createTables } from '../pipeline/jobs/tables.ts';
import type { CloudRecord, DeadLetter } from '../pipeline/records/record.ts';
import { recordOf } from '../pipeline/records/versions.ts';
import { Regions } from '../pipeline/sinks/regions.ts';
import { Sink } from '../pipeline/sinks/sink.ts';
import { prepareSchema } from '../pipeline/store/schema.ts';
import { type FreshStore, freshStore, STORES } from './setup/stores.ts';
import { bundledIntel, openWorkload, type Workload } from './support/workload.ts';

const RULE = `{ id: stopped, title: Stopped, severity: high, kind: activity, events: [StopLogging], condition: succeeded(raw),
  examples: { match: [{ raw: {} }], noMatch: [{ raw: { errorCode: x } }] } }`;
const POISON = RULE.replace('succeeded(raw)', () => `"raw.agent.matches('^(a+)+$')"`).replace(
  '{ raw: {} }',
  '{ raw: { agent: a } }',
);

const record: CloudRecord = {
  ...{ version: 2, id: 'r1', kind: 'activity', source: 'aws-cloudtrail', tenant: '111122223333', compartment: null },
  ...{ region: 'eu-west-1', time: '2026-01-05T08:00:00.000Z', name: 'StopLogging', actor: 'ada', sourceIp: null },
  ...{ resource: 'trail-1', raw: {} },
};
/** As the first version wrote it, before some fields were there. */
const { compartment: _, sourceIp: __, ...older } = record;

test('an older record is brought up, one of an unknown version or without its fields is refused', () => {
  expect(recordOf({ ...older, version: 1 })).toEqual(record);
  const audit = { ...older, version: 1, source: 'oci-audit', raw: { data: { compartmentId: 'c' } } };
  expect(recordOf(audit).compartment).toBe('c');
  expect(() => recordOf({ ...record, version: 3 })).toThrow('a record of version 3; this program knows those up to 2');
  expect(() => recordOf({ ...record, version: undefined })).toThrow('a record without a version');
  expect(() => recordOf({ ...record, name: 7 })).toThrow('a record whose name is no text');
});

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

  const publish = (topic: string, ...values: unknown[]) =>
    workload.stream.publish(
      topic,
      values.map((value) => ({ key: 'k', value })),
    );
  const rules = async (text = RULE) =>
    runRules({
      ...workload,
      rules: new RuleSet([parseRule(text, 'r.yaml')]),
      intel: await bundledIntel(),
      regions: new Regions('us'),
    });
  const letters = () => workload.published<DeadLetter>('dead-letters');

  test('what a job cannot use becomes a dead letter, and stops nothing', async () => {
    await publish('records', { ...older, version: 1 }, { ...record, version: 9 }, null, { ...record, id: 'r2' });
    expect(await rules()).toMatchObject({
      records: 4,
      results: { stopped: 2 },
      deadLetters: { 'unknown-version': 1, 'broken-record': 1 },
    });
    expect((await letters()).map(({ source, reason, value }) => [source, reason, value])).toEqual([
      ['records', 'unknown-version', { ...record, version: 9 }],
      ['records', 'broken-record', null],
    ]);
  });

  test('a rule that takes too long gives a dead letter with its name', async () => {
    await publish('records', { ...record, raw: { agent: `${'a'.repeat(40)}!` } });
    await rules(POISON);
    expect(await letters()).toMatchObject([
      { reason: 'rule-time-limit', detail: expect.stringContaining('"stopped"') },
    ]);
  });

  test('a result of an unknown version is a dead letter once, however many read it', async () => {
    await publish('records', record);
    await rules();
    const [result] = await workload.published<Result>('results');
    expect(Date.parse(result!.detected)).toBeGreaterThan(Date.parse(result!.time!));
    await publish('results', { ...result, version: 9 });
    const sink = new Sink({ region: 'us', url: store.url });
    expect(await runDeliver({ ...workload, sinks: [sink] })).toMatchObject({ us: { delivered: 1 } });
    await sink.close();
    expect(await runCorrelate(workload)).toMatchObject({ results: 1, insights: 1 });
    expect(await letters()).toMatchObject([{ source: 'results', reason: 'unknown-version' }]);
  });

  test('dead letters are replayed once, when what they hold can be used', async () => {
    const event = { eventID: 'e', eventName: 'StopLogging', eventSource: 's', eventTime: '2026-01-05T08:00:00Z' };
    const letter = { version: 1, reason: 'incomplete', detail: 'd', sample: '' };
    await publish(
      'dead-letters',
      { ...letter, source: '/a', position: 'line 1', value: { ...event, recipientAccountId: '1' } },
      { ...letter, source: '/a', position: 'line 2', value: event },
      { ...letter, source: '/a', position: 'line 3' },
      { ...letter, source: 'records', position: 'partition 0, offset 1', value: { ...older, version: 1 } },
    );
    expect(await runReplay(workload)).toMatchObject({ replayed: 2, deadLetters: { incomplete: 2 } });
    expect(await runReplay(workload)).toMatchObject({ replayed: 0, deadLetters: { incomplete: 2 } });
    expect(await workload.published('records')).toHaveLength(2);
    expect(await rules()).toMatchObject({ results: { stopped: 2 } });
  });

  test('tables of an older version are brought up, those of a newer one are refused', async () => {
    await workload.execute('alter table assets drop column compartment');
    await workload.execute(`update schema_versions set version = 1 where name = 'jobs'`);
    await createTables(workload.pool);
    await createTables(workload.pool);
    await workload.query('select compartment from assets');
    expect(await workload.query(`select version from schema_versions where name = 'jobs'`)).toMatchObject([
      { version: 3 },
    ]);
    await workload.execute(`update schema_versions set version = 4 where name = 'jobs'`);
    await expect(createTables(workload.pool)).rejects.toThrow('are of version 4, and this program knows those up to 3');
    await workload.execute(`update schema_versions set version = 3 where name = 'jobs'`);
  });

  const prepared = async () => {
    const connection = await workload.pool.acquire();
    await prepareSchema(connection).finally(() => connection.release());
  };

  test("the streams' tables and a sink's have versions of their own", async () => {
    const sink = new Sink({ region: 'us', url: workload.url });
    await publish('records', record);
    await rules();
    await runDeliver({ ...workload, sinks: [sink] });
    await publish('records', { ...record, id: 'another' });
    await rules();
    await workload.execute(`update schema_versions set version = 9 where name in ('streams', 'sink us')`);
    await expect(prepared()).rejects.toThrow('The tables of streams are of version 9');
    const late = new Sink({ region: 'us', url: workload.url });
    const { us } = await runDeliver({ ...workload, sinks: [late] });
    expect(us).toEqual({ delivered: 0, problem: expect.stringContaining('The tables of sink us are of version 9') });
    await workload.execute(`update schema_versions set version = 2 where name = 'streams'`);
    await workload.execute(`update schema_versions set version = 1 where name = 'sink us'`);
    expect(await runDeliver({ ...workload, sinks: [late] })).toMatchObject({ us: { delivered: 1, problem: null } });
    for (const each of [sink, late]) await each.close();
  });

  test('a table that was changed by hand is named', async () => {
    await workload.execute('alter table assets drop column owner');
    await expect(createTables(workload.pool)).rejects.toThrow(/^The table assets is not as this program left it \(/);
    await workload.execute('alter table assets add owner varchar(4000)');
  });
});
