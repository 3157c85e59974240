/** OCI Audit's events as curated records, in each form that OCI delivers them in. */
import { contentId, type Fields, fieldsOf, firstText, isFields, required, utcTime } from './fields.ts';
import { type CloudRecord, RECORD_VERSION } from './record.ts';

/**
 * The event within what was delivered; null when it is none:
 * - of the Audit API and of Events: `{ eventType, eventTime, data }`,
 * - of Connector Hub to Streaming or Object Storage: a CloudEvent 1.0, `{ type, time, oracle, data }`,
 * - of Logging: that under `logContent`,
 * - of `oci audit event list`: the first, its names with hyphens.
 */
export function ociEventOf(value: Fields): Fields | null {
  const content = isFields(value.logContent) ? value.logContent : value;
  if (!isFields(content.data)) return null;
  if ('event-type' in content) return unhyphenated(content);
  const isEvent = 'eventType' in content && !('detail' in content);
  const isCloudEvent = 'type' in content && 'specversion' in content && ('oracle' in content || 'source' in content);
  return isEvent || isCloudEvent ? content : null;
}

/** An id that the Audit API gave stays the same however the event is delivered. */
export function fromOciAudit(event: Fields): CloudRecord {
  const [data, oracle] = [fieldsOf(event.data), fieldsOf(event.oracle)];
  const identity = fieldsOf(data.identity);
  const name = required([event.eventType, event.type], 'an OCI Audit event without eventType');
  const time = utcTime(required([event.eventTime, event.time], 'an OCI Audit event without eventTime'));
  const compartment = firstText(data.compartmentId, oracle.compartmentid);
  const caller = firstText(identity.tenantId);
  // whose resource it is, as far as that is said; who calls may be of another tenancy
  const tenant = firstText(oracle.tenantid, data.tenantId) ?? tenancyOf(compartment) ?? caller;
  const id = firstText(event.eventID, event.eventId, event.id) ?? JSON.stringify(event);
  const owner = required([caller, tenant, compartment], 'an OCI Audit event that names no tenancy or compartment');
  return {
    version: RECORD_VERSION,
    id: contentId('oci-audit', owner, id),
    kind: 'activity',
    source: 'oci-audit',
    tenant: tenant ?? 'unknown',
    compartment,
    region: firstText(data.region, event.region, ocidRegion(data.resourceId)) ?? 'unknown',
    time,
    name,
    actor: firstText(identity.principalId, identity.principalName),
    sourceIp: firstText(identity.ipAddress),
    resource: firstText(data.resourceId, data.resourceName),
    raw: event,
  };
}

/** `ocid1.instance.oc1.iad.aaaa` → `iad`; null where the id has no region, as for users and tenancies. */
export function ocidRegion(ocid: unknown): string | null {
  return typeof ocid === 'string' && ocid.startsWith('ocid1.') ? firstText(ocid.split('.')[3]) : null;
}

/** The root compartment is the tenancy itself; of another one only OCI knows whose it is. */
export function tenancyOf(compartment: unknown): string | null {
  return typeof compartment === 'string' && compartment.startsWith('ocid1.tenancy.') ? compartment : null;
}

/** Maps whose keys are the user's or HTTP's own. */
const OWN_KEYS = new Set(['definedTags', 'freeformTags', 'headers', 'parameters', 'additionalDetails']);

function unhyphenated(fields: Fields): Fields {
  const entries = Object.entries(fields).map(([key, value]): [string, unknown] => {
    const name = key.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    return [name, isFields(value) && !OWN_KEYS.has(name) ? unhyphenated(value) : value];
  });
  return Object.fromEntries(entries);
}
