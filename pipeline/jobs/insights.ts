/** The table of insights, which grow by what is new: the cost is that of the new results, however many there are. */
import { type LookUp, lookUp } from '../store/look-up.ts';
import type { Connection, Statement } from '../store/store.ts';
import { insertUnlessThere } from '../store/upsert.ts';
import { together } from './job.ts';
import { SEVERITIES } from './rule-set.ts';

/** A result as part of its insight. */
export interface Member {
  insight: string;
  result: string;
  tenant: string;
  entity: string;
  window_start: Date | null;
  /** Index in `SEVERITIES`. */
  severity: number;
  rule: string;
  region: string;
  reporting_region: string;
  time: Date | null;
}

/** What members add up to. */
interface Sum {
  results: number;
  severity: number;
  rules: string[];
  regions: string[];
  reporting_region: string;
  first_time: Date | null;
  last_time: Date | null;
}

/** The members are new: each is counted. */
export async function saveInsights(members: readonly Member[], transaction: Connection): Promise<void> {
  const byInsight = new Map<string, Member[]>();
  for (const member of members) {
    const others = byInsight.get(member.insight);
    if (others) others.push(member);
    else byInsight.set(member.insight, [member]);
  }
  const ids = [...byInsight.keys()].sort();
  if (ids.length === 0) return;
  // first they are all there, so that two that make the same one wait for each other
  const made = transaction.executeMany(
    INSERT_EMPTY,
    ids.map((id) => {
      const [{ tenant, entity, window_start, reporting_region }] = byInsight.get(id)! as [Member];
      return [id, tenant, entity, window_start, reporting_region];
    }),
  );
  const before = new Map<string, Sum>();
  const keys = ids.map((id) => [id]);
  const [rows] = await together([lookUp<Row>(transaction, LOCKED, keys), made]);
  for (const row of rows) before.set(row.id, sumOf(row));
  const changes = ids.map((id) => {
    const sums = byInsight.get(id)!.map(one);
    const { severity, rules, regions, ...sum } = [before.get(id), ...sums]
      .filter((each) => each !== undefined)
      .reduce(add);
    const { results, reporting_region, first_time, last_time } = sum;
    const lists = [JSON.stringify(rules), JSON.stringify(regions)];
    return [id, SEVERITIES[severity], results, ...lists, reporting_region, first_time, last_time];
  });
  await transaction.executeMany(UPDATE, changes);
}

function one({ severity, rule, region, reporting_region, time }: Member): Sum {
  return {
    ...{ results: 1, severity, rules: [rule], regions: [region], reporting_region },
    ...{ first_time: time, last_time: time },
  };
}

function add(a: Sum, b: Sum): Sum {
  return {
    results: a.results + b.results,
    severity: Math.max(a.severity, b.severity),
    rules: union(a.rules, b.rules),
    regions: union(a.regions, b.regions),
    reporting_region: a.reporting_region < b.reporting_region ? a.reporting_region : b.reporting_region,
    first_time: a.first_time === null || (b.first_time && b.first_time < a.first_time) ? b.first_time : a.first_time,
    last_time: a.last_time === null || (b.last_time && b.last_time > a.last_time) ? b.last_time : a.last_time,
  };
}

function union(some: string[], others: string[]): string[] {
  if (others.every((each) => some.includes(each))) return some;
  return [...new Set([...some, ...others])].sort();
}

/** Numbers and lists as the database has them. */
interface Row {
  id: string;
  results: number | string;
  severity: string;
  rules: string[] | string;
  regions: string[] | string;
  reporting_region: string;
  first_time: Date | null;
  last_time: Date | null;
}

function sumOf({ results, severity, rules, regions, reporting_region, first_time, last_time }: Row): Sum {
  return {
    ...{ results: Number(results), severity: SEVERITIES.indexOf(severity as (typeof SEVERITIES)[number]) },
    ...{ rules: listOf(rules), regions: listOf(regions), reporting_region, first_time, last_time },
  };
}

/** Oracle has no lists: rules and regions are JSON there. */
function listOf(column: string[] | string): string[] {
  return typeof column === 'string' ? JSON.parse(column) : column;
}

const [LOWEST] = SEVERITIES;

const IDENTITY = ['tenant', 'entity', 'window_start', 'reporting_region', 'severity', 'results', 'rules', 'regions'];

const INSERT_EMPTY: Statement = {
  postgres: `
    insert into insights (id, ${IDENTITY.join(', ')})
    select *, '${LOWEST}', 0, '{}', '{}' from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])
    on conflict do nothing`,
  oracle: insertUnlessThere('insights', ['id'], IDENTITY).replace('$6, $7, $8, $9', `'${LOWEST}', 0, '[]', '[]'`),
};

const LOCKED: LookUp = {
  select: `
    select id, results, severity, rules, regions, reporting_region, first_time, last_time from insights`,
  key: { id: 'text' },
  rest: 'order by id for update',
};

const UPDATE: Statement = {
  postgres: `
    update insights kept set severity = m.severity, results = m.results,
      rules = array(select json_array_elements_text(m.rules::json)),
      regions = array(select json_array_elements_text(m.regions::json)),
      reporting_region = m.reporting_region, first_time = m.first_time, last_time = m.last_time
    from unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
      $8::timestamptz[]) as m (id, severity, results, rules, regions, reporting_region, first_time, last_time)
    where kept.id = m.id`,
  oracle: `
    update insights set severity = $2, results = $3, rules = $4, regions = $5, reporting_region = $6,
      first_time = $7, last_time = $8 where id = $1`,
};
