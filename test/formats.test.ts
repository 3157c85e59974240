import { expect, test } from 'vitest';
import { curate } from '../pipeline/records/curate.ts';
import { elementsOf } from '../pipeline/records/elements.ts';
import type { CloudRecord } from '../pipeline/records/record.ts';

async function recordsIn(content: unknown, space?: number): Promise<CloudRecord[]> {
  const text = typeof content === 'string' ? content : JSON.stringify(content, null, space);
  const records: CloudRecord[] = [];
  for await (const some of elementsOf(chunksOf(text))) {
    for (const element of some) {
      if ('problem' in element) throw element.problem;
      records.push(...curate(element.value, element.envelope));
    }
  }
  return records;
}

async function* chunksOf(text: string) {
  yield Buffer.from(text);
}

const trail = {
  eventID: 'e-1',
  eventName: 'StopLogging',
  eventSource: 'cloudtrail.amazonaws.com',
  eventTime: '2026-01-05T08:00:00Z',
  awsRegion: 'eu-west-1',
  recipientAccountId: '111122223333',
  userIdentity: { type: 'IAMUser', arn: 'arn:aws:iam::111122223333:user/ada' },
};
const asText = JSON.stringify(trail);

test.each<[string, unknown]>([
  ['a file in S3', { Records: [trail] }],
  ['a subscription of CloudWatch Logs', { messageType: 'DATA_MESSAGE', owner: '1', logEvents: [{ message: asText }] }],
  ['aws cloudtrail lookup-events', { Events: [{ EventId: 'e-1', EventName: 'x', CloudTrailEvent: asText }] }],
  ['CloudTrail Lake', { QueryResultRows: [[{ eventID: 'e-1' }, { eventJson: asText }]] }],
  ['EventBridge', { 'detail-type': 'AWS API Call via CloudTrail', account: '1', detail: trail }],
])('CloudTrail is the same however it is delivered: %s', async (_, delivered) => {
  const [record, ...others] = await recordsIn(delivered, 2);
  expect(record).toEqual(curate(structuredClone(trail))[0]);
  expect(others).toEqual([]);
});

test('columns of CloudTrail Lake become an event', async () => {
  const { userIdentity: _, ...cells } = trail;
  const row = Object.entries(cells).map(([name, value]) => ({ [name]: value }));
  const identity = '{type=IAMUser, arn=arn:aws:iam::111122223333:user/ada, sessioncontext={mfa=false}}';
  const [record] = await recordsIn({ QueryResultRows: [[...row, { userIdentity: identity }]] });
  expect(record).toMatchObject({ name: 'StopLogging', actor: 'arn:aws:iam::111122223333:user/ada' });
});

const oci = {
  eventType: 'com.oraclecloud.identitycontrolplane.createpolicy',
  eventTime: '2026-01-05T08:00:00Z',
  eventId: 'o-1',
  data: {
    compartmentId: 'ocid1.compartment.oc1..c',
    resourceId: 'ocid1.policy.oc1..p',
    identity: { tenantId: 'ocid1.tenancy.oc1..t', principalId: 'ocid1.user.oc1..u', ipAddress: '192.0.2.2' },
  },
};
const cloudEvent = {
  ...{ specversion: '1.0', id: 'o-1', type: oci.eventType, time: oci.eventTime, source: 'ada', data: oci.data },
  oracle: { compartmentid: 'ocid1.compartment.oc1..c', tenantid: 'ocid1.tenancy.oc1..t', loggroupid: '_Audit' },
};
const hyphenated = {
  ...{ 'event-type': oci.eventType, 'event-time': oci.eventTime, 'event-id': 'o-1' },
  data: {
    ...{ 'compartment-id': oci.data.compartmentId, 'resource-id': oci.data.resourceId },
    identity: { 'tenant-id': 'ocid1.tenancy.oc1..t', 'principal-id': 'ocid1.user.oc1..u', 'ip-address': '192.0.2.2' },
    'freeform-tags': { 'cost-center': '7' },
  },
};

test.each<[string, unknown]>([
  ['the Audit API', oci],
  ['Logging', { datetime: 1, logContent: cloudEvent }],
  ['Connector Hub', cloudEvent],
  [
    'Streaming',
    { data: [{ offset: 1, key: null, value: Buffer.from(JSON.stringify(cloudEvent)).toString('base64') }] },
  ],
  ['a search in Logging', { data: { results: [{ data: { datetime: 1, logContent: cloudEvent } }] } }],
  ['oci audit event list', { data: [hyphenated] }],
])('OCI Audit is the same however it is delivered: %s', async (_, delivered) => {
  const [direct] = curate(structuredClone(oci));
  const [record, ...others] = await recordsIn(delivered, 2);
  expect({ ...record, raw: null }).toEqual({ ...direct, raw: null });
  expect(record).toMatchObject({ tenant: 'ocid1.tenancy.oc1..t', compartment: 'ocid1.compartment.oc1..c' });
  expect(others).toEqual([]);
});

test("hyphens in tags are the user's own, and stay", async () => {
  const [record] = await recordsIn({ data: [hyphenated] });
  expect(record!.raw).toMatchObject({
    data: { compartmentId: 'ocid1.compartment.oc1..c', freeformTags: { 'cost-center': '7' } },
  });
});

const finding = {
  ...{ schemaVersion: '2.0', id: 'f-1', accountId: '111122223333', region: 'eu-west-1', severity: 8 },
  ...{ type: 'Backdoor:EC2/C&CActivity.B!DNS', updatedAt: '2026-01-05T08:00:00Z' },
  service: { detectorId: 'd', action: { dnsRequestAction: { domain: 'example.com' } } },
  resource: { instanceDetails: { instanceId: 'i-1' } },
};

test('findings of GuardDuty are read from S3, EventBridge and the API', async () => {
  const expected = { source: 'aws-guardduty', name: finding.type, tenant: '111122223333', resource: 'i-1' };
  const pascal = JSON.parse(
    JSON.stringify(finding).replace(/"(\w)(\w*)":/g, (_, a: string, b: string) => `"${a.toUpperCase()}${b}":`),
  );
  delete pascal.SchemaVersion;
  for (const delivered of [finding, { source: 'aws.guardduty', detail: finding }, { Findings: [pascal] }]) {
    expect(await recordsIn(delivered)).toMatchObject([expected]);
  }
});

const kubernetes = {
  ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', auditID: 'k-1', stage: 'ResponseComplete', verb: 'create' },
  ...{ requestReceivedTimestamp: '2026-01-05T08:00:00.000000Z', sourceIPs: ['192.0.2.3'] },
  user: { username: 'ada' },
  objectRef: { resource: 'pods', subresource: 'exec', namespace: 'shop', name: 'cart-1' },
};

test("Kubernetes' audit events are named by verb and resource, and belong to the account of their log group", async () => {
  const expected = { name: 'create pods/exec', actor: 'ada', sourceIp: '192.0.2.3', resource: 'shop/pods/exec/cart-1' };
  expect(await recordsIn(kubernetes)).toMatchObject([{ ...expected, tenant: 'unknown' }]);
  expect(await recordsIn({ kind: 'EventList', items: [kubernetes] })).toMatchObject([expected]);
  const logEvents = [{ message: JSON.stringify(kubernetes) }];
  expect(await recordsIn({ owner: '111122223333', logGroup: '/aws/eks/shop/cluster', logEvents })).toMatchObject([
    { tenant: '111122223333', resource: '/aws/eks/shop/cluster/shop/pods/exec/cart-1' },
  ]);
});

test.each([
  ['in a log of CloudWatch', { logEvents: [{ message: 'GET /' }] }, 'its message is no JSON text'],
  ['in a test message', { messageType: 'CONTROL_MESSAGE', logEvents: [{ message: 'x' }] }, 'a control message of'],
  ['of a shape that is unknown', { greeting: 'hello' }, 'its fields are greeting'],
])('%s there is no event, and it says so', async (_, delivered, reason) => {
  await expect(recordsIn(delivered)).rejects.toThrow(reason);
});

test('a document of any size, printed for people or not, is read element by element in bounded memory', async () => {
  const count = 20_000;
  for (const space of [0, 2]) {
    const element = `${JSON.stringify({ ...trail, filler: 'x'.repeat(500) }, null, space)},\n`;
    const document = async function* () {
      yield Buffer.from('{ "owner": "1", "Records": [');
      for (let i = 0; i < count / 100; i++) yield Buffer.from(element.repeat(100));
      yield Buffer.from(`${asText}]}`);
    };
    const before = process.memoryUsage().arrayBuffers;
    let read = 0;
    let most = 0;
    for await (const some of elementsOf(document(), { record: 64 * 1024 })) {
      read += some.filter((element) => 'value' in element).length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(read).toBe(count + 1);
    expect(most).toBeLessThan(8 * 2 ** 20);
  }
});
