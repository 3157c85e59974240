/** What `npm run pipeline` may be told on its command line. */
import { UserError } from '../user-error.ts';
import { BUNDLED_INTEL, BUNDLED_RULES } from './bundled.ts';
import { POOL_LIBRARIES, POOL_MODELS, type PoolLibrary, type PoolModel } from './connections/settings.ts';
import { numberFrom, optionsFrom } from './options.ts';
import { isRegion, REGION_RULE, type Region } from './sinks/regions.ts';

export const HELP = `Usage: npm run pipeline -- --input DIR|FILE|- [options]

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
  --partitions N       lanes that each topic is written in, and so how many read it at a time (default 4, with
                       --task-managers as many as there are slots)
  --keep HOURS         how long the stream keeps what all of its readers have read (default 168)
  --keep-records       publish the records that no rule can match as well, for other readers
  --patience SECONDS   how long a database or stream may be away before the run ends (default 0; with --follow no limit)
  --json               the counts as JSON on standard output
  --help

Exit status: 0 done, 1 the database failed, 2 wrong use or unusable input, 130 stopped by Ctrl-C; all that was done is kept with --database.
`;

export interface Settings {
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
  partitions: number;
  keepRecords: boolean;
  /** Milliseconds. */
  keepFor: number;
  patience: number;
  /** Null: all in this process. */
  cluster: { taskManagers: number; slots: number; model: PoolModel; library: PoolLibrary } | null;
}

const FEWEST_PARTITIONS = 4;
const MOST_PARTITIONS = 8_192; // 32 task managers with 256 slots each

/** Of the command line; null when help is asked for. Throws `UserError` for what cannot be. */
export function settingsFrom(args: string[]): Settings | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    ...{ input: text, tenants: text, database: text },
    intel: { type: 'string', multiple: true },
    rules: { type: 'string', multiple: true },
    sink: { type: 'string', multiple: true },
    ...{ stream: text, partitions: text, keep: text, patience: text },
    ...{ follow: flag, replay: flag, 'keep-records': flag },
    ...{ 'task-managers': text, slots: text, 'pool-model': text, 'pool-library': text },
    ...{ json: flag, help: flag },
  } as const;
  const values = optionsFrom(args, options);
  if (values.help) return null;
  const follow = values.follow ?? false;
  if (values.replay) refuseWithReplay(values);
  else if (!values.input && !(follow && values.stream))
    throw new UserError('What should be read? Give --input DIR, FILE or -; --help lists the options.');
  const cluster = clusterFrom(values);
  return {
    input: values.input ?? null,
    follow,
    stream: values.stream,
    partitions: partitionsFrom(values.partitions, cluster),
    keepRecords: values['keep-records'] ?? false,
    keepFor: 3_600_000 * numberFrom('keep', values.keep ?? '168', 1, 1_000_000),
    patience: patienceFrom(values.patience, follow),
    intel: values.intel ?? [BUNDLED_INTEL],
    rules: values.rules ?? [BUNDLED_RULES],
    tenants: values.tenants,
    database: values.database,
    sinks: new Map((values.sink ?? []).map(sinkFrom)),
    json: values.json ?? false,
    cluster,
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
    taskManagers: numberFrom('task-managers', String(taskManagers), 1, 32),
    slots: numberFrom('slots', String(values.slots ?? '2'), 1, 256),
    model: wordFrom('pool-model', values['pool-model'] ?? 'per-job', POOL_MODELS),
    library: wordFrom('pool-library', values['pool-library'] ?? 'driver', POOL_LIBRARIES),
  };
}

/** On a cluster as many as there are slots, so that each has work. */
function partitionsFrom(value: string | undefined, cluster: Settings['cluster']): number {
  if (value !== undefined) return numberFrom('partitions', value, 1, MOST_PARTITIONS);
  return Math.max(FEWEST_PARTITIONS, cluster ? cluster.taskManagers * cluster.slots : 0);
}

function patienceFrom(value: string | undefined, follow: boolean): number {
  if (value !== undefined) return 1_000 * numberFrom('patience', value, 0, 1_000_000);
  return follow ? Number.POSITIVE_INFINITY : 0;
}

function wordFrom<T extends string>(option: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  throw new UserError(`--${option} must be one of ${allowed.join(', ')}, not "${value}".`);
}

function sinkFrom(text: string): [Region, string] {
  const [region, ...url] = text.split('=');
  if (!isRegion(region) || url.length === 0) {
    throw new UserError(`--sink needs REGION=URL, and the name of a region is ${REGION_RULE}.`);
  }
  return [region, url.join('=')];
}
