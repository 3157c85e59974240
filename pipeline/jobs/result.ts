/** What a rule found about one record: published on topic `results`, delivered to the tenant's reporting region. */
import { contentId } from '../records/fields.ts';
import type { CloudRecord } from '../records/record.ts';
import { checkTexts, type UpCasters, upToDate } from '../records/versions.ts';
import type { Asset } from './asset-lookup.ts';
import type { IntelHit } from './intel.ts';
import type { Verdict } from './judge.ts';
import type { Severity } from './rule-set.ts';

export const RESULTS_TOPIC = 'results';
const RESULT_VERSION = 2;

export interface Result {
  version: typeof RESULT_VERSION;
  /** Of rule and record: the same find has the same id, however often it is made. */
  id: string;
  rule: string;
  title: string;
  severity: Severity;
  /** Of the rule, where its licence wants that said. */
  author: string | null;
  record: string;
  kind: CloudRecord['kind'];
  source: CloudRecord['source'];
  tenant: string;
  compartment: string | null;
  reportingRegion: string;
  /** The cloud region that it happened in. */
  region: string;
  /** When it happened, ISO 8601; null for resources whose record carries no time. */
  time: string | null;
  /** When it was found, ISO 8601. */
  detected: string;
  name: string;
  actor: string | null;
  sourceIp: string | null;
  resource: string | null;
  /** What the inventory knows about the resource. */
  asset: Asset | null;
  /** What in the record is on a list of threats. */
  intel: IntelHit[];
}

type Circumstances = Pick<Result, 'reportingRegion' | 'asset' | 'intel' | 'detected'>;

export function resultOf(rule: Verdict, record: CloudRecord, circumstances: Circumstances): Result {
  const { id, kind, source, tenant, compartment, region, time, name, actor, sourceIp, resource } = record;
  return {
    version: RESULT_VERSION,
    id: contentId(rule.id, id),
    rule: rule.id,
    title: rule.title,
    severity: rule.severity,
    author: rule.author,
    record: id,
    ...{ kind, source, tenant, compartment, region, time, name, actor, sourceIp, resource },
    ...circumstances,
  };
}

const TO_CURRENT: UpCasters = [
  // of what was found before there was a time of detection, that of the event comes nearest
  (older) => ({
    ...{ author: null, source: null, compartment: null, detected: older.time ?? null, intel: [] },
    ...older,
  }),
];

const TEXTS = ['id', 'rule', 'severity', 'record', 'tenant', 'reportingRegion', 'region', 'name'] as const;

/** An entry of topic `results`. Throws `Unusable`, reason `unknown-version` or `broken-record`. */
export function resultFrom(value: unknown): Result {
  const result = upToDate(value, RESULT_VERSION, TO_CURRENT, 'a result');
  checkTexts(result, TEXTS, ['time', 'actor', 'resource'], 'a result');
  return result as unknown as Result;
}

/** What results are correlated by: who did it, else what it was done to. */
export function entityOf(result: Pick<Result, 'actor' | 'resource' | 'record'>): string {
  if (result.actor !== null) return `actor ${result.actor}`;
  return result.resource === null ? `record ${result.record}` : `resource ${result.resource}`;
}
