/**
 * Oracle's side, from its `v$` views. Written from Oracle's documentation and tried on the stand-in only: it has not yet
 * run on a real server. The user needs `SELECT` on `v_$session`, and sees more with the others (docs/oracle.md).
 */
import type { Socket } from 'node:net';
import oracledb from 'oracledb';
import { failureOf } from '../pipeline/store/failure.ts';
import { type OracleAddress, oracleAddress } from '../pipeline/store/oracle-address.ts';
import { logOn } from '../pipeline/store/oracle-logon.ts';
import type { Look, ServerFacts, Session, SessionState } from '../probe/recording/database.ts';
import { mask } from '../probe/recording/mask.ts';
import { sqlShape } from '../probe/recording/sql-shape.ts';
import { Rates } from './rates.ts';
import type { DatabaseSide } from './side.ts';

/** For connecting, and for every answer, milliseconds. */
const LIMIT_MS = 5000;
/** Characters of what a session calls itself. */
const MAX_APPLICATION = 100;

/** What changes slowly, or is told for 15 seconds at a time, is asked so often. */
const SLOW_MS = 5000;

/** ORA-00018 sessions, 00020 processes, 02391 sessions per user; of the listener 12516, 12518, 12519 and 12520. */
const REFUSALS = /\bORA-0*(18|20|2391|12516|12518|12519|12520)\b/;

/** Waiting for the client is no wait of the server's. */
const STATES = `select status, nvl2(taddr, 1, 0) as has_transaction,
    case when state = 'WAITING' and wait_class <> 'Idle' then wait_class end as wait, count(*) as sessions
  from v$session where type = 'USER' and sid <> to_number(sys_context('USERENV', 'SID'))
  group by status, nvl2(taddr, 1, 0), case when state = 'WAITING' and wait_class <> 'Idle' then wait_class end`;

const SESSIONS = `select s.sid, s.serial# as serial, s.machine, s.port, s.program, s.service_name, s.status, s.taddr,
    s.last_call_et, s.logon_time, sysdate as now, s.blocking_session,
    case when s.state = 'WAITING' and s.wait_class <> 'Idle' then s.wait_class || ': ' || s.event end as wait,
    nvl(s.sql_id, s.prev_sql_id) as statement
  from v$session s where s.type = 'USER'
  order by case when s.status = 'ACTIVE' then 0 when s.taddr is not null then 1 else 2 end, s.last_call_et desc`;

const TRANSACTIONS = 'select addr, start_date from v$transaction';
const STATEMENTS =
  'select distinct sql_id, sql_text from v$sql where users_executing > 0 or sql_id in (select prev_sql_id from v$session)';
const LIMITS = `select trim(limit_value) as limit from v$resource_limit where resource_name = 'sessions'`;
const MEMORY = 'select sum(pga_alloc_mem) as bytes from v$process';

/** Per second, over the last 15 or 60 seconds. */
const METRICS = `select metric_name, value, intsize_csec, end_time from v$sysmetric where metric_name in
  ('CPU Usage Per Sec', 'User Commits Per Sec', 'User Rollbacks Per Sec', 'Enqueue Deadlocks Per Sec')`;

interface SessionRow {
  sid: number;
  serial: number;
  machine: string | null;
  port: number | null;
  program: string | null;
  service_name: string | null;
  status: string;
  taddr: string | null;
  last_call_et: number;
  logon_time: Date;
  now: Date;
  blocking_session: number | null;
  wait: string | null;
  statement: string | null;
}

/** What more can be seen with a right that the user may lack. Rights are given on `v_$…`, whose public name is `v$…`. */
const VIEWS = {
  v_$transaction: 'How long transactions are open is not known',
  v_$sql: 'Statements are not shown',
  v_$resource_limit: 'The limit of sessions is not known',
  v_$sysmetric: 'Commits, rollbacks, deadlocks and CPU of the server are not known',
  v_$process: 'Memory of the server is not known',
};
type View = keyof typeof VIEWS;

export class OracleSide implements DatabaseSide {
  readonly kind = 'oracle';
  readonly name: string;
  readonly where: string;
  readonly #address: OracleAddress;
  readonly #rates = new Rates();
  #slowAt = Number.NEGATIVE_INFINITY;
  #memory: number | null = null;
  #connection: oracledb.Connection | null = null;
  #hidden = new Set<View>();
  #own = { sid: -1, machine: null as string | null, address: null as string | null };

  /** Throws `UserError` when `url` names no Oracle. */
  constructor(url: string) {
    this.#address = oracleAddress(url);
    const [where = '', service] = this.#address.connectString.split('/');
    this.name = service ?? 'oracle';
    this.where = service === undefined ? 'ORACLE_CONNECT_STRING' : where;
  }

  async open(): Promise<ServerFacts> {
    const connection = await logOn(this.#address, 'outlive', LIMIT_MS).catch(rethrow);
    this.#connection = connection;
    this.#hidden = new Set();
    const [own] = await this.#rows<{ sid: number }>(`select to_number(sys_context('USERENV', 'SID')) as sid from dual`);
    if (!own) throw new Error('it did not say what it is');
    const [session] = await this.#rows<{ machine: string }>('select machine from v$session where sid = :1', [own.sid]);
    const socket = socketOf(connection);
    this.#own = { ...own, machine: session?.machine ?? null, address: socket?.localAddress ?? null };
    for (const view of Object.keys(VIEWS) as View[])
      await this.#seen(view, `select 1 from ${view.replace('_', '')} where 1 = 0`);
    const [limit] = await this.#seen<{ limit: string }>('v_$resource_limit', LIMITS);
    return {
      version: `Oracle ${connection.oracleServerVersionString}`,
      address: socket ? `${socket.remoteAddress}:${socket.remotePort}` : this.where,
      database: connection.serviceName ?? this.name,
      // UNLIMITED is none
      maxSessions: Number(limit?.limit) || null,
      cores: null,
      missing: [
        ...[...this.#hidden].map((view) => `${VIEWS[view]}: grant SELECT on ${view} to the user that watches.`),
        'Sessions of other machines than this one are not joined with leases: Oracle tells their ports, but not their addresses.',
      ],
    };
  }

  async look(): Promise<Look> {
    const sessions = { active: 0, idle: 0, 'idle in transaction': 0, other: 0 };
    const waits: Record<string, number> = {};
    type Row = { status: string; has_transaction: number; wait: string | null; sessions: number };
    for (const { status, has_transaction, wait, sessions: count } of await this.#rows<Row>(STATES)) {
      sessions[stateOf(status, has_transaction === 1)] += count;
      if (wait !== null) waits[wait] = (waits[wait] ?? 0) + count;
    }
    if (performance.now() - this.#slowAt >= SLOW_MS) {
      this.#slowAt = performance.now();
      this.#rates.add(await this.#seen('v_$sysmetric', METRICS));
      const [memory] = await this.#seen<{ bytes: number | null }>('v_$process', MEMORY);
      this.#memory = memory?.bytes ?? null;
    }
    const total = (metric: string) => Math.round(this.#rates.total(metric) ?? 0);
    const centiseconds = this.#rates.total('CPU Usage Per Sec');
    return {
      sessions,
      waits,
      totals: {
        commits: total('User Commits Per Sec'),
        rollbacks: total('User Rollbacks Per Sec'),
        deadlocks: total('Enqueue Deadlocks Per Sec'),
        lost: 0,
      },
      cpuMs: centiseconds === null ? null : Math.round(centiseconds * 10),
      memoryBytes: this.#memory,
    };
  }

  async sessions(limit: number): Promise<{ sessions: Session[]; omitted: number }> {
    const rows = (await this.#rows<SessionRow>(SESSIONS)).filter(({ sid }) => sid !== this.#own.sid);
    const idOf = new Map(rows.map(({ sid, serial }) => [sid, `${sid},${serial}`]));
    const began = new Map(
      (await this.#seen<{ addr: string; start_date: Date }>('v_$transaction', TRANSACTIONS)).map((row) => [
        row.addr,
        row.start_date,
      ]),
    );
    const texts = new Map(
      (await this.#seen<{ sql_id: string; sql_text: string }>('v_$sql', STATEMENTS)).map((row) => [
        row.sql_id,
        row.sql_text,
      ]),
    );
    const sessions = rows.slice(0, limit).map((row): Session => {
      const since = (moment: Date | undefined) => moment && Math.max(0, row.now.getTime() - moment.getTime());
      const text = row.statement === null ? undefined : texts.get(row.statement);
      return {
        id: `${row.sid},${row.serial}`,
        address: row.machine === this.#own.machine ? this.#own.address : null,
        port: row.port || null,
        connectionId: null,
        application: row.program && mask(row.program, MAX_APPLICATION),
        database: row.service_name,
        state: stateOf(row.status, row.taddr !== null),
        stateMs: row.last_call_et * 1000,
        transactionMs: (row.taddr !== null && since(began.get(row.taddr))) || null,
        ageMs: since(row.logon_time) ?? 0,
        wait: row.wait,
        blockedBy:
          row.blocking_session === null ? [] : [idOf.get(row.blocking_session) ?? String(row.blocking_session)],
        statement: text ? sqlShape(text) : null,
      };
    });
    return { sessions, omitted: rows.length - sessions.length };
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    if (!connection) return;
    // a connection that is half dead would keep its goodbye waiting for ever
    const limit = setTimeout(() => socketOf(connection)?.destroy(), LIMIT_MS);
    await connection.close().catch(() => {});
    clearTimeout(limit);
  }

  isRefusal(error: unknown): boolean {
    return REFUSALS.test(String((error as Error)?.message));
  }

  /** Nothing of a view that the user may not see. */
  async #seen<Row>(view: View, sql: string): Promise<Row[]> {
    if (this.#hidden.has(view)) return [];
    try {
      return await this.#rows<Row>(sql);
    } catch (error) {
      // ORA-00942 and ORA-01031: not granted
      if (![942, 1031].includes((error as oracledb.DBError).errorNum ?? 0)) throw error;
      this.#hidden.add(view);
      return [];
    }
  }

  async #rows<Row>(sql: string, values: oracledb.BindParameters = []): Promise<Row[]> {
    const connection = this.#connection;
    if (!connection) throw new Error('the connection is closed');
    // callTimeout would wait for the server's answer to its break, from a server that may answer nothing
    const limit = setTimeout(() => socketOf(connection)?.destroy(), LIMIT_MS);
    try {
      const { rows } = await connection.execute<Row>(sql, values, {
        outFormat: oracledb.OUT_FORMAT_OBJECT,
        fetchTypeHandler,
      });
      return rows ?? [];
    } catch (error) {
      throw rethrow(error as oracledb.DBError);
    } finally {
      clearTimeout(limit);
    }
  }
}

function fetchTypeHandler(column: oracledb.Metadata<unknown>): undefined {
  column.name = column.name.toLowerCase();
}

/** As one sentence. */
function rethrow(error: oracledb.DBError): never {
  throw Object.assign(new Error(failureOf(error)), { errorNum: error.errorNum });
}

function stateOf(status: string, hasTransaction: boolean): SessionState {
  if (status === 'ACTIVE') return 'active';
  if (status !== 'INACTIVE') return 'other';
  return hasTransaction ? 'idle in transaction' : 'idle';
}

/** In thin mode. */
function socketOf(connection: oracledb.Connection): Socket | undefined {
  const { _impl } = connection as unknown as { _impl?: { nscon?: { ntAdapter?: { stream?: Socket } } } };
  return _impl?.nscon?.ntAdapter?.stream;
}
