/** `npm run pipeline`: the whole reference workload in one process. */
import { parseArgs } from 'node:util';
import { UserError } from '../user-error.ts';
import { BUNDLED_INTEL, BUNDLED_RULES } from './bundled.ts';
import { Cluster, JobFailed } from './cluster/cluster.ts';
import { runPipelineOn } from './cluster/run-pipeline.ts';
import {
  DEFAULT_CONNECTIONS,
  POOL_LIBRARIES,
  POOL_MODELS,
  type PoolLibrary,
  type PoolModel,
} from './connections/settings.ts';
import { followPipeline } from './follow.ts';
import { loadIntel } from './jobs/intel-files.ts';
import { loadRules } from './jobs/rule-set.ts';
import { createTables } from './jobs/tables.ts';
import { patience } from './patience.ts';
import { type JobName, type PipelineCounts, type PipelineOptions, runPipeline, trimAll } from './pipeline.ts';
import { mustExist } from './records/files.ts';
import { DEFAULT_REGION, isRegion, loadRegions, REGION_RULE, type Region, Regions } from './sinks/regions.ts';
import { Sink } from './sinks/sink.ts';
import { openDatabase, openPool } from './store/database.ts';
import { failureOf, isDatabaseFailure } from './store/failure.ts';
import { prepareSchema } from './store/schema.ts';
import { openStream } from './streams/open.ts';
import { StreamFailure } from './streams/stream.ts';
import { summary } from './summary.ts';

const HELP = `Usage: npm run pipeline -- --input DIR|FILE|- [options]

Reads CloudTrail, OCI Audit and resource records, evaluates rules and threat intelligence over them, delivers the
results to each tenant's reporting region and correlates them into insights.

  --input DIR|FILE|-   .json, .jsonl, .ndjson, .log, their .gz, names without an ending; - is standard input,
                       which, unlike files, is not resumable: a run that was stopped has to be given all of it again
  --intel FILE         addresses, networks, domains and hashes, one a line, or a MISP list or event; repeatable, read
                       again when it changes (default: the bundled example)
  --rules DIR          YAML rules, ours or Sigma's for CloudTrail; repeatable (default: the bundled ones)
  --replay             try the dead letters again instead of reading an input; needs --database
  --tenants FILE       YAML: "default: REGION", "tenants: {TENANT: REGION}" (default: all in us);
                       regions are those that it names
  --database URL       PostgreSQL or Oracle to work in and to continue in, postgres://… or oracle://…; "oracle" is the
                       one that ORACLE_CONNECT_STRING, ORACLE_USER and ORACLE_PASSWORD name (default: DATABASE_URL,
                       else a private PostgreSQL that is removed at the end)
  --sink REGION=URL    database of a reporting region's sink (default: --database); repeatable
  --task-managers N    run on N processes, each with --slots lanes of work; one that dies is started anew, and nothing
                       is lost or done twice (default: all in this process)
  --slots N            lanes of each task manager (default 2)
  --pool-model MODEL   ${POOL_MODELS.join(', ')}: who shares a pool in a task manager (default per-job)
  --pool-library NAME  ${POOL_LIBRARIES.join(' or ')} (default driver: the one that the database's driver has)
  --stream URL         nats://HOST:PORT[/NAME][?replicas=N]: NATS JetStream carries what the jobs give each other, also
                       to jobs on other machines with the same database (default: tables of the database)
  --follow             go on for ever, with what comes into the folder, what grows, each line of standard input; without
                       --input with what others publish on the stream
  --keep HOURS         how long the stream keeps what all of its readers have read (default 168)
  --keep-records       publish the records that no rule can match as well, for other readers
  --patience SECONDS   how long a database or stream may be away before the run ends (default 0; with --follow no limit)
  --json               the counts as JSON on standard output
  --help

Exit status: 0 done, 1 the database failed, 2 wrong use or unusable input, 130 stopped by Ctrl-C; all that was done is kept with --database.
`;

interface Settings {
  /** Null: what others publish, or, to be tried again, the dead letters. */
  input: string | null;
  intel: string[];
  rules: string[];
  tenants: string | undefined;
  database: string | undefined;
  sinks: Map<Region, string>;
  json: boolean;
  stream: string | undefined;
  follow: boolean;
  keepRecords: boolean;
  /** Milliseconds. */
  keepFor: number;
  patience: number;
  /** Null: all in this process. */
  cluster: { taskManagers: number; slots: number; model: PoolModel; library: PoolLibrary } | null;
}

const PARTITIONS = 4;

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
      const { stream, close } = await openStream({ url: settings.stream, pool, partitions: PARTITIONS });
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
  { input, rules, intel, tenants, stream, keepRecords }: Settings,
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
      ...{ input: input!, rules, intel, tenants, stream, keepRecords, partitions: PARTITIONS },
      sinks: sinks.map(([region, own]) => [region, own ?? url]),
      parallelism: taskManagers * slots,
    });
  } finally {
    signal.removeEventListener('abort', stop);
    await cluster.stop();
  }
}

/** Null when help is asked for. */
function settingsFrom(args: string[]): Settings | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    ...{ input: text, tenants: text, database: text },
    intel: { type: 'string', multiple: true },
    rules: { type: 'string', multiple: true },
    sink: { type: 'string', multiple: true },
    ...{ stream: text, keep: text, patience: text },
    ...{ follow: flag, replay: flag, 'keep-records': flag },
    ...{ 'task-managers': text, slots: text, 'pool-model': text, 'pool-library': text },
    ...{ json: flag, help: flag },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    values = parseArgs({ args, options }).values;
  } catch (error) {
    throw new UserError(`${(error as Error).message.split('. ')[0]}; --help lists the options.`);
  }
  if (values.help) return null;
  const follow = values.follow ?? false;
  if (values.replay) refuseWithReplay(values);
  else if (!values.input && !(follow && values.stream))
    throw new UserError('What should be read? Give --input DIR, FILE or -; --help lists the options.');
  return {
    input: values.input ?? null,
    follow,
    stream: values.stream,
    keepRecords: values['keep-records'] ?? false,
    keepFor: 3_600_000 * numberFrom('keep', values.keep ?? '168', 1_000_000),
    patience: values.patience === undefined ? (follow ? Number.POSITIVE_INFINITY : 0) : patienceFrom(values.patience),
    intel: values.intel ?? [BUNDLED_INTEL],
    rules: values.rules ?? [BUNDLED_RULES],
    tenants: values.tenants,
    database: values.database,
    sinks: new Map((values.sink ?? []).map(sinkFrom)),
    json: values.json ?? false,
    cluster: clusterFrom(values),
  };
}

function refuseWithReplay(values: Record<string, unknown>): void {
  const other = ['input', 'task-managers', 'follow'].find((name) => values[name] !== undefined);
  if (other) throw new UserError(`--replay reads the dead letters, so --${other} cannot be given with it.`);
  if (!values.database && !process.env.DATABASE_URL)
    throw new UserError('--replay needs --database, where the dead letters are.');
}

function clusterFrom(values: Record<string, unknown>): Settings['cluster'] {
  const taskManagers = values['task-managers'];
  const others = ['slots', 'pool-model', 'pool-library'].find((name) => values[name] !== undefined);
  if (taskManagers === undefined) {
    if (others) throw new UserError(`--${others} is for --task-managers N, which is not given.`);
    return null;
  }
  if (values.follow) throw new UserError('--follow is for one process, and --task-managers for a run that ends.');
  if (values.input === '-') throw new UserError('--task-managers needs files: standard input is read by one process.');
  return {
    taskManagers: numberFrom('task-managers', taskManagers, 32),
    slots: numberFrom('slots', values.slots ?? '2', 256),
    model: wordFrom('pool-model', values['pool-model'] ?? 'per-job', POOL_MODELS),
    library: wordFrom('pool-library', values['pool-library'] ?? 'driver', POOL_LIBRARIES),
  };
}

function numberFrom(option: string, value: unknown, max: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  throw new UserError(`--${option} must be a whole number from 1 to ${max}, not "${value}".`);
}

function patienceFrom(value: string): number {
  return value === '0' ? 0 : 1_000 * numberFrom('patience', value, 1_000_000);
}

function wordFrom<T extends string>(option: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  throw new UserError(`--${option} must be one of ${allowed.join(', ')}, not "${value}".`);
}

function sinkFrom(text: string): [Region, string] {
  const [region, ...url] = text.split('=');
  if (!isRegion(region) || url.length === 0) {
    throw new UserError(`--sink ${text}: needs REGION=URL, and the name of a region is ${REGION_RULE}.`);
  }
  return [region, url.join('=')];
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

/** Words for what failed, where that may come back. */
function outageOf(error: unknown): string | null {
  if (error instanceof StreamFailure) return `The stream failed: ${error.message}`;
  return isDatabaseFailure(error) ? `The database failed: ${failureOf(error)}` : null;
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
