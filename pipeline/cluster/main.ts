/** `npm run cluster`: the job manager with its task managers, until it is stopped. */
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError } from '../../user-error.ts';
import { DEFAULT_CONNECTIONS } from '../connections/settings.ts';
import { createTables } from '../jobs/tables.ts';
import { numberFrom, optionsFrom } from '../options.ts';
import { DEFAULT_REGION } from '../sinks/regions.ts';
import { openDatabase, openPool } from '../store/database.ts';
import { endSessions } from '../store/end-sessions.ts';
import { failureOf, isDatabaseFailure } from '../store/failure.ts';
import { prepareSchema } from '../store/schema.ts';
import { openStream } from '../streams/open.ts';
import { apiOf } from './api.ts';
import { Cluster } from './cluster.ts';
import { Events } from './events.ts';
import { JobManager } from './job-manager.ts';
import { Leadership } from './leadership.ts';
import { modulesFolder } from './modules-folder.ts';
import { PLANNINGS, type Planning } from './planning/plan.ts';
import { hearThrownLater } from './planning/thrown-later.ts';
import { ISOLATIONS, type Isolation } from './protocol.ts';
import { runTaskManager } from './task-manager-main.ts';
import { lineOfThrown } from './thrown.ts';

const HELP = `Usage: npm run cluster -- [options]
       npm run cluster -- task-manager --url URL [options]

A job manager with a REST API, and task managers that it starts: POST /jobs, GET /jobs, GET /jobs/ID,
PATCH /jobs/ID?mode=cancel, GET /overview, GET /taskmanagers; / is a page to watch it by. See docs/cluster.md.

  --port N             default 8081; 0 is any that is free
  --host HOST          where to listen (default 127.0.0.1); elsewhere than on loopback only with --token
  --token TOKEN        what every request must bear (default: OUTLIVE_CLUSTER_TOKEN, else none)
  --task-managers N    processes to start here (default 2); others may register, see task-manager --help
  --slots N            of each task manager (default 2)
  --heartbeat-timeout N  seconds without an answer until a task manager is called frozen (default 8)
  --database URL       where jobs work and what the job manager knows is kept (default: DATABASE_URL, else a private
                       PostgreSQL that is removed at the end, with all jobs)
  --stream URL         nats://HOST:PORT: NATS JetStream between the jobs (default: a table of the database)
  --modules DIR        take jobs of modules in this folder (default: only the pipeline's own jobs)
  --plan HOW           where a module is loaded to plan it: ${PLANNINGS.join(' or ')} (default worker)
  --isolation HOW      what a task manager loads a job's module into: ${ISOLATIONS.join(', ')} (default worker)
  --job-memory N       megabytes of a job's thread, with --isolation worker (default 256)
  --plan-limit N       seconds that a module may take to be planned (default 5)
  --help

Exit status: 0 stopped by Ctrl-C or SIGTERM, 1 the database failed, 2 wrong use.
`;

const FEWEST_PARTITIONS = 4;
/** Of connections that wait to be taken: thousands of clients may come at once. */
const BACKLOG = 4096;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

interface Settings {
  port: number;
  host: string;
  token: string | null;
  taskManagers: number;
  slots: number;
  database: string | undefined;
  stream: string | undefined;
  modules: string | null;
  planning: Planning;
  planLimitMs: number;
  isolation: Isolation;
  memoryMb: number;
  frozenMs: number;
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args[0] === 'task-manager') {
    await runTaskManager(args.slice(1), say);
    return;
  }
  const settings = settingsFrom(args);
  if (settings === null) {
    process.stdout.write(HELP);
    return;
  }
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  const database = await openDatabase({ url: settings.database, log: say });
  try {
    await lead(settings, database.url, stopped);
  } finally {
    await database.stop();
  }
}

async function lead(settings: Settings, url: string, stopped: Promise<void>): Promise<void> {
  const leadership = await Leadership.take(url);
  try {
    await serve(settings, url, Promise.race([stopped, leadership.lost]));
    if (leadership.isLost)
      throw new UserError('The database ended our session, and another job manager works on it now: this one stopped.');
  } finally {
    await leadership.end();
  }
}

async function serve(settings: Settings, url: string, stopped: Promise<void>): Promise<void> {
  const {
    port,
    host,
    token,
    taskManagers,
    slots,
    frozenMs,
    isolation,
    memoryMb,
    modules,
    planning,
    planLimitMs,
    stream: streamUrl,
  } = settings;
  const events = new Events(say);
  const { log } = events;
  const pool = await openPool({ url, name: 'job-manager', max: 4 });
  try {
    const connection = await pool.acquire();
    await prepareSchema(connection).finally(() => connection.release());
    await createTables(pool);
    const partitions = Math.max(FEWEST_PARTITIONS, taskManagers * slots);
    // each lane opens it anew: better told now that it cannot be used
    const { close } = await openStream({ url: streamUrl, pool, partitions });
    await close();
    const connections = { ...DEFAULT_CONNECTIONS, url, model: 'per-job', library: 'driver' } as const;
    const cluster = await Cluster.start({
      ...{
        taskManagers,
        slots,
        frozenMs,
        isolation,
        memoryMb,
        connections,
        log,
        endSessions: (prefix) => endSessions(pool, prefix),
      },
      modules: modules === null ? null : `${pathToFileURL(modules).href}/`,
    });
    const pipeline = {
      ...{ partitions, rules: null, intel: null },
      ...{ stream: streamUrl, tenants: undefined, sinks: [[DEFAULT_REGION, url] as [string, string]] },
    };
    const opening = JobManager.open({ pool, cluster, pipeline, modules, planning, planLimitMs, log });
    if (planning === 'context')
      hearThrownLater((file, error) => log(`${basename(file)}, planned before, threw: ${lineOfThrown(error)}`));
    const manager = await opening.catch(async (error) => {
      await cluster.stop();
      throw error;
    });
    const api = apiOf({ manager, cluster, token, events: () => events.latest });
    try {
      await api.listen({ port, host, backlog: BACKLOG }).catch((error: NodeJS.ErrnoException) => {
        throw new UserError(`The job manager cannot listen on ${host}:${port} (${error.code}).`, { cause: error });
      });
      const { port: listening } = api.server.address() as { port: number };
      process.stdout.write(`job manager: http://${host.includes(':') ? `[${host}]` : host}:${listening}\n`);
      await stopped;
      say('Stopping: tasks have ten seconds for what they are at. Ctrl-C once more ends all at once.');
    } finally {
      // it is closed when the last task manager has hung up
      await Promise.all([api.close(), manager.stop()]);
    }
  } finally {
    await pool.close();
  }
}

/** Null when help is asked for. */
function settingsFrom(args: string[]): Settings | null {
  const text = { type: 'string' } as const;
  const options = {
    ...{ port: text, host: text, token: text, database: text, stream: text, modules: text, plan: text },
    ...{ 'task-managers': text, slots: text, 'plan-limit': text, 'heartbeat-timeout': text },
    ...{ isolation: text, 'job-memory': text },
    help: { type: 'boolean' },
  } as const;
  const values = optionsFrom(args, options);
  if (values.help) return null;
  const {
    host = '127.0.0.1',
    token = process.env.OUTLIVE_CLUSTER_TOKEN ?? null,
    plan = 'worker',
    isolation = 'worker',
  } = values;
  if (token === '') throw new UserError('--token must not be empty.');
  if (!LOOPBACK.test(host) && token === null)
    throw new UserError(`--host ${host} can be reached from elsewhere: give --token TOKEN as well.`);
  if (!PLANNINGS.includes(plan as Planning))
    throw new UserError(`--plan must be ${PLANNINGS.join(' or ')}, not "${plan}".`);
  if (!ISOLATIONS.includes(isolation as Isolation))
    throw new UserError(`--isolation must be ${ISOLATIONS.join(', ')}, not "${isolation}".`);
  return {
    isolation: isolation as Isolation,
    memoryMb: numberFrom('job-memory', values['job-memory'] ?? '256', 16, 65_536),
    ...{
      host,
      token,
      database: values.database,
      stream: values.stream,
      modules: modulesFolder(values.modules),
      planning: plan as Planning,
    },
    port: numberFrom('port', values.port ?? '8081', 0, 65_535),
    taskManagers: numberFrom('task-managers', values['task-managers'] ?? '2', 0, 32),
    planLimitMs: 1000 * numberFrom('plan-limit', values['plan-limit'] ?? '5', 1, 600),
    frozenMs: 1000 * numberFrom('heartbeat-timeout', values['heartbeat-timeout'] ?? '8', 1, 600),
    slots: numberFrom('slots', values.slots ?? '2', 1, 256),
  };
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

try {
  await main();
} catch (error) {
  if (error instanceof UserError) process.exitCode = 2;
  else if (isDatabaseFailure(error)) process.exitCode = 1;
  else throw error;
  say(error instanceof UserError ? error.message : `The database failed: ${failureOf(error)}.`);
}
