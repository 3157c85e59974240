/** Evaluates threat intelligence and rules over the records; results go to the tenant's reporting region. */
import { type CloudRecord, RECORDS_TOPIC } from '../records/record.ts';
import type { Regions } from '../sinks/regions.ts';
import { type Message, StaleBatchError } from '../streams/stream.ts';
import { type Asset, type LookUpAsset, lookUpAsset } from './asset-lookup.ts';
import type { IntelList } from './intel.ts';
import { count, type JobOptions, MAX_BATCH, transact } from './job.ts';
import { entityOf, RESULTS_TOPIC, resultOf } from './result.ts';
import type { RuleSet } from './rule-set.ts';

export interface RulesOptions extends JobOptions {
  rules: RuleSet;
  intel: IntelList;
  regions: Regions;
  /** Called once for each record that gave a result. */
  lookUpAsset?: LookUpAsset;
}

export interface RulesCounts {
  records: number;
  /** By rule id. */
  results: Record<string, number>;
  /** Look-ups that threw: their results went out without an asset. */
  failedLookUps: number;
}

export const INTEL_RULE = {
  id: 'intel-source-ip',
  title: 'Activity from an address on a threat-intelligence list',
  severity: 'high',
} as const;

export async function runRules(options: RulesOptions): Promise<RulesCounts> {
  const { stream, rules, intel, regions, signal, observe } = options;
  const counts: RulesCounts = { records: 0, results: {}, failedLookUps: 0 };

  for await (const batch of stream.drain(RECORDS_TOPIC, 'rules', { maxBatch: options.maxBatch ?? MAX_BATCH })) {
    const messages: Message[] = [];
    const found: string[] = [];
    let failedLookUps = 0;
    for (const entry of batch.entries) {
      const record = entry.value as CloudRecord;
      const listed = record.sourceIp !== null && intel.has(record.sourceIp);
      const matched = [...(listed ? [INTEL_RULE] : []), ...rules.matching(record)];
      if (matched.length === 0) continue;
      const asset = await look(record).catch(() => {
        failedLookUps++;
        return null;
      });
      for (const rule of matched) {
        const result = resultOf(rule, record, regions.of(record.tenant), asset);
        // One key for all that correlates, so that one consumer at a time has it.
        messages.push({ key: `${result.tenant} ${entityOf(result)}`, value: result });
        found.push(rule.id);
      }
    }
    try {
      await transact(options, async (transaction) => {
        await stream.publish(RESULTS_TOPIC, messages, transaction);
        await batch.commit(transaction);
      });
    } catch (error) {
      if (error instanceof StaleBatchError) continue; // another consumer of the group had it
      throw error;
    }
    counts.records += batch.entries.length;
    counts.failedLookUps += failedLookUps;
    for (const rule of found) count(counts.results, rule);
    observe?.('next-read');
    if (signal?.aborted) break;
  }
  return counts;

  async function look(record: CloudRecord): Promise<Asset | null> {
    return (options.lookUpAsset ?? lookUpAsset)(record, options.pool);
  }
}
