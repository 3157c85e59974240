/** Measures a database's throughput over numbers of connections, with the reference transaction, in a schema of its own. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { mask } from '../probe/recording/mask.ts';
import type { Measured, Validation } from '../reports/sizing/points.ts';
import type { System } from '../reports/sizing/simulate.ts';
import { UserError } from '../user-error.ts';

export interface SweepOptions {
  url: string;
  /** Numbers of connections, each measured for `seconds` in all, after a quarter of that as warm-up. */
  levels: readonly number[];
  seconds: number;
  signal: AbortSignal;
  onProgress(note: string, step: number, of: number): void;
}

/** Every level is measured so often, in turn, and its median counts: what else the machine does meets all alike. */
const ROUNDS = 3;
/** Transactions that are waited for at least, and for how long. */
const FEWEST_ENDED = 5;
const PATIENCE_MS = 15_000;
const ROWS = 2000;
const REGIONS = 20;
/** Sessions that are left to others. */
const SPARE = 5;
const CONNECT_LIMIT_MS = 15_000;
/** Above this share of one processor the measuring process may be what limits. */
const BUSY_CLIENT = 0.85;

const SELECT = 'select count(*), max(seen) from outlive_size.insights where region = $1';
const UPSERT = `insert into outlive_size.insights as i (id, region, seen) values ($1, $2, now())
  on conflict (id) do update set hits = i.hits + 1, seen = excluded.seen`;

/** Throws `UserError` when the database cannot be used so, and an `AbortError` after `signal`; removes its schema always. */
export async function sweep(options: SweepOptions): Promise<Measured> {
  const { levels, seconds, signal, onProgress } = options;
  const admin = await connected(options.url);
  try {
    const { limit, free } = await prepare(admin);
    const most = Math.max(...levels);
    if (most > free) {
      throw new UserError(`The server has ${free} sessions left, too few for a level of ${most}: give --levels.`);
    }
    const runs = [...levels.map(alone), ...validationFor(most)].map((system) => ({ system, seen: [] as Outcome[] }));
    const steps = ROUNDS * runs.length;
    const cpu = process.cpuUsage();
    const began = performance.now();
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, { system, seen }] of runs.entries()) {
        onProgress(noteOf(system), round * runs.length + i, steps);
        seen.push(await measure(options.url, system, seconds / ROUNDS, signal));
      }
    }
    const { user, system: kernel } = process.cpuUsage(cpu);
    const share = (user + kernel) / 1000 / (performance.now() - began);
    const middle = ({ seen }: (typeof runs)[number], key: keyof Outcome) => median(seen.map((outcome) => outcome[key]));
    const [swept, validating] = [runs.slice(0, levels.length), runs.slice(levels.length)];
    const measured: Measured = {
      points: swept.map((run) => ({
        concurrency: run.system.connectionsPerPool,
        throughput: middle(run, 'throughput'),
      })),
      validation: validating.map((run) => ({
        system: run.system,
        throughput: middle(run, 'throughput'),
        p50Ms: middle(run, 'p50Ms'),
      })),
      limit,
      notes: [],
    };
    if (share > BUSY_CLIENT) {
      measured.notes.push(
        `The measuring process used ${Math.round(100 * share)} % of a processor: the peak may be its own, not the database's.`,
      );
    }
    onProgress('done', steps, steps);
    return measured;
  } finally {
    await admin.query('drop schema if exists outlive_size cascade').catch(() => {});
    await admin.end().catch(() => {});
  }
}

type Outcome = Omit<Validation, 'system'>;

function alone(level: number): System {
  return { pools: 1, lanesPerPool: level, connectionsPerPool: level, thinkMs: 0 };
}

function noteOf({ pools, lanesPerPool, connectionsPerPool }: System): string {
  return `${pools * lanesPerPool} lanes on ${pools * connectionsPerPool} connections`;
}

/** Lanes that think and share pools, as services do: what the sweep itself never has. */
function validationFor(most: number): System[] {
  const connections = Math.max(2, Math.floor(most / 2));
  const perPool = Math.max(1, Math.floor(connections / 4));
  return [
    { pools: 1, lanesPerPool: connections * 3, connectionsPerPool: connections, thinkMs: 20 },
    { pools: 4, lanesPerPool: perPool * 4, connectionsPerPool: perPool, thinkMs: 10 },
  ];
}

async function connected(url: string): Promise<pg.Client> {
  let where = 'the database';
  try {
    if (!/^postgres(ql)?:\/\//.test(url)) throw new Error('its URL must begin with postgres://');
    const client = new pg.Client({
      connectionString: url,
      application_name: 'outlive size',
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
    });
    where = `the database at ${client.host}:${client.port}`;
    client.on('error', () => {});
    await client.connect();
    return client;
  } catch (error) {
    const first = error instanceof AggregateError ? error.errors[0] : error;
    throw new UserError(`Cannot measure ${where}: ${mask((first as Error).message)}.`, { cause: error });
  }
}

async function prepare(admin: pg.Client): Promise<{ limit: number; free: number }> {
  try {
    await admin.query('drop schema if exists outlive_size cascade');
    await admin.query('create schema outlive_size');
    await admin.query(
      'create table outlive_size.insights (id int primary key, region int not null, hits int not null default 0, seen timestamptz not null default now())',
    );
    await admin.query('create index on outlive_size.insights (region)');
    await admin.query(
      `insert into outlive_size.insights (id, region) select i, i % ${REGIONS} from generate_series(1, ${ROWS}) i`,
    );
    await admin.query('analyze outlive_size.insights');
    const { rows } = await admin.query<{ limit: number; used: number }>(
      `select current_setting('max_connections')::int as limit, count(*)::int as used from pg_stat_activity
        where backend_type = 'client backend'`,
    );
    const { limit = 0, used = 0 } = rows[0] ?? {};
    return { limit, free: limit - used - SPARE };
  } catch (error) {
    throw new UserError(`Cannot prepare the schema outlive_size: ${mask((error as Error).message)}.`, { cause: error });
  }
}

/** All connections are open before anything is counted. */
async function measure(
  url: string,
  { pools, lanesPerPool, connectionsPerPool, thinkMs }: System,
  seconds: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const all = Array.from({ length: pools }, () => new Lent());
  const clients: pg.Client[] = [];
  try {
    for (const pool of all) {
      for (let i = 0; i < connectionsPerPool; i++) {
        signal.throwIfAborted();
        const client = await connected(url);
        clients.push(client);
        pool.give(client);
      }
    }
    const countFrom = performance.now() + 250 * seconds;
    const until = countFrom + 1000 * seconds;
    const latencies: number[] = [];
    // a busy machine may end hardly any in a short time: then it takes as long as a few take
    const isOver = (at: number) => at >= until && (latencies.length >= FEWEST_ENDED || at >= until + PATIENCE_MS);
    let last = until;
    const lane = async (pool: Lent): Promise<void> => {
      while (!isOver(performance.now()) && !signal.aborted) {
        const asked = performance.now();
        const client = await pool.take();
        await transaction(client).finally(() => pool.give(client));
        const ended = performance.now();
        if (ended >= countFrom && !isOver(ended)) {
          latencies.push(ended - asked);
          last = Math.max(until, ended);
        }
        if (thinkMs > 0) await delay(-Math.log(1 - Math.random()) * thinkMs);
      }
    };
    await Promise.all(all.flatMap((pool) => Array.from({ length: lanesPerPool }, () => lane(pool))));
    signal.throwIfAborted();
    if (latencies.length === 0)
      throw new UserError('No transaction ended in the time that was measured: give more --seconds.');
    latencies.sort((a, b) => a - b);
    return { throughput: (1000 * latencies.length) / (last - countFrom), p50Ms: latencies[latencies.length >> 1] ?? 0 };
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
  }
}

/** One aggregate select and one upsert. */
async function transaction(client: pg.Client): Promise<void> {
  const id = 1 + Math.floor(Math.random() * ROWS);
  await client.query('begin');
  await client.query({ name: 'select', text: SELECT, values: [id % REGIONS] });
  await client.query({ name: 'upsert', text: UPSERT, values: [id, id % REGIONS] });
  await client.query('commit');
}

/** Connections that are lent in the order of asking, with nothing else around them. */
class Lent {
  readonly #free: pg.Client[] = [];
  readonly #waiting: ((client: pg.Client) => void)[] = [];
  take(): Promise<pg.Client> {
    const client = this.#free.pop();
    return client ? Promise.resolve(client) : new Promise((resolve) => this.#waiting.push(resolve));
  }
  give(client: pg.Client): void {
    const next = this.#waiting.shift();
    if (next) next(client);
    else this.#free.push(client);
  }
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? 0;
}
