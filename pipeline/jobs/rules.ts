/** Evaluates threat intelligence and rules over the records; results go to the tenant's reporting region. */
import { type CloudRecord, DEAD_LETTERS_TOPIC, RECORDS_TOPIC } from '../records/record.ts';
import type { Regions } from '../sinks/regions.ts';
import { type Message, StaleBatchError } from '../streams/stream.ts';
import { type Asset, type LookUpAsset, lookUpAssets } from './asset-lookup.ts';
import { withTenancies } from './compartments.ts';
import type { IntelList } from './intel.ts';
import { count, type JobOptions, MAX_BATCH, together, transact } from './job.ts';
import { judged } from './judge.ts';
import { entityOf, RESULTS_TOPIC, resultOf } from './result.ts';
import type { RuleSet } from './rule-set.ts';

export interface RulesOptions extends JobOptions {
  rules: RuleSet;
  intel: IntelList;
  regions: Regions;
  /** Called once for each record that gave a result, instead of asking the inventory for all of a batch at once. */
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

/** The group that reads the records. */
export const RULES_GROUP = 'rules';

export async function runRules(options: RulesOptions): Promise<RulesCounts> {
  const { stream, rules, intel, regions, signal, observe } = options;
  const counts: RulesCounts = { records: 0, results: {}, deadLetters: {}, failedLookUps: 0 };

  for await (const batch of stream.drain(RECORDS_TOPIC, RULES_GROUP, { maxBatch: options.maxBatch ?? MAX_BATCH })) {
    await intel.refresh();
    const detected = new Date().toISOString();
    const { found, letters } = judged(batch.entries, { rules, intel });
    const records = await withTenancies(
      found.map(({ record }) => record),
      options.pool,
    );
    const { assets, failed } = await lookUp(records, options);
    const results = found.flatMap(({ matched, intel }, index) => {
      const record = records[index]!;
      const circumstances = { reportingRegion: regions.of(record), asset: assets[index] ?? null, intel, detected };
      return matched.map((rule) => resultOf(rule, record, circumstances));
    });
    // One key for all that correlates, so that one consumer at a time has it.
    const messages = results.map((value): Message => ({ key: `${value.tenant} ${entityOf(value)}`, value }));
    const refused = letters.map((value): Message => ({ key: value.source, value }));
    const cause = `rules ${batch.partition} ${batch.entries[0]!.offset}`;
    try {
      await transact(options, async (transaction) => {
        await together([
          batch.commit(transaction),
          stream.publish(RESULTS_TOPIC, messages, { transaction, cause }),
          stream.publish(DEAD_LETTERS_TOPIC, refused, { transaction, cause }),
        ]);
      });
    } catch (error) {
      if (error instanceof StaleBatchError) continue; // another consumer of the group had it
      throw error;
    }
    counts.records += batch.entries.length;
    counts.failedLookUps += failed;
    for (const { rule } of results) count(counts.results, rule);
    for (const { reason } of letters) count(counts.deadLetters, reason);
    observe?.('next-read');
    if (signal?.aborted) break;
  }
  return counts;
}

/** Of each record its asset, all at once unless there is a look-up for one; null where that throws. */
async function lookUp(records: CloudRecord[], { pool, lookUpAsset }: RulesOptions) {
  const assets: (Asset | null)[] = [];
  if (!lookUpAsset) {
    return lookUpAssets(records, pool).then(
      (assets) => ({ assets, failed: 0 }),
      () => ({ assets, failed: records.length }),
    );
  }
  let failed = 0;
  for (const record of records) {
    const asset = await lookUpAsset(record, pool).catch(() => {
      failed++;
      return null;
    });
    assets.push(asset);
  }
  return { assets, failed };
}
