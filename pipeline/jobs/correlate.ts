/**
 * Collapses results into insights: all that one actor did (or, without an actor, all that was found about one resource)
 * in one tenant within one hour, over all regions.
 *
 * An insight is a set of results, and its content a function of that set. So neither batches nor the order of arrival
 * nor a repetition changes it.
 */
import { contentId } from '../records/fields.ts';
import type { Connection } from '../store/store.ts';
import { StaleBatchError } from '../streams/stream.ts';
import { type JobOptions, MAX_BATCH, transact } from './job.ts';
import { entityOf, RESULTS_TOPIC, type Result } from './result.ts';
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
    const members = batch.entries.map((entry) => memberOf(entry.value as Result));
    try {
      await transact(options, async (transaction) => {
        await merge(members, transaction);
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

function memberOf(result: Result) {
  const entity = entityOf(result);
  const start = result.time === null ? null : Math.floor(Date.parse(result.time) / WINDOW) * WINDOW;
  const window = start === null ? null : new Date(start).toISOString();
  return {
    insight: contentId(result.tenant, entity, String(window)),
    result: result.id,
    tenant: result.tenant,
    entity,
    window_start: window,
    severity: SEVERITIES.indexOf(result.severity),
    rule: result.rule,
    region: result.region,
    reporting_region: result.reportingRegion,
    time: result.time,
  };
}

async function merge(members: Member[], transaction: Connection): Promise<void> {
  await transaction.query(
    `insert into insight_results
     select * from json_populate_recordset(null::insight_results, $1) order by insight, result
     on conflict do nothing`,
    [JSON.stringify(members)],
  );
  await transaction.query(
    `insert into insights
     select insight, min(tenant), min(entity), min(window_start), ($2::text[])[max(severity) + 1], count(*),
       array_agg(distinct rule order by rule), array_agg(distinct region order by region),
       min(reporting_region), min(time), max(time)
     from insight_results where insight = any($1) group by insight order by insight
     on conflict (id) do update set
       severity = excluded.severity, results = excluded.results, rules = excluded.rules, regions = excluded.regions,
       first_time = excluded.first_time, last_time = excluded.last_time`,
    [[...new Set(members.map((member) => member.insight))], SEVERITIES],
  );
}
