/** The server under load: its limits, and what its processes take. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { ServerProcesses } from '../../database/processes.ts';
import { createDatabase, openDatabase } from '../../pipeline/store/database.ts';
import { startPostgres } from '../../pipeline/store/embedded.ts';
import { namesOracle } from '../../pipeline/store/oracle-address.ts';
import { UserError } from '../../user-error.ts';

export interface ServerLimits {
  kind: 'postgresql' | 'oracle';
  /** Sessions for ordinary users. */
  maxSessions: number | null;
  /** How long one phase of a logon may take. */
  logonSeconds: number | null;
}

/** What a scenario wants of a private server. */
export interface ServerWish {
  maxSessions: number;
  logonSeconds: number;
}

export interface LoadServer {
  limits: ServerLimits;
  /** A new, empty database on it. */
  create(name: string): Promise<{ url: string; drop(): Promise<void> }>;
  isPrivate: boolean;
  /** Until it has resolved, a logon may take as long as it likes, where the server is private. */
  withPatience<T>(work: () => Promise<T>): Promise<T>;
  /** In words, for the report. */
  words: string;
  /** Logons that the server says it gave up; null where its log cannot be read. */
  abandonedLogons(): Promise<number | null>;
  stop(): Promise<void>;
}

/** The server of DATABASE_URL with the limits that it has, else a private one with those that are wished for. */
export async function openLoadServer({ maxSessions, logonSeconds }: ServerWish): Promise<LoadServer> {
  if (process.env.DATABASE_URL) {
    const { url, stop } = await openDatabase();
    if (namesOracle(url)) throw new UserError(NO_ORACLE);
    const limits = await limitsOf(url);
    const create = (name: string) => createDatabase(url, name);
    return {
      ...{ limits, create, isPrivate: false, words: wordsOf(limits), stop },
      withPatience: (work) => work(),
      abandonedLogons: async () => null,
    };
  }
  const server = await startPostgres({ maxConnections: maxSessions + RESERVED, settings: { max_wal_size: '1GB' } });
  const { url, stop, logFile } = server;
  try {
    await allowLogons(url, logonSeconds);
    const limits = await limitsOf(url);
    const abandonedLogons = async () =>
      (await readFile(logFile, 'utf8')).split('canceling authentication due to timeout').length - 1;
    const create = (name: string) => createDatabase(url, name);
    const withPatience = async <T>(work: () => Promise<T>) => {
      await allowLogons(url, LONGEST_LOGON_SECONDS);
      return work().finally(() => allowLogons(url, logonSeconds));
    };
    const words = `a private ${wordsOf(limits)}`;
    return { limits, create, isPrivate: true, withPatience, words, abandonedLogons, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves when it is in force for who comes next. */
async function allowLogons(url: string, seconds: number): Promise<void> {
  const inForce = () =>
    withClient(url, async (client) => {
      const { rows } = await client.query(
        `select extract(epoch from current_setting('authentication_timeout')::interval)::int as seconds`,
      );
      return rows[0].seconds === seconds;
    });
  await withClient(url, async (client) => {
    await client.query(`alter system set authentication_timeout = '${seconds}s'`);
    await client.query('select pg_reload_conf()');
  });
  while (!(await inForce())) await delay(20);
}

/** As PostgreSQL has it. */
export const LONGEST_LOGON_SECONDS = 600;

const NO_ORACLE =
  'An overload needs a server of its own or a PostgreSQL: unset DATABASE_URL, or give --database oracle for the stand-in.';

/** For ourselves: what watches the server must get in when nobody else does. */
const RESERVED = 10;

async function limitsOf(url: string): Promise<ServerLimits> {
  return withClient(url, async (client) => {
    const { rows } = await client.query(
      `select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as max,
        extract(epoch from current_setting('authentication_timeout')::interval)::int as seconds,
        (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used`,
    );
    const { max, seconds, used } = rows[0] as { max: number; seconds: number; used: number };
    return { kind: 'postgresql', maxSessions: max - used, logonSeconds: seconds };
  });
}

export function wordsOf({ kind, maxSessions, logonSeconds }: ServerLimits): string {
  const name = kind === 'oracle' ? 'Oracle stand-in' : 'PostgreSQL';
  return `${name} that has ${maxSessions} sessions to give and drops a logon that takes longer than ${logonSeconds} s`;
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'outlive meter' });
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

export interface ServerUse {
  cpuMs: number;
  memoryPeakBytes: number;
}

const SAMPLE_MS = 1000;

/** Measures the processes of a local PostgreSQL between `start` and `stop`. */
export class ServerMeter {
  readonly #processes: ServerProcesses;
  readonly #cpuBefore: number;
  readonly #memoryBefore: number;
  readonly #timer: NodeJS.Timeout;
  #memoryPeak = 0;

  private constructor(processes: ServerProcesses, cpu: number, memory: number) {
    this.#processes = processes;
    this.#cpuBefore = cpu;
    this.#memoryBefore = memory;
    this.#timer = setInterval(() => this.look(), SAMPLE_MS).unref(); // a soak that is aborted forgets it
  }

  /** Null when the server is elsewhere. */
  static async start(url: string): Promise<ServerMeter | null> {
    if (namesOracle(url)) return null;
    const processes = await withClient(url, async (client) => {
      const { rows } = await client.query('select pg_backend_pid() as pid, inet_client_port() as port');
      return ServerProcesses.ofBackend(rows[0].pid, rows[0].port);
    });
    const before = processes?.usage(true);
    return processes && before ? new ServerMeter(processes, before.cpuMs, before.memoryBytes) : null;
  }

  /** Beyond what the server took at the start. Null when it is gone. */
  stop(): ServerUse | null {
    clearInterval(this.#timer);
    const usage = this.look();
    return usage && { cpuMs: usage.cpuMs - this.#cpuBefore, memoryPeakBytes: this.#memoryPeak };
  }

  /** Null when the server is gone. */
  look() {
    const usage = this.#processes.usage(true);
    if (usage) this.#memoryPeak = Math.max(this.#memoryPeak, usage.memoryBytes - this.#memoryBefore);
    return usage;
  }
}
