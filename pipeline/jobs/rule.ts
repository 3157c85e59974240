/** A rule, whatever language it was written in. */
import type { CloudRecord } from '../records/record.ts';
import type { Condition } from './condition.ts';
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
  /** Throws `RuleTimeLimit`. A record that lacks a field of the condition does not match. */
  matches(record: Example): boolean;
}

const NO_RECORD = { actor: null, sourceIp: null, resource: null, compartment: null, time: null };

export function over(condition: Condition): Rule['matches'] {
  return ({ raw, intel = [], ...record }) => condition({ record: { ...NO_RECORD, ...record }, raw, intel });
}
