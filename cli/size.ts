import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Measured, parsePoints } from '../reports/sizing/points.ts';
import { renderSizing } from '../reports/sizing/terminal.ts';
import type { Topology } from '../reports/sizing/topology.ts';
import { UserError } from '../user-error.ts';
import { listOf, wholeNumber } from './checks.ts';
import { databaseUrls } from './database.ts';
import { columnOf, glance, helpOf, helpRow, type Options, parse, type Values } from './options.ts';
import { Progress } from './progress.ts';
import { EXIT_CLEAN, EXIT_INTERRUPTED, printHelp } from './usage.ts';

const MOST = 1_000_000;
const count = wholeNumber(1, MOST);

const SWEEP = {
  measure: {
    help: 'measure a database instead: a select and an upsert a transaction, in a schema of its own',
  },
  databaseUrl: {
    value: 'URL',
    help: 'where (or OUTLIVE_DATABASE_URL): postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  },
  levels: {
    value: 'N,N,…',
    default: '1,2,4,8,16,32,64',
    check: listOf(wholeNumber(1, 10_000)),
    help: 'numbers of connections to measure',
  },
  seconds: { value: 'S', default: '3', check: secondsIn, help: 'how long to measure each' },
  save: { value: 'FILE', help: 'keep what was measured, to be given as POINTS' },
} as const satisfies Options;

/** Those without a default depend on each other, see `topologyOf`. */
const TOPOLOGY = {
  regions: { value: 'N', default: '1', check: count, help: 'regions on the one server' },
  taskManagers: { value: 'N', check: count, help: 'processes in each (default 4)' },
  replicas: {
    value: 'N',
    check: count,
    help: 'of an ordinary service, instead of --task-managers',
  },
  jobs: { value: 'N', check: count, help: 'jobs in each process (default 5, with --replicas 1)' },
  slots: {
    value: 'N',
    default: '30',
    check: count,
    help: 'parallel slots of each job, of a service requests at a time',
  },
  operations: {
    value: 'N',
    check: count,
    help: 'connections that a slot wants at a time (default 2, with --replicas 1)',
  },
  poolMax: { value: 'N', default: '10', check: count, help: 'most connections of a pool' },
  poolMin: {
    value: 'N',
    default: '0',
    check: wholeNumber(0, MOST),
    help: 'connections that a pool opens when it is made',
  },
} as const satisfies Options;

const OTHERS = {
  thinkMs: {
    value: 'N',
    default: '300',
    check: wholeNumber(0, MOST),
    help: 'mean time between two transactions of a slot',
  },
  limit: { value: 'N', check: count, help: 'sessions that the server accepts (default: as measured)' },
  json: { help: 'all of it, on stdout' },
} as const satisfies Options;

const OPTIONS = { ...SWEEP, ...TOPOLOGY, ...OTHERS };
const COLUMN = columnOf(OPTIONS);

const HELP = `Usage: outlive size [POINTS] [--measure --database-url URL] [topology] [--json]

Says how many connections a database serves best, and what each way to share them opens. From a measured sweep it fits
the Universal Scalability Law; for a topology it counts connections against the server's limit, simulates, recommends.

${helpRow('  POINTS', 'a file of points: CSV "concurrency,throughput", or JSON [{"concurrency":1,"throughput":280},…]', COLUMN)}
${helpOf(SWEEP, COLUMN)}

Topology: any of these asks for it
${helpOf(TOPOLOGY, COLUMN)}

${helpOf(OTHERS, COLUMN)}

  outlive size --measure --database-url "$DATABASE_URL" --save sweep.json
  outlive size sweep.json --regions 30 --task-managers 4 --jobs 5 --slots 30 --pool-max 10 --limit 1000
  outlive size --replicas 12 --slots 50 --pool-max 20 --limit 200

Exit code: 0, 2 wrong use, 130 interrupted.
`;

export async function main(args: readonly string[]): Promise<number> {
  const given = parse('size', args, OPTIONS);
  if (given === null) return printHelp(HELP);
  const { values, positionals } = given;
  const [file, more] = positionals;
  if (more !== undefined) throw new UserError(`outlive size takes one file of points, not also "${more}".`);
  if (file !== undefined && values.measure) throw new UserError('Give either a file of points or --measure, not both.');
  const topology = Object.keys(TOPOLOGY).some(glance(args, OPTIONS).has) ? topologyOf(values) : null;
  if (file === undefined && !values.measure && !topology) {
    throw new UserError(
      'outlive size needs a file of points, --measure, or a topology such as --replicas 12 --pool-max 20.',
    );
  }
  // before anything is measured: what it needs is not there for everybody
  const { sizing } = await import('../reports/sizing/size.ts');
  const measured = values.measure ? await measure(values) : file === undefined ? null : parsePoints(read(file), file);
  if (measured === 'interrupted') return EXIT_INTERRUPTED;
  if (measured && values.save !== undefined) save(values.save, measured);
  const { thinkMs, limit = null } = values;
  const result = sizing({ measured, topology, thinkMs, limit });
  process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : renderSizing(result));
  return EXIT_CLEAN;
}

function topologyOf({ replicas, taskManagers, jobs, operations, ...others }: Values<typeof TOPOLOGY>): Topology {
  const isService = replicas !== undefined;
  if (isService && taskManagers !== undefined) {
    throw new UserError('--replicas and --task-managers are the same number: give one of them.');
  }
  if (others.poolMin > others.poolMax) throw new UserError('--pool-min must not be above --pool-max.');
  return {
    ...others,
    taskManagers: replicas ?? taskManagers ?? 4,
    jobs: jobs ?? (isService ? 1 : 5),
    operations: operations ?? (isService ? 1 : 2),
  };
}

function secondsIn(text: string, option: string): number {
  const number = Number(text);
  if (number >= 0.1 && number <= 600) return number;
  throw new UserError(`${option} must be a number from 0.1 to 600, not "${text}".`);
}

async function measure({ databaseUrl, levels, seconds }: Values<typeof SWEEP>): Promise<Measured | 'interrupted'> {
  const [url] = databaseUrls(databaseUrl === undefined ? [] : [databaseUrl]);
  if (url === undefined) throw new UserError('--measure needs --database-url URL, or OUTLIVE_DATABASE_URL.');
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
