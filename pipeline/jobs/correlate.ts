/**
 * Collapses results into insights: all that one actor did (or, without an actor, all that was found about one resource)
 * in one tenant within one hour, over all regions.
 *
 * An insight is a set of results, and its content a function of that set. So neither batches nor the order of arrival
 * nor a repetition changes it.
 */
import { contentId } from '../records/fields.ts';
import { DEAD_LETTERS_TOPIC, Unusable } from '../records/record.ts';
import type { Connection } from '../store/store.ts';
import { insertNew } from '../store/upsert.ts';
import { type Entry, type Message, StaleBatchError } from '../streams/stream.ts';
import { type Member, saveInsights } from './insights.ts';
import { type JobOptions, MAX_BATCH, together, transact } from './job.ts';
import { refusedEntry } from './letters.ts';
import { entityOf, RESULTS_TOPIC, type Result, resultFrom } from './result.ts';
import { SEVERITIES } from './rule-set.ts';

export interface CorrelateCounts {
  results: number;
  /** Insights made or changed in this run. */
  insights: number;
}

/** Milliseconds; tumbling, on full hours. */
const WINDOW = 3_600_000;

export async function runCorrelate(options: JobOptions): Promise<CorrelateCounts> {
  const touched = new Set<string>();
  let results = 0;
  const { stream, signal, observe, maxBatch = MAX_BATCH } = options;
  for await (const batch of stream.drain(RESULTS_TOPIC, 'correlate', { maxBatch })) {
    const { members, letters } = membersOf(batch.entries);
    const cause = `correlate ${batch.partition} ${batch.entries[0]!.offset}`;
    try {
      await transact(options, async (transaction) => {
        await together([
          saveInsights(await newMembers(members, transaction), transaction),
          batch.commit(transaction),
          stream.publish(DEAD_LETTERS_TOPIC, letters, { transaction, cause }),
        ]);
      });
    } catch (error) {
      if (error instanceof StaleBatchError) continue; // another consumer of the group had it
      throw error;
    }
    results += members.length;
    for (const member of members) touched.add(member.insight);
    observe?.('next-read');
    if (signal?.aborted) break;
  }
  return { results, insights: touched.size };
}

/** A result that cannot be used is a dead letter. */
function membersOf(entries: readonly Entry[]): { members: Member[]; letters: Message[] } {
  const members: Member[] = [];
  const letters: Message[] = [];
  for (const entry of entries) {
    try {
      members.push(memberOf(resultFrom(entry.value)));
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      letters.push({ key: RESULTS_TOPIC, value: refusedEntry(RESULTS_TOPIC, entry, error) });
    }
  }
  return { members, letters };
}

function memberOf(result: Result): Member {
  const entity = entityOf(result);
  const time = result.time === null ? null : new Date(result.time);
  const window = time === null ? null : new Date(Math.floor(time.getTime() / WINDOW) * WINDOW);
  return {
    insight: contentId(result.tenant, entity, String(window?.toISOString() ?? null)),
    result: result.id,
    tenant: result.tenant,
    entity,
    window_start: window,
    severity: SEVERITIES.indexOf(result.severity),
    rule: result.rule,
    region: result.region,
    reporting_region: result.reportingRegion,
    time,
  };
}

/** Those that their insights do not have yet, from now on kept. Of a result that comes twice, one. */
async function newMembers(members: readonly Member[], transaction: Connection): Promise<Member[]> {
  const distinct = new Map(members.map((member) => [`${member.insight} ${member.result}`, member]));
  // In one order everywhere, so that two that correlate do not deadlock.
  const inOrder = [...distinct.keys()].sort().map((key) => distinct.get(key)!);
  const isNew = await transaction.insertEach(
    INSERT_MEMBERS,
    inOrder.map((member) => Object.values(member)),
  );
  return inOrder.filter((_, index) => isNew[index]);
}

const INSERT_MEMBERS = insertNew(
  'insight_results',
  { insight: 'text', result: 'text' },
  {
    ...{ tenant: 'text', entity: 'text', window_start: 'timestamptz', severity: 'integer', rule: 'text' },
    ...{ region: 'text', reporting_region: 'text', time: 'timestamptz' },
  },
);
