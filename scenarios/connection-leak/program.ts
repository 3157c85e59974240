/** The pipeline's ingest and rule jobs as a scheduled batch. Usage: program.js leaking|fixed RUNS, with DATABASE_URL. */
import { Readable } from 'node:stream';
import { GENERATED_REGIONS, generate } from '../../pipeline/generate.ts';
import { runIngest } from '../../pipeline/jobs/ingest.ts';
import { loadIntel } from '../../pipeline/jobs/intel.ts';
import { loadRules } from '../../pipeline/jobs/rule-set.ts';
import { runRules } from '../../pipeline/jobs/rules.ts';
import { createTables } from '../../pipeline/jobs/tables.ts';
import { openPool } from '../../pipeline/store/database.ts';
import { prepareSchema } from '../../pipeline/store/schema.ts';
import { LogTableStream } from '../../pipeline/streams/log-table.ts';
import { scope } from '../../probe/index.ts';
import { reportRun, reportWork } from '../program.ts';
import * as fixed from './fixed.ts';
import * as leaking from './leaking.ts';

const RECORDS_PER_RUN = 300;
const [variant, runsText] = process.argv.slice(2);
const { lookUpAsset } = variant === 'leaking' ? leaking : fixed;
const runs = Number(runsText);
const url = process.env.DATABASE_URL as string;

const pools = {
  ingest: await openPool({ url, name: 'ingest', max: 4 }),
  rules: await openPool({ url, name: 'rules', max: 40 }),
};
const connection = await pools.ingest.acquire();
await prepareSchema(connection).finally(() => connection.release());
await createTables(pools.ingest);

const bundled = (name: string) => new URL(`../../pipeline/rules/${name}`, import.meta.url).pathname;
const rules = await loadRules(bundled(''));
const intel = await loadIntel(bundled('intel/example.txt'));
const { lines } = generate({ seed: 7, events: runs * RECORDS_PER_RUN });
const stream = new LogTableStream({ pool: pools.ingest, partitions: 2 });
const rulesStream = new LogTableStream({ pool: pools.rules, partitions: 2 });
const work = { records: 0, deadLetters: 0, results: 0, failedLookUps: 0 };

for (let run = 1; run <= runs; run++) {
  const input = `${lines.splice(0, RECORDS_PER_RUN).join('\n')}\n`;
  const ingested = await scope('ingest', () =>
    runIngest({ pool: pools.ingest, stream, input: '-', stdin: Readable.from([Buffer.from(input)]) }),
  );
  const ruled = await scope('rules', () =>
    runRules({ pool: pools.rules, stream: rulesStream, rules, intel, regions: GENERATED_REGIONS, lookUpAsset }),
  );
  work.records += ruled.records;
  work.deadLetters += sum(ingested.deadLetters);
  work.results += sum(ruled.results);
  work.failedLookUps += ruled.failedLookUps;
  await reportRun(run, runs, `${work.records} records, ${work.results} results`);
}
await reportWork(work);
// leaked connections would keep the program, as they kept the service
process.exit(0);

function sum(counts: Record<string, number | undefined>): number {
  return Object.values(counts).reduce<number>((total, count) => total + (count ?? 0), 0);
}
