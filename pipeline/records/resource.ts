/** Recorded describe/get answers, and our own canonical form, as curated resource records. */
import { contentId, type Fields, fieldsOf, firstText, isFields, utcTime } from './fields.ts';
import { ocidRegion, tenancyOf } from './oci-audit.ts';
import { type CloudRecord, RECORD_VERSION, Unusable } from './record.ts';

/**
 * Resource records in an input value; null when it is none of
 * - `{ service, op, data }`, an answer of an AWS API: of a Describe or List answer with one list, each element,
 * - `{ uri, status, body }`, an answer of an OCI API: of a list body, each element,
 * - `{ kind: 'resource', cloud: 'aws' | 'oci', type, tenant, region, id, time?, config }`, the canonical form.
 */
export function resourcesOf(value: Fields): CloudRecord[] | null {
  if (value.kind === 'resource') return [fromCanonical(value)];
  if (typeof value.service === 'string' && typeof value.op === 'string') return fromAwsAnswer(value);
  if (typeof value.uri === 'string' && 'body' in value) return fromOciAnswer(value);
  return null;
}

function fromCanonical(value: Fields): CloudRecord {
  const { cloud, type, tenant, region, id, time, config } = value;
  if (cloud !== 'aws' && cloud !== 'oci') throw new Unusable('incomplete', 'a resource whose cloud is not aws or oci');
  if (!isFields(config)) throw new Unusable('incomplete', 'a resource without config');
  const [name, owner, resource] = [firstText(type), firstText(tenant), firstText(id)];
  if (name === null || owner === null || resource === null) {
    throw new Unusable('incomplete', 'a resource without type, tenant or id');
  }
  return {
    ...resourceRecord(cloud, name, config),
    tenant: owner,
    compartment: firstText(value.compartment, config.compartmentId),
    region: firstText(region) ?? 'unknown',
    resource,
    time: firstText(time) === null ? null : utcTime(String(time)),
    id: contentId(`${cloud}-resource`, name, owner, resource, String(time), JSON.stringify(config)),
  };
}

function fromAwsAnswer(value: Fields): CloudRecord[] {
  const { service, op, data } = value;
  if (!isFields(data)) throw new Unusable('incomplete', 'a recorded answer without data');
  const lists = Object.keys(data).filter((key) => Array.isArray(data[key]) && isFields((data[key] as unknown[])[0]));
  const [list] = lists;
  const answersList = /^(Describe|List)/.test(String(op)) && list !== undefined && lists.length === 1;
  const type = `${service}:${answersList ? list : String(op).replace(/^(Describe|List|Get)/, '')}`;
  const configs = answersList ? (data[list] as unknown[]).filter(isFields) : [data];
  return configs.map((config) => {
    const text = JSON.stringify(config);
    const arn = /"arn:[\w-]*:[\w-]*:([\w-]*):(\d{12}):/.exec(text);
    return {
      ...resourceRecord('aws', type, config),
      id: contentId('aws-resource', type, text),
      tenant: firstText(value.account, config.OwnerId, arn?.[2]) ?? 'unknown',
      region: firstText(value.region, arn?.[1]) ?? 'unknown',
      resource: awsIdentity(config),
    };
  });
}

/** Keys that identify something else than the resource itself. */
const ELSEWHERE = /^(Owner|Account|Vpc|Subnet|Request|Requester|Kms)/i;

/** Best effort, as every API names its resources in its own way: an ARN, else an id, else a name. */
function awsIdentity(config: Fields): string | null {
  const keys = Object.keys(config).filter((key) => firstText(config[key]) !== null);
  const key =
    keys.find((key) => /^\w*arn$/i.test(key) && !/role|kms/i.test(key)) ??
    keys.find((key) => /Id(entifier)?$/.test(key) && !ELSEWHERE.test(key)) ??
    keys.find((key) => /Name$/i.test(key));
  return key === undefined ? null : String(config[key]);
}

function fromOciAnswer(value: Fields): CloudRecord[] {
  if (typeof value.status === 'number' && value.status >= 400) {
    throw new Unusable('incomplete', `a recorded answer with status ${value.status}`);
  }
  if (!URL.canParse(String(value.uri))) throw new Unusable('incomplete', 'a recorded answer whose uri is no URL');
  const url = new URL(String(value.uri));
  const body = isFields(value.body) && 'data' in value.body ? value.body.data : value.body;
  const configs = Array.isArray(body) ? body.filter(isFields) : isFields(body) ? [body] : [];
  if (configs.length === 0 && !Array.isArray(body)) {
    throw new Unusable('incomplete', 'a recorded answer whose body is neither an object nor a list');
  }
  const type = `oci:${ociCollection(url.pathname)}`;
  // An empty list is an answer too: it says that there is no such resource.
  return (configs.length === 0 ? [{}] : configs).map((config) => ({
    ...resourceRecord('oci', type, config),
    id: contentId('oci-resource', type, JSON.stringify(config)),
    tenant:
      firstText(value.tenant, config.tenancyId) ?? tenancyOf(config.compartmentId) ?? tenancyOf(config.id) ?? 'unknown',
    compartment: firstText(config.compartmentId),
    region: firstText(value.region, ocidRegion(config.id), /\.([a-z]+-[a-z]+-\d)\./.exec(url.host)?.[1]) ?? 'unknown',
    resource: firstText(config.id, config.name),
  }));
}

/** `/20160918/instances/ocid1…` → `instances`; object storage's `/n/{namespace}/b/{bucket}` → `buckets`. */
function ociCollection(path: string): string {
  const parts = path.split('/').filter(Boolean);
  if (parts[0] === 'n') return parts[2] === 'b' ? 'buckets' : 'namespaces';
  return parts[1] ?? 'unknown';
}

function resourceRecord(cloud: 'aws' | 'oci', name: string, config: Fields): CloudRecord {
  return {
    version: RECORD_VERSION,
    id: '',
    kind: 'resource',
    source: `${cloud}-resource`,
    tenant: 'unknown',
    compartment: null,
    region: 'unknown',
    time: null,
    name,
    actor: null,
    sourceIp: null,
    resource: null,
    raw: fieldsOf(config),
  };
}
