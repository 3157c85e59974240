import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { saveCompartments } from '../pipeline/jobs/compartments.ts';
import { IntelList } from '../pipeline/jobs/intel.ts';
import { loadIntel } from '../pipeline/jobs/intel-files.ts';
import { transact } from '../pipeline/jobs/job.ts';
import type { Result } from '../pipeline/jobs/result.ts';
import { factsOf, loadRules, parseRule, RuleSet } from '../pipeline/jobs/rule-set.ts';
import { runRules } from '../pipeline/jobs/rules.ts';
import type { CloudRecord } from '../pipeline/records/record.ts';
import { loadRegions, Regions } from '../pipeline/sinks/regions.ts';
import { openPool } from '../pipeline/store/database.ts';
import { LogTableStream } from '../pipeline/streams/log-table.ts';
import { type FreshStore, freshStore, STORES } from './setup/stores.ts';
import { bundledIntel, bundledRules, openWorkload, type Workload } from './support/workload.ts';

const RULE = `id: trail-stopped
title: Trail stopped
severity: high
kind: activity
events: [StopLogging]
condition: raw.eventSource == 'cloudtrail.amazonaws.com'
examples:
  match: [{ raw: { eventSource: cloudtrail.amazonaws.com } }]
  noMatch: [{ raw: {} }]
`;

const record: CloudRecord = {
  version: 2,
  id: 'r1',
  kind: 'activity',
  source: 'aws-cloudtrail',
  tenant: '111122223333',
  compartment: null,
  region: 'eu-west-1',
  time: '2026-01-05T08:00:00.000Z',
  name: 'StopLogging',
  actor: 'ada',
  sourceIp: '192.0.2.1',
  resource: 'trail-1',
  raw: { eventSource: 'cloudtrail.amazonaws.com' },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlive-rules-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the bundled rules', async () => {
  const { rules } = await bundledRules();
  // that each tells its examples apart is checked whenever they are loaded
  test.each([
    ['aws-', 60],
    ['oci-', 30],
    ['kubernetes-', 10],
  ])('are many of %s', (cloud, least) => {
    expect(rules.filter(({ id }) => id.startsWith(cloud)).length).toBeGreaterThanOrEqual(least);
  });
});

describe('a rule', () => {
  const rule = parseRule(RULE, 'rule.yaml');

  test('does not match a record that lacks what its condition asks for', () => {
    expect(rule.condition(factsOf(record))).toBe(true);
    expect(rule.condition(factsOf({ ...record, raw: {} }))).toBe(false);
    expect(rule.condition(factsOf({ ...record, raw: null }))).toBe(false);
  });

  test('only sees records of its events and kind', () => {
    const set = new RuleSet([rule]);
    expect(set.matching(record)).toEqual([rule]);
    expect(set.matching({ ...record, name: 'StartLogging' })).toEqual([]);
    expect(set.matching({ ...record, name: 'constructor' })).toEqual([]);
    expect(set.matching({ ...record, kind: 'resource' })).toEqual([]);
  });

  test.each([
    ['severity: high', 'severity: awful', 'rule.yaml:3: "severity" must be one of low, medium, high, critical.'],
    ['kind: activity', 'kind: posture', 'rule.yaml:4: "kind" must be one of activity, resource.'],
    ['events: [StopLogging]', 'events: StopLogging', 'rule.yaml:5: "events" must be a list of event names.'],
    ['title: Trail', 'tilte: Trail', /^rule\.yaml:2: unknown field "tilte"; a rule has id, title, /],
    ['title: Trail stopped', 'title: [1', /^rule\.yaml:3: not valid YAML: /],
    [/raw\.eventSource ==.*/, "raw.eventSource == ='a'", /^rule\.yaml:6: the condition is no CEL .*: Unexpected/],
    [/raw\.eventSource ==.*/, "event.name == 'a'", 'variable: event'],
    [/raw\.eventSource ==.*/, 'raw.name.frobnicate()', 'frobnicate'],
    [/raw\.eventSource ==.*/, '1 + 1', 'rule.yaml:6: the condition is no CEL expression that gives true or false'],
    [/ {2}noMatch.*/, '', 'rule.yaml:7: "examples" needs at least one under "noMatch".'],
    [
      /(?<=match: ).*/,
      '[{ raw: {} }]',
      'rule.yaml:7: rule "trail-stopped": its example 1 under "match" does not match.',
    ],
    [/(?<=noMatch: ).*/, '[{ raw: { eventSource: cloudtrail.amazonaws.com } }]', 'under "noMatch" matches.'],
    ['kind: activity', 'kind: activity\nsources: [azure]', 'rule.yaml:5: "azure" is no record source; there are aws'],
    [/^.*$/s, '- a list', 'rule.yaml:1: a rule is a map of fields.'],
  ])('with %s made %s is refused with file, line and reason', (good, bad, reason) => {
    expect(() => parseRule(RULE.replace(good, bad), 'rule.yaml')).toThrow(reason);
  });

  test('may not take the id of another', async () => {
    await writeFile(join(folder, 'a.yaml'), RULE);
    await mkdir(join(folder, 'deeper'));
    await writeFile(join(folder, 'deeper/b.yml'), RULE);
    await expect(loadRules(folder)).rejects.toThrow('deeper/b.yml:1: the rule id "trail-stopped" is taken');
  });
});

describe('a threat-intelligence list', () => {
  const list = new IntelList();
  for (const entry of ['203.0.113.7', '198.51.100.0/25', '2001:db8::/33', '::1']) list.add(entry);

  test.each([
    ['203.0.113.7', true],
    ['203.0.113.8', false],
    ['198.51.100.127', true],
    ['198.51.100.128', false],
    ['::ffff:203.0.113.7', true],
    ['2001:DB8:7fff::1', true],
    ['2001:db8:8000::1', false],
    ['0:0:0:0:0:0:0:1', true],
    ['s3.amazonaws.com', false],
    ['', false],
  ])('has %s: %s', (address, listed) => expect(list.has(address)).toBe(listed));

  test('is a text file with an address or network a line', async () => {
    const file = join(folder, 'list.txt');
    await writeFile(file, '# feed\n203.0.113.7\t9\r\n\n  198.51.100.0/25 # net\n');
    const loaded = await loadIntel(file);
    expect([loaded.has('203.0.113.7'), loaded.has('198.51.100.1')]).toEqual([true, true]);
    await writeFile(file, '203.0.113.7\n203.0.113.0/33\n');
    await expect(loadIntel(file)).rejects.toThrow(
      `${file}:2: "203.0.113.0/33" is neither an IP address nor a CIDR network`,
    );
  });
});

test('reporting regions are those that a file names, with a default for tenants that it does not list', async () => {
  const file = join(folder, 'tenants.yaml');
  await writeFile(file, 'default: us\ntenants:\n  "111122223333": eu\n  finance: jp-tokyo-1\n');
  const regions = await loadRegions(file);
  const of = (tenant: string, compartment: string | null = null) => regions.of({ tenant, compartment });
  expect([of('111122223333'), of('other'), of('other', 'finance')]).toEqual(['eu', 'us', 'jp-tokyo-1']);
  expect(regions.all).toEqual(['eu', 'jp-tokyo-1', 'us']);
  await writeFile(file, 'default: The Moon\n');
  await expect(loadRegions(file)).rejects.toThrow('"The Moon" is no name of a reporting region, which is a letter');
});

describe.each(STORES)('the rules job on %s', (dialect) => {
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

  const options = async () => ({
    ...workload,
    rules: new RuleSet([parseRule(RULE, 'rule.yaml')]),
    intel: await bundledIntel(),
    regions: new Regions('us', [['111122223333', 'eu']]),
  });
  const publish = (...records: Partial<CloudRecord>[]) =>
    workload.stream.publish(
      'records',
      records.map((changes) => ({ key: 'k', value: { ...record, ...changes } })),
    );
  const results = () => workload.published<Result>('results');

  test('publishes what rules and intelligence find, with the tenant\u2019s reporting region', async () => {
    await publish({ id: 'r1', sourceIp: '203.0.113.9' }, { id: 'r2', raw: {} }, { id: 'r3', tenant: 'other' });
    expect(await runRules(await options())).toEqual({
      records: 3,
      results: { 'intel-source-ip': 1, 'trail-stopped': 2 },
      deadLetters: {},
      failedLookUps: 0,
    });
    const found = (await results()).map(({ rule, record, reportingRegion }) => [record, rule, reportingRegion]);
    expect(found.sort()).toEqual([
      ['r1', 'intel-source-ip', 'eu'],
      ['r1', 'trail-stopped', 'eu'],
      ['r3', 'trail-stopped', 'us'],
    ]);
  });

  test('finds nothing new in a second run, and the same in the same record', async () => {
    await publish({}, {});
    await runRules(await options());
    expect(await runRules(await options())).toMatchObject({ records: 0, results: {} });
    const [first, second] = await results();
    expect({ ...second, detected: null }).toEqual({ ...first, detected: null });
  });

  test("knows the tenancy of a compartment's resource, once an audit event or a list has named it", async () => {
    const audited = {
      source: 'oci-audit',
      tenant: 'ocid1.tenancy.oc1..t',
      compartment: 'ocid1.compartment.oc1..outer',
    };
    const listed = { name: 'oci:compartments', resource: 'ocid1.compartment.oc1..inner', source: 'oci-resource' };
    const inside = { source: 'oci-resource', tenant: 'unknown', compartment: 'ocid1.compartment.oc1..inner' } as const;
    const told = [
      audited,
      { ...listed, tenant: 'unknown', compartment: audited.compartment },
    ] as Partial<CloudRecord>[];
    await publish({ ...inside, id: 'early' });
    await runRules(await options());
    await transact(workload, (transaction) =>
      saveCompartments(
        told.map((changes) => ({ ...record, ...changes })),
        transaction,
      ),
    );
    await publish({ ...inside, id: 'late' }, { ...inside, id: 'elsewhere', compartment: 'ocid1.compartment.oc1..x' });
    await runRules({ ...(await options()), regions: new Regions('us', [['ocid1.tenancy.oc1..t', 'eu']]) });
    const found = (await results()).map((result) => [result.record, result.tenant, result.reportingRegion]);
    expect(found.sort()).toEqual([
      ['early', 'unknown', 'us'],
      ['elsewhere', 'unknown', 'us'],
      ['late', 'ocid1.tenancy.oc1..t', 'eu'],
    ]);
  });

  test('adds what the inventory knows about the resource, and never needs two connections at once', async () => {
    await workload.execute(
      `insert into assets (tenant, "resource", type, region, owner) values ('111122223333', 'trail-1', 'aws:trail', 'eu-west-1', 'bob')`,
    );
    const instance = 'ocid1.instance.oc1.fra.a'; // whose record did not say whose compartment it is in
    await workload.execute(
      `insert into assets (tenant, "resource", type, region, owner) values ('unknown', '${instance}', 'oci:instances', 'fra', null)`,
    );
    await publish({}, { id: 'r2', resource: 'unheard-of' }, { id: 'r3', resource: instance });
    const pool = await openPool({ url: store.url, name: 'single', max: 1, acquireTimeout: 5_000 });
    const stream = new LogTableStream({ pool, partitions: 4 });
    await runRules({ ...(await options()), pool, stream }).finally(() => pool.close());
    expect((await results()).map(({ asset }) => asset)).toEqual([
      { type: 'aws:trail', region: 'eu-west-1', owner: 'bob' },
      null,
      { type: 'oci:instances', region: 'fra', owner: null },
    ]);
  });

  test('publishes a result without asset when its look-up fails', async () => {
    await publish({ id: 'r1' }, { id: 'r2' });
    const lookUp = async ({ id }: CloudRecord) => {
      if (id === 'r1') throw new Error('inventory is away');
      return { type: 't', region: 'r', owner: null };
    };
    expect(await runRules({ ...(await options()), lookUpAsset: lookUp })).toMatchObject({ failedLookUps: 1 });
    expect((await results()).map(({ asset }) => asset?.type ?? null)).toEqual([null, 't']);
  });

  test('publishes nothing of a batch whose offset could not be moved', async () => {
    await publish({});
    const failing: typeof workload.stream = {
      publish: (...publication) => workload.stream.publish(...publication),
      groups: (topic) => workload.stream.groups(topic),
      trim: (topic, age) => workload.stream.trim(topic, age),
      async *drain(...args) {
        for await (const batch of workload.stream.drain(...args)) {
          yield { ...batch, entries: batch.entries, commit: () => Promise.reject(new Error('torn')) };
        }
      },
    };
    await expect(runRules({ ...(await options()), stream: failing })).rejects.toThrow('torn');
    expect(await results()).toEqual([]);
    await runRules(await options());
    expect(await results()).toHaveLength(1);
  });
});
