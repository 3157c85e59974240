/**
 * Collapses results into insights: all that one actor did (or, without an actor, all that was found about one resource)
 * in one tenant within one hour, over all regions.
 *
 * An insight is a set of results, and its content a function of that set. So neither batches nor the order of arrival
 * nor a repetition changes it.
 */
import { contentId } from '../records/fields.ts';
import { DEAD_LETTERS_TOPIC, Unusable } from '../records/record.ts';
import type { Connection, Statement } from '../store/store.ts';
import { insertNew } from '../store/upsert.ts';
import { type Entry, type Message, StaleBatchError } from '../streams/stream.ts';
import { type JobOptions, MAX_BATCH, transact } from './job.ts';
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
    try {
      await transact(options, async (transaction) => {
        await merge(members, transaction);
        await stream.publish(DEAD_LETTERS_TOPIC, letters, transaction);
        await batch.commit(transaction);
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

type Member = ReturnType<typeof memberOf>;

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

function memberOf(result: Result) {
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

async function merge(members: Member[], transaction: Connection): Promise<void> {
  // In one order everywhere, so that two that correlate do not deadlock.
  const rows = members.map((member) => Object.values(member)).sort(byKey);
  await transaction.executeMany(INSERT_MEMBERS, rows);
  const insights = [...new Set(members.map((member) => member.insight))].sort();
  await transaction.executeMany(
    MERGE_INSIGHTS,
    insights.map((insight) => [insight]),
  );
}

function byKey([insight, result]: unknown[], [otherInsight, otherResult]: unknown[]): number {
  const [one, other] = [`${insight} ${result}`, `${otherInsight} ${otherResult}`];
  return one < other ? -1 : Number(one > other);
}

const INSERT_MEMBERS = insertNew(
  'insight_results',
  { insight: 'text', result: 'text' },
  {
    ...{ tenant: 'text', entity: 'text', window_start: 'timestamptz', severity: 'integer', rule: 'text' },
    ...{ region: 'text', reporting_region: 'text', time: 'timestamptz' },
  },
);

const SEVERITY = `case max(severity) ${SEVERITIES.map((name, index) => `when ${index} then '${name}'`).join(' ')} end`;

/** Oracle has no lists: rules and regions are JSON there. */
const listInOracle = (column: string) => `(
      select json_arrayagg(${column} order by ${column} returning clob)
      from (select distinct ${column} from insight_results where insight = $1)
    ) as ${column}s`;

const MERGE_INSIGHTS: Statement = {
  postgres: `
    insert into insights
    select insight, min(tenant), min(entity), min(window_start), ${SEVERITY}, count(*),
      array_agg(distinct rule order by rule), array_agg(distinct region order by region),
      min(reporting_region), min(time), max(time)
    from insight_results where insight = any($1::text[]) group by insight order by insight
    on conflict (id) do update set
      severity = excluded.severity, results = excluded.results, rules = excluded.rules, regions = excluded.regions,
      first_time = excluded.first_time, last_time = excluded.last_time`,
  oracle: `
    merge into insights kept using (
      select min(insight) as id, min(tenant) as tenant, min(entity) as entity, min(window_start) as window_start,
        ${SEVERITY} as severity, count(*) as results, ${listInOracle('rule')}, ${listInOracle('region')},
        min(reporting_region) as reporting_region, min(time) as first_time, max(time) as last_time
      from insight_results where insight = $1
    ) found on (kept.id = found.id)
    when matched then update set
      severity = found.severity, results = found.results, rules = found.rules, regions = found.regions,
      first_time = found.first_time, last_time = found.last_time
    when not matched then insert (
      id, tenant, entity, window_start, severity, results, rules, regions, reporting_region, first_time, last_time
    ) values (
      found.id, found.tenant, found.entity, found.window_start, found.severity, found.results, found.rules,
      found.regions, found.reporting_region, found.first_time, found.last_time
    )`,
};
