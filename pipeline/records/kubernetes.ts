/** Kubernetes' audit events as curated records. */
import type { Way } from './envelope.ts';
import { contentId, type Fields, fieldsOf, firstText, required, utcTime } from './fields.ts';
import { type CloudRecord, RECORD_VERSION } from './record.ts';

export function isKubernetesAudit(value: Fields): boolean {
  return 'auditID' in value && 'verb' in value;
}

/**
 * Its name is verb and resource: `create pods/exec`, `get /version` of a request that is about no resource. Events do
 * not name their cluster: it is the log group's that EKS writes to, and the tenant that group's account.
 */
export function fromKubernetesAudit(event: Fields, { account, logGroup }: Way): CloudRecord {
  const [user, object] = [fieldsOf(event.user), fieldsOf(event.objectRef)];
  const id = required(event.auditID, 'a Kubernetes audit event without auditID');
  const verb = required(event.verb, 'a Kubernetes audit event without verb');
  const time = required(
    [event.requestReceivedTimestamp, event.stageTimestamp, event.timestamp],
    'a Kubernetes audit event without a time',
  );
  const tenant = firstText(account) ?? 'unknown';
  const kind = [object.resource, object.subresource].filter((part) => firstText(part)).join('/');
  const path = [firstText(logGroup), object.namespace, kind, object.name].filter((part) => firstText(part));
  const [address] = Array.isArray(event.sourceIPs) ? event.sourceIPs : [];
  return {
    version: RECORD_VERSION,
    // one request has an event for each of its stages
    id: contentId('kubernetes-audit', tenant, id, firstText(event.stage) ?? ''),
    kind: 'activity',
    source: 'kubernetes-audit',
    tenant,
    compartment: null,
    region: 'unknown',
    time: utcTime(time),
    name: `${verb} ${kind || (firstText(event.requestURI)?.split('?')[0] ?? 'unknown')}`.slice(0, 255),
    actor: firstText(user.username),
    sourceIp: firstText(address),
    resource: kind === '' ? null : path.join('/'),
    raw: event,
  };
}
