import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runIngest } from '../pipeline/jobs/ingest.ts';
import { curate } from '../pipeline/records/curate.ts';
import { elementsOf } from '../pipeline/records/elements.ts';
import type { CloudRecord, DeadLetter } from '../pipeline/records/record.ts';
import { type FreshStore, freshStore, STORES } from './setup/stores.ts';
import { openWorkload, type Workload } from './support/workload.ts';

const trailEvent = {
  eventID: 'e-1',
  eventName: 'StopLogging',
  eventSource: 'cloudtrail.amazonaws.com',
  eventTime: '2026-01-05T10:00:00+02:00',
  awsRegion: 'eu-west-1',
  sourceIPAddress: '192.0.2.1',
  recipientAccountId: '111122223333',
  userIdentity: { type: 'IAMUser', arn: 'arn:aws:iam::111122223333:user/ada' },
  requestParameters: { name: 'trail-1' },
};

describe('a curated record', () => {
  test('of a CloudTrail event says who did what, where and when', () => {
    expect(curate(structuredClone(trailEvent))).toEqual([
      {
        version: 2,
        id: expect.stringMatching(/^[\w-]{24}$/),
        kind: 'activity',
        source: 'aws-cloudtrail',
        tenant: '111122223333',
        compartment: null,
        region: 'eu-west-1',
        time: '2026-01-05T08:00:00.000Z',
        name: 'StopLogging',
        actor: 'arn:aws:iam::111122223333:user/ada',
        sourceIp: '192.0.2.1',
        resource: 'trail-1',
        raw: trailEvent,
      },
    ]);
  });

  test('has the same id whenever the same event is delivered', () => {
    const again = { ...trailEvent, requestParameters: null };
    const other = { ...trailEvent, eventID: 'e-2' };
    const [id, idAgain, idOther] = [trailEvent, again, other].map((event) => curate(structuredClone(event))[0]!.id);
    expect(idAgain).toBe(id);
    expect(idOther).not.toBe(id);
  });

  test.each([
    ['2026-01-05T08:00:00Z', '2026-01-05T08:00:00.000Z'],
    ['2026-01-05T08:00:00.123Z', '2026-01-05T08:00:00.123Z'],
    ['2026-01-05T10:00:00.123456+02:00', '2026-01-05T08:00:00.123Z'],
    ['2026-02-30T08:00:00Z', '2026-03-02T08:00:00.000Z'],
    ['2026-01-05T24:00:00Z', '2026-01-06T00:00:00.000Z'],
    ['2026-01-31T08:00:00Z', '2026-01-31T08:00:00.000Z'],
  ])('has the time %s as a database can hold it', (eventTime, time) => {
    expect(curate({ ...structuredClone(trailEvent), eventTime })[0]!.time).toBe(time);
  });

  test('of a CloudTrail event in an EventBridge envelope is that of the event', () => {
    const envelope = { source: 'aws.cloudtrail', account: '1', detail: structuredClone(trailEvent) };
    expect(curate(envelope)).toEqual(curate(structuredClone(trailEvent)));
  });

  test('of an OCI Audit event takes its region from the OCID', () => {
    const event = {
      eventType: 'com.oraclecloud.ComputeApi.TerminateInstance',
      eventTime: '2026-01-05T08:00:00Z',
      source: 'ComputeApi',
      data: {
        resourceId: 'ocid1.instance.oc1.fra.abc',
        identity: { tenantId: 'ocid1.tenancy.oc1..x', principalId: 'ocid1.user.oc1..y', ipAddress: '192.0.2.2' },
      },
    };
    expect(curate(event)[0]).toMatchObject({
      source: 'oci-audit',
      tenant: 'ocid1.tenancy.oc1..x',
      region: 'fra',
      name: 'com.oraclecloud.ComputeApi.TerminateInstance',
      actor: 'ocid1.user.oc1..y',
      sourceIp: '192.0.2.2',
      resource: 'ocid1.instance.oc1.fra.abc',
    });
  });

  test('is made of each resource in a recorded answer', () => {
    const groups = [
      { GroupId: 'sg-1', OwnerId: '111122223333' },
      { GroupId: 'sg-2', OwnerId: '111122223333' },
    ];
    const aws = curate({ service: 'ec2', op: 'DescribeSecurityGroups', data: { SecurityGroups: groups } });
    expect(aws.map(({ name, resource, tenant }) => [name, resource, tenant])).toEqual([
      ['ec2:SecurityGroups', 'sg-1', '111122223333'],
      ['ec2:SecurityGroups', 'sg-2', '111122223333'],
    ]);
    const uri = 'https://objectstorage.us-ashburn-1.oraclecloud.com/n/space/b/photos';
    const oci = curate({ uri, status: 200, body: { data: { name: 'photos', compartmentId: 'c' } } });
    expect(oci).toMatchObject([
      { name: 'oci:buckets', resource: 'photos', tenant: 'unknown', compartment: 'c', region: 'us-ashburn-1' },
    ]);
  });

  test('holds nothing that a database refuses', () => {
    const [record] = curate({ ...structuredClone(trailEvent), userAgent: 'a\0b\ud800c' });
    expect(record!.raw).toMatchObject({ userAgent: 'a\uFFFDb\uFFFDc' });
    let deep: unknown = 1;
    for (let i = 0; i < 10_000; i++) deep = [deep];
    expect(() => curate({ ...trailEvent, deep })).toThrow('nested deeper than 64 levels');
  });
});

describe('elements of a stream', () => {
  const small = { record: 100 };
  const positions = async (text: string, unit = text.length, limits = small) => {
    const chunks = async function* () {
      for (let i = 0; i < text.length; i += unit) yield Buffer.from(text.slice(i, i + unit));
    };
    const found: unknown[] = [];
    for await (const some of elementsOf(chunks(), limits)) {
      for (const element of some) {
        found.push([element.position, 'problem' in element ? element.problem.reason : element.value]);
      }
    }
    return found;
  };

  test('are the records of a CloudTrail document, of an array, or one value', async () => {
    expect(await positions('{"Records": [1,\n2]}')).toEqual([
      ['line 1, record 1', 1],
      ['line 1, record 2', 2],
    ]);
    expect(await positions('\uFEFF[\n3]')).toEqual([['line 1, record 1', 3]]);
    expect(await positions('{\n"a": 4}')).toEqual([['line 1', { a: 4 }]]);
    expect(await positions('')).toEqual([]);
  });

  test('are lines, where the whole is no JSON document', async () => {
    expect(await positions('{"a":1}\r\n\ntorn {\n{"Records":[2,3]}\n', 3)).toEqual([
      ['line 1', { a: 1 }],
      ['line 3', 'not-json'],
      ['line 4, record 1', 2],
      ['line 4, record 2', 3],
    ]);
  });

  test('of a broken document are one problem, not one for each of its lines', async () => {
    expect(await positions('{\n"a": {\n"b": 1,\n')).toEqual([['line 1', 'not-json']]);
  });

  test('are found again after a line that was torn, and in a list that was', async () => {
    expect(await positions('{"a":1,"s":"to\n{"b":2}\n{"c":\n{"d":3}\n{"e":4}\n', 5)).toEqual([
      ['line 1', 'not-json'],
      ['line 2', { b: 2 }],
      ['line 3', 'not-json'],
      ['line 4', { d: 3 }],
      ['line 5', { e: 4 }],
    ]);
    expect(await positions('[\n{"a":1},\n{"b":2},\n{"c"')).toContainEqual(['line 3', { b: 2 }]);
  });

  test('may follow each other without a line break, or with many', async () => {
    expect(await positions('{"a":1}{"b":2}\n{\n "c": 3\n}\n[4]', 3)).toEqual([
      ['line 1', { a: 1 }],
      ['line 1', { b: 2 }],
      ['line 2', { c: 3 }],
      ['line 5, record 1', 4],
    ]);
  });

  test('of plain text are one problem for all lines that follow each other', async () => {
    expect(await positions('GET /\nPUT /\n\nGET /\n{"a":1}\nbye\n')).toEqual([
      ['lines 1 to 4', 'not-json'],
      ['line 5', { a: 1 }],
      ['line 6', 'not-json'],
    ]);
  });

  test('come as soon as they are there', async () => {
    const endless = async function* () {
      yield Buffer.from('{"a":1}\n');
      await new Promise(() => {});
    };
    const first = await elementsOf(endless())[Symbol.asyncIterator]().next();
    expect(first.value).toMatchObject([{ value: { a: 1 } }]);
  });

  test('beyond the limit are skipped, and reading goes on after them', async () => {
    const long = `"${'x'.repeat(150)}"`;
    expect(await positions(`{"a":1}\n${long}\n{"b":2}`, 7)).toEqual([
      ['line 1', { a: 1 }],
      ['line 2', 'oversized'],
      ['line 3', { b: 2 }],
    ]);
    expect(await positions(`[1,${long}]`)).toEqual([
      ['line 1, record 1', 1],
      ['line 1, record 2', 'oversized'],
    ]);
    expect(await positions(`{"a":${long}}`)).toEqual([['line 1', 'oversized']]);
    expect(await positions(`${`${long}\n`.repeat(7)}{"a":1}\n`, 7)).toEqual([
      ['lines 1 to 7', 'oversized'],
      ['line 8', { a: 1 }],
    ]);
  });

  test('are not parsed when they nest without end', async () => {
    const nest = `${'['.repeat(1_001)}${']'.repeat(1_001)}`;
    const limits = { record: 5_000 };
    expect(await positions(`{"a":"${nest}"}`, 500, limits)).toEqual([['line 1', { a: nest }]]);
    expect(await positions(nest, 500, limits)).toEqual([['line 1', 'not-json']]);
  });

  test('of an endless line take bounded memory', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    let read = 0;
    const chunks = async function* () {
      for (; read < 512; read++) yield chunk;
    };
    const before = process.memoryUsage().arrayBuffers;
    const found: unknown[] = [];
    for await (const some of elementsOf(chunks(), { record: 8 * 2 ** 20 })) found.push(...some);
    expect(found).toMatchObject([{ position: 'line 1', problem: { reason: 'oversized' } }]);
    expect(read).toBe(512);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20);
  });
});

describe.each(STORES)('ingest on %s', (dialect) => {
  let store: FreshStore;
  let workload: Workload;
  let folder: string;
  beforeAll(async () => {
    store = await freshStore(dialect);
    workload = await openWorkload(store.url);
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'outlive-ingest-'));
  });
  afterEach(async () => {
    await workload.empty();
    await rm(folder, { recursive: true });
  });
  afterAll(async () => {
    await workload?.pool.close();
    await store?.drop();
  });

  const write = async (name: string, content: string | Buffer) => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  };
  const event = (id: number) => JSON.stringify({ ...trailEvent, eventID: `e-${id}` });
  const events = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => `${event(from + i)}\n`).join('');
  const eventIds = async () =>
    (await workload.published<CloudRecord>('records')).map((record) => (record.raw as { eventID: string }).eventID);
  const letters = async () =>
    (await workload.published<DeadLetter>('dead-letters'))
      .map(({ source, position, reason }) => `${source.slice(folder.length + 1)} ${position}: ${reason}`)
      .sort();

  test('reads a folder with all that is in it, zipped or not', async () => {
    await write('a.json', `{"Records":[${event(1)},${event(2)}]}`);
    await write('deeper/b.json.gz', gzipSync(event(3)));
    await write('deeper/c.jsonl', events(4, 5));
    await write('deeper/d.jsonl.gz', gzipSync(events(6, 7)));
    expect(await runIngest({ ...workload, input: folder })).toEqual({
      files: 4,
      filesBefore: 0,
      records: { 'aws-cloudtrail': 7 },
      deadLetters: {},
    });
    expect((await eventIds()).sort()).toEqual(['e-1', 'e-2', 'e-3', 'e-4', 'e-5', 'e-6', 'e-7']);
  });

  test('makes a dead letter of everything that is no record, and goes on', async () => {
    await write('binary.json', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1]));
    await write('lines.jsonl', `${event(1)}\nnot json\n[]\n"text"\n{"eventName":"x","eventSource":"y"}\n${event(2)}\n`);
    await write('notes.txt', 'hello');
    await write('shape.json', '{"hello":"world"}');
    await write('torn.jsonl.gz', gzipSync(Buffer.from(`${events(3, 2000)}`)).subarray(0, 2000));
    await symlink('/nowhere', join(folder, 'vanished.json'));

    const counts = await runIngest({ ...workload, input: folder });

    expect(await letters()).toEqual([
      'binary.json file: binary',
      'lines.jsonl line 2: not-json',
      'lines.jsonl line 4: unknown-shape',
      'lines.jsonl line 5: incomplete',
      'notes.txt file: unknown-file',
      'shape.json line 1: unknown-shape',
      'torn.jsonl.gz file: broken-gzip',
      'vanished.json file: unreadable',
    ]);
    expect(counts.records['aws-cloudtrail']).toBeGreaterThan(2); // those of the torn file before its end
    expect(counts.deadLetters).toMatchObject({ 'unknown-shape': 2, binary: 1 });
  });

  test('shows the beginning of what it refused, without control characters', async () => {
    await write('a.jsonl', `${event(1)}\n\x1b[31mred${'!'.repeat(500)}\n`);
    await runIngest({ ...workload, input: folder });
    const [letter] = await workload.published<DeadLetter>('dead-letters');
    expect(letter!.sample).toBe(`\uFFFD[31mred${'!'.repeat(192)}`);
    expect(letter!.detail).toMatch(/^not valid JSON: /);
  });

  test('publishes nothing twice when it is run again', async () => {
    await write('a.jsonl', `${events(1, 3)}torn\n`);
    await symlink('/nowhere', join(folder, 'vanished.json'));
    await runIngest({ ...workload, input: folder });
    expect(await runIngest({ ...workload, input: folder })).toMatchObject({ files: 0, filesBefore: 2, records: {} });
    expect(await eventIds()).toHaveLength(3);
    expect(await letters()).toHaveLength(2);
  });

  test('publishes many small files in one transaction, each of them once', async () => {
    for (let file = 1; file <= 30; file++) await write(`${file}.json.gz`, gzipSync(event(file)));
    const phases: string[] = [];
    const observe = (phase: string) => phases.push(phase);
    expect(await runIngest({ ...workload, input: folder, observe })).toMatchObject({ files: 30, filesBefore: 0 });
    expect(phases.filter((phase) => phase === 'commit')).toHaveLength(1);
    await write('31.json', event(31));
    expect(await runIngest({ ...workload, input: folder })).toMatchObject({ files: 1, filesBefore: 30 });
    expect(await eventIds()).toHaveLength(31);
  });

  test('of two runs at once over small files publishes each record once', async () => {
    for (let file = 1; file <= 20; file++) await write(`${file}.jsonl`, events(3 * file, 3 * file + 2));
    const runs = [1, 2].map(() => runIngest({ ...workload, input: folder, maxBatch: 4 }));
    const done = await Promise.all(runs);
    expect(await eventIds()).toHaveLength(60);
    expect(done.reduce((sum, { files }) => sum + files, 0)).toBe(20);
  });

  test('goes on in the middle of a file where it was stopped', async () => {
    await write('a.jsonl', events(1, 10));
    const stop = new AbortController();
    const observe = () => stop.abort();
    await runIngest({ ...workload, input: folder, maxBatch: 4, signal: stop.signal, observe });
    expect(await eventIds()).toHaveLength(4);
    expect(await runIngest({ ...workload, input: folder, maxBatch: 4 })).toMatchObject({
      records: { 'aws-cloudtrail': 6 },
    });
    expect((await eventIds()).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `e-${i + 1}`).sort());
  });

  test('reads on in a file that has grown', async () => {
    await write('a.jsonl', events(1, 2));
    await runIngest({ ...workload, input: folder });
    await write('a.jsonl', events(1, 3));
    await runIngest({ ...workload, input: folder });
    expect(await eventIds()).toEqual(['e-1', 'e-2', 'e-3']);
  });

  test('reads a file anew that has shrunk, as it is another one', async () => {
    await write('a.jsonl', events(1, 3));
    await runIngest({ ...workload, input: folder });
    await write('a.jsonl', events(4, 4));
    await runIngest({ ...workload, input: folder });
    expect(await eventIds()).toEqual(['e-1', 'e-2', 'e-3', 'e-4']);
  });

  test('of two runs at once publishes each record once', async () => {
    await write('a.jsonl', events(1, 40));
    await Promise.all([1, 2].map(() => runIngest({ ...workload, input: folder, maxBatch: 4 })));
    expect(await eventIds()).toHaveLength(40);
  });

  test('spreads the records of a tenant over the partitions, those of one actor in their order', async () => {
    const by = (actor: number, id: number) =>
      JSON.stringify({ ...trailEvent, eventID: `e-${id}`, userIdentity: { arn: `arn:aws:iam::1:user/${actor}` } });
    await write('a.jsonl', Array.from({ length: 40 }, (_, id) => `${by(id % 20, id)}\n`).join(''));
    await runIngest({ ...workload, input: folder });
    expect(await workload.query(`select distinct "partition" from stream_batches`)).toHaveLength(4);
    const ids = await eventIds();
    expect(ids.filter((id) => ['e-7', 'e-27'].includes(id))).toEqual(['e-7', 'e-27']);
  });

  test('reads standard input', async () => {
    const stdin = async function* () {
      yield Buffer.from(events(1, 2));
    };
    await runIngest({ ...workload, input: '-', stdin: stdin() });
    expect(await eventIds()).toEqual(['e-1', 'e-2']);
  });

  test('keeps an inventory of the resources it sees', async () => {
    const resource = (owner: string) =>
      JSON.stringify({
        ...{ kind: 'resource', cloud: 'oci', type: 'oci:buckets', tenant: 't', region: 'fra', id: 'photos' },
        config: { freeformTags: { Owner: owner } },
      });
    await write('a.jsonl', `${resource('ada')}\n${resource('bob')}\n`);
    await runIngest({ ...workload, input: folder });
    expect(await workload.query('select * from assets')).toEqual([
      { tenant: 't', resource: 'photos', type: 'oci:buckets', region: 'fra', owner: 'bob', compartment: null },
    ]);
  });

  test('keeps identifiers that a database can hold, and makes dead letters of longer ones', async () => {
    // random, as what repeats itself is stored in less than it is long
    const text = (bytes: number) => randomBytes(bytes).toString('hex').slice(0, bytes);
    const resource = (tenant: number, id: number, name = 20) =>
      JSON.stringify({
        ...{ kind: 'resource', cloud: 'aws', type: text(name), tenant: text(tenant), region: text(255), id: text(id) },
        config: { Tags: [{ Key: 'Owner', Value: 'ö'.repeat(5_000) }] },
      });
    const lines = [resource(255, 2_048), resource(256, 10), resource(12, 2_049), resource(12, 10, 256)];
    await write('a.jsonl', lines.map((line) => `${line}\n`).join(''));
    await runIngest({ ...workload, input: folder });
    expect(await workload.query('select * from assets')).toHaveLength(1);
    expect(await letters()).toEqual([2, 3, 4].map((line) => `a.jsonl line ${line}: oversized`));
    const details = (await workload.published<DeadLetter>('dead-letters')).map(({ detail }) => detail);
    expect(details).toContain('its tenant has 256 bytes, more than 255');
  });

  test('says in one sentence that there is no input', async () => {
    await expect(runIngest({ ...workload, input: join(folder, 'none') })).rejects.toThrow(
      /^There is no input file or folder at .*none\.$/,
    );
  });
});
