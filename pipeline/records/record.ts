/** What ingest publishes: the curated record on topic `records`, and what could not become one on `dead-letters`. */

export const RECORDS_TOPIC = 'records';
export const DEAD_LETTERS_TOPIC = 'dead-letters';

export const RECORD_SOURCES = [
  'aws-cloudtrail',
  'oci-audit',
  'kubernetes-audit',
  'aws-guardduty',
  'aws-securityhub',
  'aws-resource',
  'oci-resource',
] as const;
export type RecordSource = (typeof RECORD_SOURCES)[number];

/** Raised with every change of `CloudRecord` that an older reader would misread; `versions.ts` brings older ones up. */
export const RECORD_VERSION = 2;

export interface CloudRecord {
  version: typeof RECORD_VERSION;
  /** Deterministic: the same event delivered twice has the same id. */
  id: string;
  kind: 'activity' | 'resource';
  source: RecordSource;
  /** AWS account or OCI tenancy; `unknown` when nothing names it. */
  tenant: string;
  /** Of OCI. */
  compartment: string | null;
  /** Cloud region, `unknown` when not said. */
  region: string;
  /** ISO 8601 in UTC; null for resource records that carry no time. */
  time: string | null;
  /**
   * Event name (`StopLogging`, `com.oraclecloud.…`) a finding's type, `delete secrets` of
   * Kubernetes; or resource type (`ec2:SecurityGroups`, `oci:buckets`).
   */
  name: string;
  actor: string | null;
  sourceIp: string | null;
  resource: string | null;
  /** The event or the resource's configuration as it came in, without its envelope. */
  raw: unknown;
}

export const DEAD_LETTER_REASONS = [
  'unreadable',
  'unknown-file',
  'broken-gzip',
  'binary',
  'oversized',
  'not-json',
  'unknown-shape',
  'incomplete',
  'unknown-version',
  'broken-record',
  'rule-time-limit',
] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

export interface DeadLetter {
  version: 1;
  reason: DeadLetterReason;
  /** One plain sentence. */
  detail: string;
  /** File, `-` for standard input, or the topic whose entry a job refused. */
  source: string;
  /** `line 12`, `line 12, record 3`, `lines 4 to 9` or `file`; of an entry, its partition and offset. */
  position: string;
  /** The beginning of the content, control characters replaced. */
  sample: string;
  /** What was refused, to be tried again; null where it was no JSON or is too long to keep. */
  value?: unknown;
}

/** Thrown where input cannot become a record; ingest turns it into a dead letter. */
export class Unusable extends Error {
  readonly reason: DeadLetterReason;
  constructor(reason: DeadLetterReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
