/** What a rule found about one record: published on topic `results`, delivered to the tenant's reporting region. */
import { contentId } from '../records/fields.ts';
import type { CloudRecord } from '../records/record.ts';
import type { Asset } from './asset-lookup.ts';
import type { Severity } from './rule-set.ts';

export const RESULTS_TOPIC = 'results';

export interface Result {
  version: 1;
  /** Of rule and record: the same find has the same id, however often it is made. */
  id: string;
  rule: string;
  title: string;
  severity: Severity;
  record: string;
  kind: CloudRecord['kind'];
  tenant: string;
  reportingRegion: string;
  /** The cloud region that it happened in. */
  region: string;
  time: string | null;
  name: string;
  actor: string | null;
  sourceIp: string | null;
  resource: string | null;
  /** What the inventory knows about the resource. */
  asset: Asset | null;
}

export function resultOf(
  rule: { id: string; title: string; severity: Severity },
  { id, kind, tenant, region, time, name, actor, sourceIp, resource }: CloudRecord,
  reportingRegion: string,
  asset: Asset | null,
): Result {
  return {
    version: 1,
    id: contentId(rule.id, id),
    rule: rule.id,
    title: rule.title,
    severity: rule.severity,
    record: id,
    ...{ kind, tenant, reportingRegion, region, time, name, actor, sourceIp, resource, asset },
  };
}

/** What results are correlated by: who did it, else what it was done to. */
export function entityOf(result: Pick<Result, 'actor' | 'resource' | 'record'>): string {
  if (result.actor !== null) return `actor ${result.actor}`;
  return result.resource === null ? `record ${result.record}` : `resource ${result.resource}`;
}
