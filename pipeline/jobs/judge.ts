/** What rules and intelligence say about records; what cannot be judged is a dead letter, and stops nothing. */
import {
  type CloudRecord,
  type DeadLetter,
  type DeadLetterReason,
  RECORDS_TOPIC,
  Unusable,
} from '../records/record.ts';
import { recordOf } from '../records/versions.ts';
import type { Entry } from '../streams/stream.ts';
import type { IntelHit, IntelList } from './intel.ts';
import { refusedEntry } from './letters.ts';
import type { Rule, RuleSet } from './rule-set.ts';
import { together } from './time-limit.ts';

export type Verdict = Pick<Rule, 'id' | 'title' | 'severity' | 'author'>;

export interface Judged {
  record: CloudRecord;
  matched: Verdict[];
  intel: IntelHit[];
}

interface Judges {
  rules: RuleSet;
  intel: IntelList;
}

export const INTEL_RULE: Verdict = {
  id: 'intel-source-ip',
  title: 'Activity from an address on a threat-intelligence list',
  severity: 'high',
  author: null,
};

export const INDICATOR_RULE: Verdict = {
  id: 'intel-indicator',
  title: 'An address, domain or hash on a threat-intelligence list is named',
  severity: 'medium',
  author: null,
};

/** Of the entries of topic `records`: those that something was found about, and those that could not be judged. */
export function judged(entries: readonly Entry[], judges: Judges): { found: Judged[]; letters: DeadLetter[] } {
  return together(() => judgedEach(entries, judges));
}

/** Of records, those that something is to be said about. */
export function worthJudging(records: readonly CloudRecord[], judges: Judges): CloudRecord[] {
  return together(() =>
    records.filter((record) => {
      try {
        return judge(record, judges).matched.length > 0;
      } catch {
        return true; // what fails, fails where it is judged
      }
    }),
  );
}

function judgedEach(entries: readonly Entry[], judges: Judges): { found: Judged[]; letters: DeadLetter[] } {
  const found: Judged[] = [];
  const letters: DeadLetter[] = [];
  for (const entry of entries) {
    try {
      const record = recordOf(entry.value);
      const judgement = judge(record, judges, (problem) => letters.push(refusedEntry(RECORDS_TOPIC, entry, problem)));
      if (judgement.matched.length > 0) found.push(judgement);
    } catch (error) {
      const problem = error instanceof Unusable ? error : new Unusable(BROKEN, (error as Error).message);
      letters.push(refusedEntry(RECORDS_TOPIC, entry, problem));
    }
  }
  return { found, letters };
}

const BROKEN: DeadLetterReason = 'broken-record';

/** A rule that fails goes to `failed`, and the others still count; without it, it is thrown. */
export function judge(record: CloudRecord, { rules, intel }: Judges, failed?: (problem: Unusable) => void): Judged {
  const hits = intel.hitsIn(record);
  const threats = hits.filter(({ isThreat }) => isThreat);
  const matched: Verdict[] = rules.matching(record, hits, failed);
  if (threats.some(({ field }) => field === 'sourceIp')) matched.unshift(INTEL_RULE);
  // the source's address stands in the event too
  else if (threats.length > 0) matched.unshift(INDICATOR_RULE);
  return { record, matched, intel: threats };
}
