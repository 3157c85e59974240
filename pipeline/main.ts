/** `npm run pipeline`: the whole reference workload in one process. */
import { UserError } from '../user-error.ts';
import { Cluster } from './cluster/cluster.ts';
import { JobFailed } from './cluster/job.ts';
import { runPipelineOn } from './cluster/run-pipeline.ts';
import { DEFAULT_CONNECTIONS } from './connections/settings.ts';
import { followPipeline } from './follow.ts';
import { loadIntel } from './jobs/intel-files.ts';
import { loadRules } from './jobs/rule-set.ts';
import { createTables } from './jobs/tables.ts';
import { outageOf } from './outage.ts';
import { patience } from './patience.ts';
import { type JobName, type PipelineCounts, type PipelineOptions, runPipeline, trimAll } from './pipeline.ts';
import { mustExist } from './records/files.ts';
import { HELP, type Settings, settingsFrom } from './settings.ts';
import { DEFAULT_REGION, loadRegions, type Region, Regions } from './sinks/regions.ts';
import { Sink } from './sinks/sink.ts';
import { openDatabase, openPool } from './store/database.ts';
import { prepareSchema } from './store/schema.ts';
import { openStream } from './streams/open.ts';
import { summary } from './summary.ts';

async function main(): Promise<number> {
  const settings = settingsFrom(process.argv.slice(2));
  if (settings === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const stopping = new AbortController();
  process.once('SIGINT', () => {
    stopping.abort();
    process.stdin.destroy(); // or a run that waits for input would wait on
  });
  const counts = await run(settings, stopping.signal);
  process.stdout.write(settings.json ? `${JSON.stringify(counts, null, 2)}\n` : summary(counts));
  return stopping.signal.aborted ? 130 : 0;
}

async function run(settings: Settings, signal: AbortSignal): Promise<PipelineCounts> {
  if (settings.input !== null && settings.input !== '-') await mustExist(settings.input);
  const rules = await loadRules(...settings.rules);
  if (rules.skipped.length > 0) say(skippedRules(rules.skipped));
  const intel = await loadIntel(...settings.intel);
  const regions = settings.tenants === undefined ? new Regions(DEFAULT_REGION) : await loadRegions(settings.tenants);
  const sinkUrls = sinksOf(regions, settings.sinks);
  const { url, stop } = await openDatabase({ url: settings.database, log: say });
  try {
    const pool = await openPool({ url, name: 'pipeline', max: 8 });
    const sinks = sinkUrls.map(([region, own]) => new Sink({ region, url: own ?? url }));
    try {
      const connection = await pool.acquire();
      await prepareSchema(connection).finally(() => connection.release());
      const { stream, close } = await openStream({ url: settings.stream, pool, partitions: settings.partitions });
      try {
        if (settings.cluster) {
          await createTables(pool);
          const counts = await runClustered(settings, settings.cluster, sinkUrls, url, signal);
          await trimAll({ ...settings, stream });
          return counts;
        }
        return await runHere({ ...settings, pool, stream, rules, intel, regions, sinks, signal });
      } finally {
        await close();
      }
    } finally {
      await Promise.all([pool.close(), ...sinks.map((sink) => sink.close())]);
    }
  } finally {
    await stop();
  }
}

/** In this process: until all is done, or for ever. */
async function runHere(
  settings: Omit<PipelineOptions, 'input' | 'signal'> &
    Pick<Settings, 'input' | 'follow' | 'patience'> & { signal: AbortSignal },
): Promise<PipelineCounts> {
  const { input, signal } = settings;
  const patiently = patience({ limit: settings.patience, outage: outageOf, log: say, signal });
  if (!settings.follow) return patiently(() => runPipeline({ ...settings, input, observe: progress() }));
  say(`Following ${input === '-' ? 'standard input' : (input ?? 'the stream')}; Ctrl-C ends it.`);
  return followPipeline({ ...settings, patiently });
}

async function runClustered(
  { input, rules, intel, tenants, stream, keepRecords, partitions, patience }: Settings,
  { taskManagers, slots, model, library }: NonNullable<Settings['cluster']>,
  sinks: [Region, string | undefined][],
  url: string,
  signal: AbortSignal,
): Promise<PipelineCounts> {
  const connections = { ...DEFAULT_CONNECTIONS, url, model, library };
  const cluster = await Cluster.start({ taskManagers, slots, connections, log: say });
  const stop = () => void cluster.stop();
  signal.addEventListener('abort', stop);
  try {
    return await runPipelineOn(cluster, {
      ...{ input: input!, rules, intel, tenants, stream, keepRecords, partitions },
      patience,
      sinks: sinks.map(([region, own]) => [region, own ?? url]),
      parallelism: taskManagers * slots,
    });
  } finally {
    signal.removeEventListener('abort', stop);
    await cluster.stop();
  }
}

/** Of each region that somebody reports to, the URL of its own database. */
function sinksOf(regions: Regions, urls: ReadonlyMap<Region, string>): [Region, string | undefined][] {
  const unknown = [...urls.keys()].find((region) => !regions.all.includes(region));
  if (unknown) {
    throw new UserError(`--sink ${unknown}: no tenant reports to ${unknown}; there are ${regions.all.join(', ')}.`);
  }
  return regions.all.map((region) => [region, urls.get(region)]);
}

function skippedRules(skipped: readonly string[]): string {
  const more = skipped.length > 3 ? ` And ${skipped.length - 3} more.` : '';
  return `Sigma rules that are not run: ${skipped.length}. ${skipped.slice(0, 3).join(' ')}${more}`;
}

/** On a terminal, one line that counts the batches of the job at work. */
function progress(): (job: JobName, phase: string) => void {
  const batches = new Map<JobName, number>();
  return (job, phase) => {
    if (phase !== 'next-read' || !process.stderr.isTTY) return;
    batches.set(job, (batches.get(job) ?? 0) + 1);
    const text = [...batches].map(([name, done]) => `${name} ${done}`).join(', ');
    process.stderr.write(`\r\x1b[K${text} batches`);
  };
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UserError) {
    say(error.message);
    process.exitCode = 2;
  } else if (outageOf(error) !== null || error instanceof JobFailed) {
    const words = outageOf(error) ?? (error as Error).message;
    say(`${words}. With --database a further run goes on where this one ended.`);
    process.exitCode = 1;
  } else {
    throw error;
  }
} finally {
  if (process.stderr.isTTY) process.stderr.write('\n');
}
