/** The pipeline's ingest and rule jobs as a scheduled batch. Usage: program.js leaking|fixed RUNS, with DATABASE_URL. */
import { Readable } from 'node:stream';
import { GENERATED_REGIONS, generate } from '../../pipeline/generate.ts';
import type { LookUpAsset } from '../../pipeline/jobs/asset-lookup.ts';
import { runIngest } from '../../pipeline/jobs/ingest.ts';
import { loadIntel } from '../../pipeline/jobs/intel-files.ts';
import { loadRules } from '../../pipeline/jobs/rule-set.ts';
import { runRules } from '../../pipeline/jobs/rules.ts';
import { createTables } from '../../pipeline/jobs/tables.ts';
import { openPool } from '../../pipeline/store/database.ts';
import { namesOracle } from '../../pipeline/store/oracle-address.ts';
import { prepareSchema } from '../../pipeline/store/schema.ts';
import { LogTableStream } from '../../pipeline/streams/log-table.ts';
import { scope } from '../../probe/index.ts';
import type { ProgramError } from '../check.ts';
import { reportRun, reportWork } from '../program.ts';
import * as fixed from './fixed.ts';
import * as leaking from './leaking.ts';

const RECORDS_PER_RUN = 300;
const [variant, runsText] = process.argv.slice(2);
const { lookUpAsset } = variant === 'leaking' ? leaking : fixed;
const runs = Number(runsText);
const url = process.env.DATABASE_URL as string;
const onOracle = namesOracle(url);

const pools = {
  ingest: await openPool({ url, name: 'ingest', max: 4 }),
  // some two connections are left behind in each run; on Oracle the incident goes on until there are no more
  rules: await openPool({
    url,
    name: 'rules',
    ...(onOracle ? { max: 2 * runs + 4, acquireTimeout: 2_000 } : { max: 40 }),
  }),
};
const connection = await pools.ingest.acquire();
await prepareSchema(connection).finally(() => connection.release());
await createTables(pools.ingest);

const bundled = (name: string) => new URL(`../../pipeline/rules/${name}`, import.meta.url).pathname;
const rules = await loadRules(bundled(''));
const intel = await loadIntel(bundled('intel/example.txt'));
const stream = new LogTableStream({ pool: pools.ingest, partitions: 2 });
const rulesStream = new LogTableStream({ pool: pools.rules, partitions: 2 });
const work = { records: 0, deadLetters: 0, results: 0, failedLookUps: 0 };

const { lines } = generate({ seed: 7, events: runs * RECORDS_PER_RUN });
for (let run = 1; run <= runs; run++) {
  const { ingested, ruled } = await runJobs(lines.splice(0, RECORDS_PER_RUN));
  work.records += ruled.records;
  work.deadLetters += sum(ingested.deadLetters);
  work.results += sum(ruled.results);
  work.failedLookUps += ruled.failedLookUps;
  await reportRun(run, runs, `${work.records} records, ${work.results} results`);
}
await reportWork(work, onOracle ? await goOn() : []);
// leaked connections would keep the program, as they kept the service
process.exit(0);

async function runJobs(records: string[], lookUp: LookUpAsset = lookUpAsset) {
  const stdin = Readable.from([Buffer.from(`${records.join('\n')}\n`)]);
  const ingested = await scope('ingest', () => runIngest({ pool: pools.ingest, stream, input: '-', stdin }));
  const ruled = await scope('rules', () =>
    runRules({ pool: pools.rules, stream: rulesStream, rules, intel, regions: GENERATED_REGIONS, lookUpAsset: lookUp }),
  );
  return { ingested, ruled };
}

/** What came of it in production: a job that waits for a connection in vain, and a service that cannot end. */
async function goOn(): Promise<ProgramError[]> {
  const errors: ProgramError[] = [];
  const note = ({ code }: { code: string }) => void errors.push({ code, time: Date.now() });
  const lookUp: LookUpAsset = async (record, pool) => {
    // the look-ups after one that waited in vain would each wait as long
    if (errors.length > 0) throw new Error('there are no connections');
    return lookUpAsset(record, pool).catch((error) => {
      if (error.code === 'NJS-040') note(error);
      throw error;
    });
  };
  const further = Math.ceil(runs / 2) + 5;
  const { lines: more } = generate({ seed: 8, events: further * RECORDS_PER_RUN });
  for (let run = 1; run <= further && errors.length === 0; run++) {
    await runJobs(more.splice(0, RECORDS_PER_RUN), lookUp).catch((error) => {
      if (errors.length === 0) note(error);
    });
  }
  for (const pool of Object.values(pools)) await pool.close().catch(note);
  return errors;
}

function sum(counts: Record<string, number | undefined>): number {
  return Object.values(counts).reduce<number>((total, count) => total + (count ?? 0), 0);
}
