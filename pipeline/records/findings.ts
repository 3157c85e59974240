/** Findings of AWS's own detectors as curated records: what they found is an activity, named by the finding's type. */
import { contentId, type Fields, fieldsOf, firstText, required, utcTime } from './fields.ts';
import { type CloudRecord, RECORD_VERSION } from './record.ts';

/** As GuardDuty exports it to S3 and to EventBridge; `get-findings` writes the same names with a capital. */
export function isGuardDuty(value: Fields): boolean {
  const { service, Service } = value;
  return 'schemaVersion' in value ? 'detectorId' in fieldsOf(service) : 'DetectorId' in fieldsOf(Service);
}

export function fromGuardDuty(value: Fields): CloudRecord {
  const finding = 'schemaVersion' in value ? value : (small(value) as Fields);
  const [service, resource] = [fieldsOf(finding.service), fieldsOf(finding.resource)];
  const [key, instance] = [fieldsOf(resource.accessKeyDetails), fieldsOf(resource.instanceDetails)];
  const action = Object.values(fieldsOf(service.action)).map(fieldsOf);
  const remote = action.map((each) => firstText(fieldsOf(each.remoteIpDetails).ipAddressV4));
  const id = required(finding.id, 'a GuardDuty finding without id');
  const tenant = required(finding.accountId, 'a GuardDuty finding without accountId');
  const when = required(
    [finding.updatedAt, service.eventLastSeen, finding.createdAt],
    'a GuardDuty finding without a time',
  );
  return {
    ...common('aws-guardduty', tenant, `${id} ${when}`, when),
    region: firstText(finding.region) ?? 'unknown',
    name: required(finding.type, 'a GuardDuty finding without type'),
    actor: firstText(key.principalId, key.userName),
    sourceIp: firstText(...remote),
    resource: firstText(instance.instanceId, key.accessKeyId, fieldsOf(resource.eksClusterDetails).arn, finding.arn),
    raw: finding,
  };
}

/** In the Security Finding Format (ASFF). */
export function isSecurityHub(value: Fields): boolean {
  return 'ProductArn' in value && 'AwsAccountId' in value;
}

export function fromSecurityHub(finding: Fields): CloudRecord {
  const id = required(finding.Id, 'a Security Hub finding without Id');
  const when = required(
    [finding.UpdatedAt, finding.LastObservedAt, finding.CreatedAt],
    'a Security Hub finding without a time',
  );
  const types = Array.isArray(finding.Types) ? finding.Types : [];
  const resource = fieldsOf(Array.isArray(finding.Resources) ? finding.Resources[0] : null);
  return {
    ...common('aws-securityhub', required(finding.AwsAccountId, 'a finding without account'), `${id} ${when}`, when),
    region: firstText(finding.Region, resource.Region, id.split(':')[3]) ?? 'unknown',
    name: firstText(...types, finding.GeneratorId) ?? 'unknown',
    actor: null,
    sourceIp: firstText(fieldsOf(finding.Network).SourceIpV4),
    resource: firstText(resource.Id),
    raw: finding,
  };
}

function common(source: 'aws-guardduty' | 'aws-securityhub', tenant: string, id: string, when: string) {
  return {
    version: RECORD_VERSION,
    id: contentId(source, tenant, id),
    kind: 'activity',
    source,
    tenant,
    compartment: null,
    time: utcTime(when),
  } as const;
}

/** `{ AccountId, Service: { DetectorId } }` → `{ accountId, service: { detectorId } }`. */
function small(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(small);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.charAt(0).toLowerCase() + key.slice(1), small(inner)]),
  );
}
