/** PostgreSQL's side. What it may see is what its user may see: a member of `pg_monitor` sees all sessions. */
import { availableParallelism } from 'node:os';
import pg from 'pg';
import type { Look, ServerFacts, Session, SessionState } from '../probe/recording/database.ts';
import { mask } from '../probe/recording/mask.ts';
import { sqlShape } from '../probe/recording/sql-shape.ts';
import { ServerProcesses } from './processes.ts';
import type { DatabaseSide } from './side.ts';

/** For connecting, and for every answer, milliseconds. */
const LIMIT_MS = 5000;
/** Characters of what a session calls itself. */
const MAX_APPLICATION = 100;

/** 53300: too many connections. */
const REFUSALS = new Set(['53300', '53400']);

const FACTS = `select split_part(current_setting('server_version'), ' ', 1) as version,
  current_setting('max_connections')::int as "maxSessions", pg_backend_pid() as pid, current_database() as database,
  pg_has_role(current_user, 'pg_monitor', 'usage') as "seesAll"`;

/** Of every user; waiting for the client is no wait of the server's. */
const STATES = `select state, nullif(wait_event_type, 'Client') as wait, count(*)::int as count from pg_stat_activity
  where backend_type = 'client backend' and pid <> pg_backend_pid() group by 1, 2`;

const TOTALS = `select xact_commit::float8 as commits, xact_rollback::float8 as rollbacks, deadlocks::float8 as deadlocks,
  coalesce((to_jsonb(d) ->> 'sessions_abandoned')::float8 + (to_jsonb(d) ->> 'sessions_fatal')::float8
    + (to_jsonb(d) ->> 'sessions_killed')::float8, 0) as lost
  from pg_stat_database d where datname = current_database()`;

/** pg_blocking_pids stops the lock manager for a moment: it is asked only for those that wait for a lock. */
const SESSIONS = `select pid, host(client_addr) as address, client_port as port, application_name as application,
  datname as database, state, wait_event_type as "waitType", wait_event as "waitEvent", left(query, 2000) as query,
  extract(epoch from clock_timestamp() - coalesce(state_change, backend_start)) * 1000 as "stateMs",
  extract(epoch from clock_timestamp() - xact_start) * 1000 as "transactionMs",
  extract(epoch from clock_timestamp() - backend_start) * 1000 as "ageMs",
  case when wait_event_type = 'Lock' then pg_blocking_pids(pid) else '{}' end as "blockedBy", count(*) over ()::int as total,
  coalesce(locks, 0)::int as locks from pg_stat_activity
  left join (select pid as owner, count(*) as locks from pg_locks where locktype = 'advisory' and granted group by pid) l
    on owner = pid
  where backend_type = 'client backend' and pid <> pg_backend_pid()
  order by state is not distinct from 'idle', coalesce(xact_start, state_change) limit $1`;

const PREPARED = `select count(*)::int as count,
  coalesce(extract(epoch from clock_timestamp() - min(prepared)) * 1000, 0)::float8 as "oldestMs" from pg_prepared_xacts`;

const STATE_OF: Record<string, SessionState> = {
  active: 'active',
  idle: 'idle',
  'idle in transaction': 'idle in transaction',
  'idle in transaction (aborted)': 'idle in transaction',
  'fastpath function call': 'active',
};

interface SessionRow extends Record<'stateMs' | 'transactionMs' | 'ageMs', string | null> {
  pid: number;
  address: string | null;
  port: number | null;
  application: string;
  database: string | null;
  state: string | null;
  waitType: string | null;
  waitEvent: string | null;
  query: string | null;
  blockedBy: number[];
  locks: number;
  total: number;
}

export class PostgresSide implements DatabaseSide {
  readonly kind = 'postgresql';
  readonly name: string;
  readonly where: string;
  readonly #config: pg.ClientConfig;
  #client: pg.Client | null = null;
  /** What ended an idle connection; the next query would only say that there is none. */
  #lostBy: Error | null = null;
  #processes: ServerProcesses | null = null;
  /** Transactions of our own in the server's totals, since it does not count them apart. */
  #own = 0;

  /** Throws when `url` is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE. */
  constructor(url: string) {
    this.#config = {
      connectionString: url,
      application_name: 'outlive',
      connectionTimeoutMillis: LIMIT_MS,
      query_timeout: LIMIT_MS,
    };
    const { database, host, port } = new pg.Client(this.#config);
    this.name = database || 'postgresql';
    this.where = `${host}:${port}`;
  }

  async open(): Promise<ServerFacts> {
    const client = new pg.Client(this.#config);
    this.#client = client;
    this.#lostBy = null;
    client.on('error', (error) => {
      if (client === this.#client) this.#lostBy ??= error;
    });
    await client.connect();
    const [facts] = await this.#rows<{
      version: string;
      maxSessions: number;
      pid: number;
      database: string;
      seesAll: boolean;
    }>(FACTS);
    if (!facts) throw new Error('it did not say what it is');
    const { remoteAddress, remotePort, localPort = 0 } = socketOf(client);
    this.#processes = ServerProcesses.ofBackend(facts.pid, localPort);
    const missing: string[] = [];
    if (!facts.seesAll)
      missing.push('Sessions of other users are counted, but not shown: grant pg_monitor to the user that watches.');
    if (!this.#processes) missing.push('CPU and memory of the server are not known: it runs elsewhere.');
    return {
      version: `PostgreSQL ${facts.version}`,
      address: `${remoteAddress}:${remotePort}`,
      database: facts.database,
      maxSessions: facts.maxSessions,
      cores: this.#processes && availableParallelism(),
      missing,
    };
  }

  async look(): Promise<Look> {
    const sessions = { active: 0, idle: 0, 'idle in transaction': 0, other: 0 };
    const waits: Record<string, number> = {};
    for (const { state, wait, count } of await this.#rows<{ state: string; wait: string | null; count: number }>(
      STATES,
    )) {
      sessions[STATE_OF[state] ?? 'other'] += count;
      if (wait !== null) waits[wait] = (waits[wait] ?? 0) + count;
    }
    const [totals] = await this.#rows<Look['totals']>(TOTALS);
    if (!totals) throw new Error('its statistics are gone');
    const [prepared] = await this.#rows<NonNullable<Look['prepared']>>(PREPARED);
    const usage = this.#processes?.usage();
    return {
      sessions,
      waits,
      ...(prepared && prepared.count > 0 && { prepared }),
      totals: { ...totals, commits: totals.commits - this.#own },
      cpuMs: usage?.cpuMs ?? null,
      memoryBytes: usage?.memoryBytes ?? null,
    };
  }

  async sessions(limit: number): Promise<{ sessions: Session[]; omitted: number }> {
    const rows = await this.#rows<SessionRow>(SESSIONS, [limit]);
    return { sessions: rows.map(sessionOf), omitted: (rows[0]?.total ?? 0) - rows.length };
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    if (!client) return;
    // a connection that is half dead would keep its goodbye waiting for ever
    const limit = setTimeout(() => socketOf(client).destroy(), LIMIT_MS);
    await client.end().catch(() => {});
    clearTimeout(limit);
  }

  isRefusal(error: unknown): boolean {
    return REFUSALS.has(String((error as { code?: unknown })?.code));
  }

  async #rows<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    if (!this.#client) throw new Error('the connection is closed');
    if (this.#lostBy) throw this.#lostBy;
    this.#own++;
    return (await this.#client.query<Row>(sql, values)).rows;
  }
}

function sessionOf(row: SessionRow): Session {
  const { pid, address, port, application, database, state, waitType, waitEvent, blockedBy } = row;
  return {
    id: String(pid),
    address,
    port: port !== null && port > 0 ? port : null,
    connectionId: String(pid),
    application: application ? mask(application, MAX_APPLICATION) : null,
    database,
    state: STATE_OF[state ?? ''] ?? 'other',
    stateMs: Math.max(0, Math.round(Number(row.stateMs))),
    transactionMs: row.transactionMs === null ? null : Math.max(0, Math.round(Number(row.transactionMs))),
    ageMs: Math.max(0, Math.round(Number(row.ageMs))),
    wait: waitType === null || waitType === 'Client' ? null : `${waitType}: ${waitEvent}`,
    blockedBy: blockedBy.map(String),
    statement: row.query ? sqlShape(row.query) : null,
    ...(row.locks > 0 && { locks: row.locks }),
  };
}

function socketOf(client: pg.Client): import('node:net').Socket {
  return (client as unknown as { connection: { stream: import('node:net').Socket } }).connection.stream;
}
