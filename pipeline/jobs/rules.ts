/** Evaluates threat intelligence and rules over the records; results go to the tenant's reporting region. */
import { type CloudRecord, DEAD_LETTERS_TOPIC, RECORDS_TOPIC } from '../records/record.ts';
import type { Regions } from '../sinks/regions.ts';
import { type Message, StaleBatchError } from '../streams/stream.ts';
import { type Asset, type LookUpAsset, lookUpAsset } from './asset-lookup.ts';
import type { IntelList } from './intel.ts';
import { count, type JobOptions, MAX_BATCH, transact } from './job.ts';
import { judged } from './judge.ts';
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
  /** Records that could not be judged, by reason. */
  deadLetters: Record<string, number>;
  /** Look-ups that threw: their results went out without an asset. */
  failedLookUps: number;
}

export async function runRules(options: RulesOptions): Promise<RulesCounts> {
  const { stream, rules, intel, regions, signal, observe } = options;
  const counts: RulesCounts = { records: 0, results: {}, deadLetters: {}, failedLookUps: 0 };

  for await (const batch of stream.drain(RECORDS_TOPIC, 'rules', { maxBatch: options.maxBatch ?? MAX_BATCH })) {
    const messages: Message[] = [];
    const found: string[] = [];
    let failedLookUps = 0;
    const detected = new Date().toISOString();
    await intel.refresh();
    const judgement = judged(batch.entries, { rules, intel });
    for (const { record, matched, intel: hits } of judgement.found) {
      const asset = await look(record).catch(() => {
        failedLookUps++;
        return null;
      });
      for (const rule of matched) {
        const result = resultOf(rule, record, { reportingRegion: regions.of(record), asset, intel: hits, detected });
        // One key for all that correlates, so that one consumer at a time has it.
        messages.push({ key: `${result.tenant} ${entityOf(result)}`, value: result });
        found.push(rule.id);
      }
    }
    try {
      await transact(options, async (transaction) => {
        await stream.publish(RESULTS_TOPIC, messages, transaction);
        const letters = judgement.letters.map((value) => ({ key: value.source, value }));
        await stream.publish(DEAD_LETTERS_TOPIC, letters, transaction);
        await batch.commit(transaction);
      });
    } catch (error) {
      if (error instanceof StaleBatchError) continue; // another consumer of the group had it
      throw error;
    }
    counts.records += batch.entries.length;
    counts.failedLookUps += failedLookUps;
    for (const rule of found) count(counts.results, rule);
    for (const { reason } of judgement.letters) count(counts.deadLetters, reason);
    observe?.('next-read');
    if (signal?.aborted) break;
  }
  return counts;

  async function look(record: CloudRecord): Promise<Asset | null> {
    return (options.lookUpAsset ?? lookUpAsset)(record, options.pool);
  }
}
