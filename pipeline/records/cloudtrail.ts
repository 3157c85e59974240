/** CloudTrail's events as curated records. */
import type { Way } from './envelope.ts';
import { contentId, type Fields, fieldsOf, firstText, required, utcTime } from './fields.ts';
import { type CloudRecord, RECORD_VERSION } from './record.ts';

export function isCloudTrail(value: Fields): boolean {
  return 'eventName' in value && 'eventSource' in value && !('body' in value);
}

/** `value` is a management, data or network event; `way` is what its envelope says. */
export function fromCloudTrail(event: Fields, way: Way): CloudRecord {
  const identity = fieldsOf(event.userIdentity);
  const eventId = required(event.eventID, 'a CloudTrail event without eventID');
  const name = required(event.eventName, 'a CloudTrail event without eventName');
  const issuer = fieldsOf(fieldsOf(identity.sessionContext).sessionIssuer);
  return {
    ...common(event, way, eventId),
    name,
    // The issuer, so that all sessions of one role are one actor.
    actor: firstText(issuer.arn, identity.arn, identity.principalId, identity.invokedBy, identity.type),
    sourceIp: firstText(event.sourceIPAddress),
    resource: resourceOf(event),
  };
}

/** CloudTrail Insights: that calls of one kind, or their errors, came at an unusual rate. */
export function isInsight(value: Fields): boolean {
  return 'insightDetails' in value && value.eventCategory === 'Insight';
}

/** Its name is that of the insight, `ApiCallRateInsight`; the call's is under `raw.insightDetails`. */
export function fromInsight(event: Fields, way: Way): CloudRecord {
  const details = fieldsOf(event.insightDetails);
  const id = required(event.eventID, 'a CloudTrail insight without eventID');
  const name = required(details.insightType, 'a CloudTrail insight without insightType');
  return { ...common(event, way, id), name, actor: null, sourceIp: null, resource: firstText(details.eventName) };
}

function common(event: Fields, { account }: Way, eventId: string) {
  const tenant = required(
    [event.recipientAccountId, fieldsOf(event.userIdentity).accountId, account],
    'a CloudTrail event that names no account',
  );
  // Log shippers of the Elastic family move the time to `@timestamp`.
  const time = utcTime(required([event.eventTime, event['@timestamp']], 'a CloudTrail event without eventTime'));
  return {
    version: RECORD_VERSION,
    id: contentId('aws-cloudtrail', tenant, eventId),
    kind: 'activity',
    source: 'aws-cloudtrail',
    tenant,
    compartment: null,
    region: firstText(event.awsRegion) ?? 'unknown',
    time,
    raw: event,
  } as const;
}

/** What the call was about: the first ARN under `resources`, else the first request parameter that names something. */
function resourceOf(event: Fields): string | null {
  const listed = Array.isArray(event.resources) ? fieldsOf(event.resources[0]) : {};
  const parameters = fieldsOf(event.requestParameters);
  const naming = Object.keys(parameters).find((key) => /(Arn|Id|Name)$/i.test(key) && firstText(parameters[key]));
  return firstText(listed.ARN, listed.arn, naming && parameters[naming]);
}
