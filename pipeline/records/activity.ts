/** What happened, as curated records: which event a value is, in whatever envelope it came. */
import { fromCloudTrail, fromInsight, isCloudTrail, isInsight } from './cloudtrail.ts';
import { type Way, wayOf } from './envelope.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { fromGuardDuty, fromSecurityHub, isGuardDuty, isSecurityHub } from './findings.ts';
import { fromKubernetesAudit, isKubernetesAudit } from './kubernetes.ts';
import { fromOciAudit, ociEventOf } from './oci-audit.ts';
import type { CloudRecord } from './record.ts';

const EVENTS: readonly [is: (value: Fields) => boolean, from: (value: Fields, way: Way) => CloudRecord][] = [
  [isCloudTrail, fromCloudTrail],
  [isInsight, fromInsight],
  [isGuardDuty, fromGuardDuty],
  [isSecurityHub, fromSecurityHub],
  [isKubernetesAudit, fromKubernetesAudit],
];

/** The events in a value: itself, or those in EventBridge's envelope; null when it is none. */
export function activityOf(value: Fields): CloudRecord[] | null {
  const own = eventOf(value, wayOf(value));
  if (own) return [own];
  const detail = fieldsOf(value.detail);
  const way = { account: value.account };
  if (Array.isArray(detail.findings)) {
    const found = detail.findings.map((finding) => eventOf(fieldsOf(finding), way));
    if (found.length > 0 && found.every((record) => record !== null)) return found;
  }
  const wrapped = eventOf(detail, way);
  return wrapped && [wrapped];
}

function eventOf(value: Fields, way: Way): CloudRecord | null {
  const row = EVENTS.find(([is]) => is(value));
  if (row) return row[1](value, way);
  const event = ociEventOf(value);
  return event && fromOciAudit(event);
}
