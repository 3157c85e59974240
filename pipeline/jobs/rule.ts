/** A rule, whatever language it was written in. */
import type { CloudRecord } from '../records/record.ts';
import type { Condition, Facts } from './condition.ts';
import type { IntelHit } from './intel.ts';

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A record as far as an example needs it; what is left out is null. */
export type Example = Partial<CloudRecord> & { intel?: readonly Partial<IntelHit>[] };

export interface Rule {
  id: string;
  title: string;
  severity: Severity;
  kind: CloudRecord['kind'];
  /** Who wrote it, where its licence wants that said with what it finds. */
  author: string | null;
  /** Sources whose records it is for; null for all of its kind. */
  sources: readonly CloudRecord['source'][] | null;
  /** Event names or resource types, in any case; `*` stands for any characters. Nothing else is looked at. */
  names: readonly string[];
  condition: Condition;
}

const NO_RECORD = { actor: null, sourceIp: null, resource: null, compartment: null, time: null };

/** What conditions see of a record. */
export function factsOf({ raw, intel = [], ...record }: Example): Facts {
  return { record: { ...NO_RECORD, ...record }, raw, intel };
}
