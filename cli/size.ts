import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Measured, parsePoints } from '../reports/sizing/points.ts';
import { renderSizing } from '../reports/sizing/terminal.ts';
import type { Topology } from '../reports/sizing/topology.ts';
import { UserError } from '../user-error.ts';
import { databaseUrls } from './database.ts';
import { Progress } from './progress.ts';
import { EXIT_CLEAN, EXIT_INTERRUPTED, parse, wholeNumber } from './usage.ts';

const HELP = `Usage: outlive size [POINTS] [--measure --database URL] [topology] [--json]

Says how many connections a database serves best, and what each way to share them opens. From a measured sweep it fits
the Universal Scalability Law; for a topology it counts connections against the server's limit, simulates, recommends.

  POINTS                a file of points: CSV "concurrency,throughput", or JSON [{"concurrency": 1, "throughput": 280}, …]
      --measure         make the sweep on a database instead: a select and an upsert a transaction, in a schema of its own
      --database URL    where (or OUTLIVE_DATABASE_URL): postgres://USER:PASSWORD@HOST:PORT/DATABASE
      --levels N,N,…    numbers of connections to measure (default 1,2,4,8,16,32,64)
      --seconds S       how long to measure each (default 3)
      --save FILE       keep what was measured, to be given as POINTS

Topology: any of these asks for it
      --regions N       regions on the one server (default 1)
      --task-managers N processes in each (default 4); --replicas N means the same for an ordinary service
      --jobs N          jobs in each process (default 5; with --replicas 1)
      --slots N         parallel slots of each job (default 30): of a service, requests at a time
      --operations N    connections that a slot wants at a time (default 2; with --replicas 1)
      --pool-max N      most connections of a pool (default 10)
      --pool-min N      connections that a pool opens when it is made (default 0)
      --think-ms N      mean time between two transactions of a slot (default 300)
      --limit N         sessions that the server accepts (default: as measured)

      --json            all of it, on stdout

  outlive size --measure --database "$DATABASE_URL" --save sweep.json
  outlive size sweep.json --regions 30 --task-managers 4 --jobs 5 --slots 30 --pool-max 10 --limit 1000
  outlive size --replicas 12 --slots 50 --pool-max 20 --limit 200

Exit code: 0, 2 wrong use, 130 interrupted.
`;

const OPTIONS = {
  measure: { type: 'boolean' },
  database: { type: 'string' },
  levels: { type: 'string' },
  seconds: { type: 'string' },
  save: { type: 'string' },
  regions: { type: 'string' },
  'task-managers': { type: 'string' },
  replicas: { type: 'string' },
  jobs: { type: 'string' },
  slots: { type: 'string' },
  operations: { type: 'string' },
  'pool-max': { type: 'string' },
  'pool-min': { type: 'string' },
  'think-ms': { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const DEFAULT_LEVELS = '1,2,4,8,16,32,64';
const MOST = 1_000_000;

type Values = Partial<Record<Exclude<keyof typeof OPTIONS, 'measure' | 'json' | 'help'>, string>>;

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse('size', args, OPTIONS);
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT_CLEAN;
  }
  const [file, more] = positionals;
  if (more !== undefined) throw new UserError(`outlive size takes one file of points, not also "${more}".`);
  if (file !== undefined && values.measure) throw new UserError('Give either a file of points or --measure, not both.');
  const topology = topologyOf(values);
  if (file === undefined && !values.measure && !topology) {
    throw new UserError(
      'outlive size needs a file of points, --measure, or a topology such as --replicas 12 --pool-max 20.',
    );
  }
  const limit = values.limit === undefined ? null : wholeNumber('limit', values.limit, 1, MOST);
  const thinkMs = wholeNumber('think-ms', values['think-ms'] ?? '300', 0, MOST);
  // before anything is measured: what it needs is not there for everybody
  const { sizing } = await import('../reports/sizing/size.ts');
  const measured = values.measure ? await measure(values) : file === undefined ? null : parsePoints(read(file), file);
  if (measured === 'interrupted') return EXIT_INTERRUPTED;
  if (measured && values.save !== undefined) save(values.save, measured);
  const result = sizing({ measured, topology, thinkMs, limit });
  process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : renderSizing(result));
  return EXIT_CLEAN;
}

/** Null when none of its options is given. */
function topologyOf(values: Values): Topology | null {
  const names = [
    'regions',
    'task-managers',
    'replicas',
    'jobs',
    'slots',
    'operations',
    'pool-max',
    'pool-min',
  ] as const;
  if (names.every((name) => values[name] === undefined)) return null;
  const isService = values.replicas !== undefined;
  if (isService && values['task-managers'] !== undefined) {
    throw new UserError('--replicas and --task-managers are the same number: give one of them.');
  }
  const whole = (name: (typeof names)[number], fallback: number, least = 1) =>
    wholeNumber(name, values[name] ?? String(fallback), least, MOST);
  const topology = {
    regions: whole('regions', 1),
    taskManagers: isService ? whole('replicas', 1) : whole('task-managers', 4),
    jobs: whole('jobs', isService ? 1 : 5),
    slots: whole('slots', 30),
    operations: whole('operations', isService ? 1 : 2),
    poolMin: whole('pool-min', 0, 0),
    poolMax: whole('pool-max', 10),
  };
  if (topology.poolMin > topology.poolMax) throw new UserError('--pool-min must not be above --pool-max.');
  return topology;
}

async function measure(values: Values): Promise<Measured | 'interrupted'> {
  const [url] = databaseUrls(values.database === undefined ? [] : [values.database]);
  if (url === undefined) throw new UserError('--measure needs --database URL, or OUTLIVE_DATABASE_URL.');
  const levels = (values.levels ?? DEFAULT_LEVELS)
    .split(',')
    .map((level) => wholeNumber('levels', level.trim(), 1, 10_000));
  const seconds = Number(values.seconds ?? '3');
  if (!(seconds >= 0.1 && seconds <= 600)) {
    throw new UserError(`--seconds must be a number from 0.1 to 600, not "${values.seconds}".`);
  }
  const { sweep } = await import('../database/sweep.ts');
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const progress = new Progress(process.stderr);
  try {
    return await sweep({
      ...{ url, seconds, levels: [...new Set(levels)].sort((a, b) => a - b), signal: stopping.signal },
      onProgress: (note, step, of) => progress.show('measuring', step, of, note),
    });
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    return 'interrupted';
  } finally {
    progress.end();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function save(file: string, measured: Measured): void {
  try {
    writeFileSync(path.resolve(file), `${JSON.stringify(measured, null, 2)}\n`);
  } catch (error) {
    throw new UserError(`${file} cannot be written (${(error as NodeJS.ErrnoException).code}).`);
  }
}
