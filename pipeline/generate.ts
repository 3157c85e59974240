/** Synthetic input with known faults: several tenants in both clouds, attacks, duplicates and broken records. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { DeadLetterReason } from './records/record.ts';
import { type Region, Regions } from './sinks/regions.ts';

type Source = 'aws-cloudtrail' | 'oci-audit' | 'aws-resource' | 'oci-resource';

export interface Generated {
  /** The input records in their order, as JSON lines (some of them torn). */
  lines: string[];
  /** The same as files, and two files that are broken as a whole. */
  files: { name: string; content: string | Buffer }[];
  regions: Regions;
  /** What a run over the files must find. */
  expected: {
    records: Record<Source, number>;
    /** Of the records, how many repeat an earlier one. */
    duplicates: number;
    deadLetters: Partial<Record<DeadLetterReason, number>>;
    /** Distinct results, by rule id. */
    results: Record<string, number>;
    insights: number;
  };
}

interface Tenant {
  id: string;
  cloud: 'aws' | 'oci';
  reporting: Region;
  regions: string[];
}

const TENANTS: Tenant[] = [
  { id: '111122223333', cloud: 'aws', reporting: 'us', regions: ['us-east-1', 'us-west-2'] },
  { id: '222233334444', cloud: 'aws', reporting: 'eu', regions: ['eu-central-1', 'eu-west-1', 'us-east-1'] },
  { id: '333344445555', cloud: 'aws', reporting: 'apac', regions: ['ap-southeast-2', 'ap-northeast-1'] },
  { id: 'ocid1.tenancy.oc1..generated1', cloud: 'oci', reporting: 'us', regions: ['iad', 'phx'] },
  { id: 'ocid1.tenancy.oc1..generated2', cloud: 'oci', reporting: 'eu', regions: ['fra', 'lhr'] },
];

/** What the generated tenants report to; the rest to `us`. */
export const GENERATED_REGIONS = new Regions(
  'us',
  TENANTS.map(({ id, reporting }) => [id, reporting] as const),
);

/** One line of input, and what it is known to give. */
interface Line {
  text: string;
  source: Source;
  /** Null for a result-less record. */
  find: { rule: string; key: string; insight: string } | null;
  bad: DeadLetterReason | null;
}

/**
 * Same seed and numbers, same output. `events` is the number of input records, good, repeated and bad together; their
 * ids count from `first`, so that parts of a larger whole have none in common.
 */
export function generate({ seed, events, first = 0 }: { seed: number; events: number; first?: number }): Generated {
  const random = randomFrom(seed);
  const lines: Line[] = [];
  let duplicates = 0;
  for (let n = first; n < first + events; n++) {
    const draw = random();
    const repeated = lines[Math.floor(random() * lines.length)];
    if (draw < 0.02 && repeated?.bad === null) {
      duplicates++;
      lines.push(repeated);
    } else {
      const tenant = pick(TENANTS, random);
      const line = draw < 0.12 ? resource(tenant, n, random) : activity(tenant, n, random);
      lines.push(draw > 0.98 ? spoiled(line, random) : line);
    }
  }
  return {
    lines: lines.map(({ text }) => text),
    files: [...filesOf(lines), ...BROKEN_FILES],
    regions: GENERATED_REGIONS,
    expected: expect(lines, duplicates),
  };
}

/** Writes the files below a folder. */
export async function writeGenerated({ files }: Generated, folder: string): Promise<void> {
  for (const { name, content } of files) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

const START = Date.parse('2026-01-05T08:00:00Z');
const SPAN = 6 * 3_600_000;
const BAD_ADDRESS = '203.0.113.';
const GOOD_ADDRESS = '192.0.2.';

type Attack = { rule: string; name: string; fields: Record<string, unknown> };

const AWS_ATTACKS: Attack[] = [
  { rule: 'aws-trail-stopped', name: 'StopLogging', fields: { eventSource: 'cloudtrail.amazonaws.com' } },
  {
    rule: 'aws-admin-policy-attached',
    name: 'AttachUserPolicy',
    fields: {
      eventSource: 'iam.amazonaws.com',
      requestParameters: { userName: 'backup', policyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' },
    },
  },
  {
    rule: 'aws-snapshot-shared',
    name: 'ModifySnapshotAttribute',
    fields: {
      eventSource: 'ec2.amazonaws.com',
      requestParameters: { snapshotId: 'snap-1', createVolumePermission: { add: { items: [{ group: 'all' }] } } },
    },
  },
  {
    rule: 'aws-console-login-without-mfa',
    name: 'ConsoleLogin',
    fields: {
      eventSource: 'signin.amazonaws.com',
      responseElements: { ConsoleLogin: 'Success' },
      additionalEventData: { MFAUsed: 'No' },
    },
  },
];

function activity(tenant: Tenant, n: number, random: () => number): Line {
  const time = new Date(START + Math.floor(random() * SPAN)).toISOString();
  const region = pick(tenant.regions, random);
  const user = Math.floor(random() * 8);
  const draw = random();
  const listed = draw < 0.02;
  const address = `${listed ? BAD_ADDRESS : GOOD_ADDRESS}${1 + Math.floor(random() * 250)}`;
  const attack = draw > 0.97;
  const event =
    tenant.cloud === 'aws'
      ? awsEvent({ tenant, n, time, region, user, address }, attack ? pick(AWS_ATTACKS, random) : null, random)
      : ociEvent({ tenant, n, time, region, user, address }, attack, random);
  const rule = listed ? 'intel-source-ip' : event.rule;
  return {
    text: JSON.stringify(event.value),
    source: tenant.cloud === 'aws' ? 'aws-cloudtrail' : 'oci-audit',
    find: rule === null ? null : { rule, key: String(n), insight: `${tenant.id} ${user} ${time.slice(0, 13)}` },
    bad: null,
  };
}

interface Setting {
  tenant: Tenant;
  n: number;
  time: string;
  region: string;
  user: number;
  address: string;
}

function awsEvent({ tenant, n, time, region, user, address }: Setting, attack: Attack | null, random: () => number) {
  const value = {
    eventVersion: '1.08',
    eventID: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    eventTime: time,
    eventSource: 'ec2.amazonaws.com',
    eventName: attack?.name ?? pick(['DescribeInstances', 'GetObject', 'AssumeRole', 'ListBuckets'], random),
    awsRegion: region,
    sourceIPAddress: address,
    userAgent: 'aws-cli/2.15.0',
    userIdentity: {
      type: 'IAMUser',
      arn: `arn:aws:iam::${tenant.id}:user/user-${user}`,
      accountId: tenant.id,
      userName: `user-${user}`,
    },
    requestParameters: { instanceId: `i-${user}` },
    readOnly: attack === null,
    recipientAccountId: tenant.id,
    ...attack?.fields,
  };
  return { value, rule: attack?.rule ?? null };
}

function ociEvent({ tenant, n, time, region, user, address }: Setting, attack: boolean, random: () => number) {
  const name = attack ? 'identityControlPlane.CreatePolicy' : pick(['ComputeApi.GetInstance', 'os.GetBucket'], random);
  const statements = ['Allow group Helpers to manage all-resources in tenancy'];
  const value = {
    eventType: `com.oraclecloud.${name}`,
    cloudEventsVersion: '0.1',
    eventID: `generated-${n}`,
    source: name.split('.')[0],
    eventTime: time,
    data: {
      compartmentId: tenant.id,
      resourceId: `ocid1.instance.oc1.${region}.generated${user}`,
      identity: { principalId: `ocid1.user.oc1..user${user}`, tenantId: tenant.id, ipAddress: address },
      additionalDetails: attack ? { statements } : null,
    },
  };
  return { value, rule: attack ? 'oci-policy-grants-everything' : null };
}

function resource(tenant: Tenant, n: number, random: () => number): Line {
  const region = pick(tenant.regions, random);
  const open = random() < 0.15;
  const aws = tenant.cloud === 'aws';
  const CidrIp = open ? '0.0.0.0/0' : '10.0.0.0/8';
  const group = {
    GroupId: `sg-${n}`,
    OwnerId: tenant.id,
    IpPermissions: [{ IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp }] }],
    Tags: [{ Key: 'Owner', Value: `team-${n % 4}` }],
  };
  const bucket = { name: `bucket-${n}`, publicAccessType: open ? 'ObjectRead' : 'NoPublicAccess' };
  const value = aws
    ? { service: 'ec2', op: 'DescribeSecurityGroups', region, data: { SecurityGroups: [group] } }
    : {
        kind: 'resource',
        cloud: 'oci',
        type: 'oci:buckets',
        tenant: tenant.id,
        region,
        id: bucket.name,
        config: bucket,
      };
  const rule = aws ? 'aws-admin-port-open-to-world' : 'oci-bucket-public';
  return {
    text: JSON.stringify(value),
    source: aws ? 'aws-resource' : 'oci-resource',
    find: open ? { rule, key: String(n), insight: `${tenant.id} resource ${n}` } : null,
    bad: null,
  };
}

/** Torn, without what identifies it, or of no known shape. */
function spoiled(line: Line, random: () => number): Line {
  const kind = Math.floor(random() * 3);
  if (kind === 0 && line.source !== 'aws-cloudtrail') {
    return { ...line, text: line.text.slice(0, line.text.length / 2), find: null, bad: 'not-json' };
  }
  if (kind === 1) return { ...line, text: '{"greeting":"hello"}', find: null, bad: 'unknown-shape' };
  const needed = {
    'aws-cloudtrail': 'eventID',
    'oci-audit': 'eventTime',
    'aws-resource': 'data',
    'oci-resource': 'id',
  };
  const { [needed[line.source]]: _, ...rest } = JSON.parse(line.text);
  return { ...line, text: JSON.stringify(rest), find: null, bad: 'incomplete' };
}

const BROKEN_FILES = [
  { name: 'broken/photo.json', content: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00]) },
  { name: 'broken/torn.json.gz', content: gzipSync('{"Records":[]}').subarray(0, 20) },
];

const PER_FILE = 2_000;

/** CloudTrail as documents of many records, every third one zipped; the others as JSON lines. */
function* filesOf(lines: Line[]): Iterable<Generated['files'][number]> {
  for (const source of ['aws-cloudtrail', 'oci-audit', 'aws-resource', 'oci-resource'] as const) {
    const texts = lines.filter((line) => line.source === source).map((line) => line.text);
    for (let first = 0, number = 0; first < texts.length; first += PER_FILE, number++) {
      const part = texts.slice(first, first + PER_FILE);
      const name = `${source}/${String(number).padStart(4, '0')}`;
      const trail = `{"Records":[${part.join(',')}]}`;
      if (source !== 'aws-cloudtrail') yield { name: `${name}.jsonl`, content: `${part.join('\n')}\n` };
      else if (number % 3 === 2) yield { name: `${name}.json.gz`, content: gzipSync(trail) };
      else yield { name: `${name}.json`, content: trail };
    }
  }
}

function expect(lines: Line[], duplicates: number): Generated['expected'] {
  const records = { 'aws-cloudtrail': 0, 'oci-audit': 0, 'aws-resource': 0, 'oci-resource': 0 };
  const deadLetters: Record<string, number> = { binary: 1, 'broken-gzip': 1 };
  const found = new Map<string, Set<string>>();
  const insights = new Set<string>();
  for (const { source, bad, find } of lines) {
    if (bad === null) records[source]++;
    else deadLetters[bad] = (deadLetters[bad] ?? 0) + 1;
    if (find === null) continue;
    found.set(find.rule, (found.get(find.rule) ?? new Set()).add(find.key));
    insights.add(find.insight);
  }
  const results = Object.fromEntries([...found].map(([rule, keys]) => [rule, keys.size]));
  return { records, duplicates, deadLetters, results, insights: insights.size };
}

/** mulberry32: small, fast, good enough, the same everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<T>(choices: readonly T[], random: () => number): T {
  return choices[Math.floor(random() * choices.length)]!;
}
