/** What ingest publishes: the curated record on topic `records`, and what could not become one on `dead-letters`. */

export const RECORDS_TOPIC = 'records';
export const DEAD_LETTERS_TOPIC = 'dead-letters';

export const RECORD_SOURCES = ['aws-cloudtrail', 'oci-audit', 'aws-resource', 'oci-resource'] as const;
export type RecordSource = (typeof RECORD_SOURCES)[number];

export interface CloudRecord {
  version: 1;
  /** Deterministic: the same event delivered twice has the same id. */
  id: string;
  kind: 'activity' | 'resource';
  source: RecordSource;
  /** AWS account or OCI tenancy; `unknown` when a recorded answer names none. */
  tenant: string;
  /** Cloud region, `unknown` when not said. */
  region: string;
  /** ISO 8601 in UTC; null for resource records that carry no time. */
  time: string | null;
  /** Event name (`StopLogging`, `com.oraclecloud.…`) or resource type (`ec2:SecurityGroups`, `oci:buckets`). */
  name: string;
  actor: string | null;
  sourceIp: string | null;
  resource: string | null;
  /** The event or the resource's configuration as it came in. */
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
] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

export interface DeadLetter {
  version: 1;
  reason: DeadLetterReason;
  /** One plain sentence. */
  detail: string;
  /** File, or `-` for standard input. */
  source: string;
  /** `line 12`, `record 3` or `file`. */
  position: string;
  /** The beginning of the content, control characters replaced. */
  sample: string;
}

/** Thrown where input cannot become a record; ingest turns it into a dead letter. */
export class Unusable extends Error {
  readonly reason: DeadLetterReason;
  constructor(reason: DeadLetterReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
