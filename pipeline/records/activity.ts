/** CloudTrail and OCI Audit events as curated records. */
import { contentId, type Fields, fieldsOf, firstText, isFields, utcTime } from './fields.ts';
import { type CloudRecord, Unusable } from './record.ts';

/** `event` has `eventName` and `eventSource`; `account` is what the envelope says, if there was one. */
export function fromCloudTrail(event: Fields, account: unknown): CloudRecord {
  const identity = fieldsOf(event.userIdentity);
  const eventId = required(event.eventID, 'a CloudTrail event without eventID');
  const name = required(event.eventName, 'a CloudTrail event without eventName');
  // Log shippers of the Elastic family move the time to `@timestamp`.
  const time = utcTime(required(event.eventTime ?? event['@timestamp'], 'a CloudTrail event without eventTime'));
  const tenant = required(
    firstText(event.recipientAccountId, identity.accountId, account),
    'a CloudTrail event that names no account',
  );
  const issuer = fieldsOf(fieldsOf(identity.sessionContext).sessionIssuer);
  return {
    version: 1,
    id: contentId('aws-cloudtrail', tenant, eventId),
    kind: 'activity',
    source: 'aws-cloudtrail',
    tenant,
    region: firstText(event.awsRegion) ?? 'unknown',
    time,
    name,
    // The issuer, so that all sessions of one role are one actor.
    actor: firstText(issuer.arn, identity.arn, identity.principalId, identity.invokedBy, identity.type),
    sourceIp: firstText(event.sourceIPAddress),
    resource: cloudTrailResource(event),
    raw: event,
  };
}

/** What the call was about: the first ARN under `resources`, else the first request parameter that names something. */
function cloudTrailResource(event: Fields): string | null {
  const listed = Array.isArray(event.resources) ? fieldsOf(event.resources[0]) : {};
  const parameters = fieldsOf(event.requestParameters);
  const naming = Object.keys(parameters).find((key) => /(Arn|Id|Name)$/i.test(key) && firstText(parameters[key]));
  return firstText(listed.ARN, listed.arn, naming && parameters[naming]);
}

/** `event` has `eventType` and an object under `data`. */
export function fromOciAudit(event: Fields): CloudRecord {
  const data = fieldsOf(event.data);
  const identity = fieldsOf(data.identity);
  const name = required(event.eventType, 'an OCI Audit event without eventType');
  const time = utcTime(required(event.eventTime, 'an OCI Audit event without eventTime'));
  const tenant = required(
    firstText(identity.tenantId, data.tenantId, data.compartmentId),
    'an OCI Audit event that names no tenancy or compartment',
  );
  const resource = firstText(data.resourceId, data.resourceName);
  return {
    version: 1,
    id: contentId('oci-audit', tenant, firstText(event.eventID, event.eventId, event.id) ?? JSON.stringify(event)),
    kind: 'activity',
    source: 'oci-audit',
    tenant,
    region: firstText(data.region, event.region, ocidRegion(data.resourceId)) ?? 'unknown',
    time,
    name,
    actor: firstText(identity.principalId, identity.principalName),
    sourceIp: firstText(identity.ipAddress),
    resource,
    raw: event,
  };
}

/** `ocid1.instance.oc1.iad.aaaa` → `iad`; null where the id has no region, as for users and tenancies. */
export function ocidRegion(ocid: unknown): string | null {
  return typeof ocid === 'string' && ocid.startsWith('ocid1.') ? firstText(ocid.split('.')[3]) : null;
}

/** An event of either cloud, also in EventBridge's envelope; null when it is neither. */
export function activityOf(value: Fields): CloudRecord | null {
  if ('eventName' in value && 'eventSource' in value) return fromCloudTrail(value, null);
  if ('eventType' in value && isFields(value.data)) return fromOciAudit(value);
  const detail = fieldsOf(value.detail);
  if ('eventName' in detail && 'eventSource' in detail) return fromCloudTrail(detail, value.account);
  return null;
}

function required(value: unknown, otherwise: string): string {
  const text = firstText(value);
  if (text === null) throw new Unusable('incomplete', otherwise);
  return text;
}
