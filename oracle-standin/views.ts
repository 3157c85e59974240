/** The rows of the stand-in's dynamic views: about itself, and nothing made up. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { StandInServer } from './server.ts';
import type { Session } from './session.ts';
import type { ViewName } from './sql/views.ts';

type Row = Record<string, string | number | null>;

const ALPHABET = '0123456789abcdfghjkmnpqrstuvwxyz';

/** Oracle's: the last 8 bytes of an MD5 of the text, in its own base 32. */
export function sqlId(sql: string): string {
  const digest = createHash('md5').update(`${sql}\0`).digest();
  let number = (BigInt(digest.readUInt32LE(8)) << 32n) + BigInt(digest.readUInt32LE(12));
  let id = '';
  for (let i = 0; i < 13; i++) {
    id = ALPHABET[Number(number & 31n)] + id;
    number >>= 5n;
  }
  return id;
}

/** Bytes of their own that the backend's process has; null where that cannot be seen. */
function privateMemory(pid: number): number | null {
  try {
    const [, kilobytes] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

const time = (date: Date) => date.toISOString().slice(0, 19).replace('T', ' ');
const address = (number: number) => number.toString(16).toUpperCase().padStart(16, '0');
/** Columns of text are filled up to 10 characters in Oracle, on the left. */
const padded = (text: string | number) => String(text).padStart(10);

const STATUS = { logon: 'ACTIVE', active: 'ACTIVE', inactive: 'INACTIVE', killed: 'KILLED', ended: 'KILLED' } as const;

function sessionRow(session: Session, server: StandInServer): Row {
  const { values } = session.logon;
  const user = server.settings.user.toUpperCase();
  const active = session.state === 'active';
  return {
    saddr: address(session.sid),
    sid: session.sid,
    'serial#': session.serial,
    audsid: session.sid,
    paddr: address(session.backend?.pid ?? 0),
    'user#': 1,
    username: user,
    status: STATUS[session.state],
    server: session.logon.data?.server ?? 'DEDICATED',
    schemaname: user,
    osuser: values.get('AUTH_SID') ?? null,
    process: values.get('AUTH_PID') ?? null,
    machine: values.get('AUTH_MACHINE') ?? null,
    port: session.clientPort,
    terminal: values.get('AUTH_TERMINAL') ?? null,
    program: values.get('AUTH_PROGRAM_NM') ?? null,
    type: 'USER',
    sql_id: active && session.sql ? sqlId(session.sql) : null,
    sql_exec_start: active && session.sql ? time(session.lastCall) : null,
    prev_sql_id: !active && session.sql ? sqlId(session.sql) : null,
    module: session.told.module || (values.get('AUTH_PROGRAM_NM') ?? null),
    action: session.told.action || null,
    client_info: session.told.clientInfo || null,
    client_identifier: session.told.clientIdentifier || null,
    logon_time: time(session.connected),
    last_call_et: Math.floor((Date.now() - session.lastCall.getTime()) / 1000),
    service_name: server.settings.service,
    taddr: session.inTransaction ? address(session.sid) : null,
    backend: session.backend?.pid ?? 0,
  };
}

function metricRows(server: StandInServer): Row[] {
  const { begin, end, perSecond } = server.metrics.rates();
  const common = {
    begin_time: time(new Date(begin)),
    end_time: time(new Date(end)),
    intsize_csec: Math.round((end - begin) / 10),
    group_id: 3,
  };
  const row = (metric_id: number, metric_name: string, value: number, metric_unit: string): Row => ({
    ...common,
    metric_id,
    metric_name,
    value,
    metric_unit,
  });
  return [
    row(2003, 'User Transaction Per Sec', perSecond.commits + perSecond.rollbacks, 'Transactions Per Second'),
    row(2022, 'User Commits Per Sec', perSecond.commits, 'Commits Per Second'),
    row(2024, 'User Rollbacks Per Sec', perSecond.rollbacks, 'Rollbacks Per Second'),
    row(2018, 'Logons Per Sec', perSecond.logons, 'Logons Per Second'),
    row(2026, 'User Calls Per Sec', perSecond.calls, 'Calls Per Second'),
    row(2121, 'Executions Per Sec', perSecond.executions, 'Executes Per Second'),
    row(2103, 'Current Logons Count', server.admitted.length, 'Logons'),
    row(2143, 'Session Count', server.admitted.length, 'Sessions'),
  ];
}

const ROWS: Record<ViewName, (server: StandInServer, session: Session) => Row[]> = {
  V$SESSION: (server) => server.admitted.map((session) => sessionRow(session, server)),
  V$PROCESS: (server) =>
    [...server.sessions].map((session) => ({
      addr: address(session.backend?.pid ?? 0),
      pid: session.sid,
      spid: session.backend ? String(session.backend.pid) : null,
      pname: null,
      username: 'oracle',
      'serial#': session.serial,
      program: 'outlive Oracle stand-in',
      background: null,
      pga_alloc_mem: session.backend ? privateMemory(session.backend.pid) : null,
    })),
  V$RESOURCE_LIMIT: (server) => {
    const row = (resource_name: string, current: number, peak: number, limit: number): Row => ({
      resource_name,
      current_utilization: current,
      max_utilization: peak,
      initial_allocation: padded(limit),
      limit_value: padded(limit),
    });
    const { metrics, settings } = server;
    return [
      row('processes', server.sessions.size, metrics.peakOf('processes'), settings.processes),
      row('sessions', server.admitted.length, metrics.peakOf('sessions'), settings.sessions),
    ];
  },
  V$SYSMETRIC: metricRows,
  V$TRANSACTION: (server) =>
    server.admitted
      .filter((session) => session.inTransaction)
      .map((session) => ({
        addr: address(session.sid),
        ses_addr: address(session.sid),
        status: 'ACTIVE',
        backend: session.backend?.pid ?? 0,
      })),
  V$OPEN_CURSOR: (server) =>
    server.admitted.flatMap((session) =>
      [...(session.executor?.cursors.values() ?? [])].map(({ sql }) => ({
        sid: session.sid,
        user_name: server.settings.user.toUpperCase(),
        sql_id: sqlId(sql),
        sql_text: sql.slice(0, 60),
      })),
    ),
  V$SQL: (server) => {
    const texts = new Map<string, number>();
    for (const session of server.admitted) {
      for (const { sql } of session.executor?.cursors.values() ?? []) {
        const executing = session.state === 'active' && session.sql === sql ? 1 : 0;
        texts.set(sql, (texts.get(sql) ?? 0) + executing);
      }
    }
    return [...texts].map(([sql, users_executing]) => ({
      sql_id: sqlId(sql),
      sql_text: sql.slice(0, 1000),
      sql_fulltext: sql,
      users_executing,
    }));
  },
  V$PARAMETER: ({ settings }) => {
    const row = (name: string, value: number | string): Row => ({ name, value: String(value), description: null });
    return [
      row('sessions', settings.sessions),
      row('processes', settings.processes),
      row('open_cursors', settings.openCursors),
    ];
  },
  V$INSTANCE: (server) => [
    {
      instance_number: 1,
      instance_name: 'standin',
      host_name: hostname(),
      version: `${server.settings.release}.0.0.0.0`,
      startup_time: time(server.started),
      status: 'OPEN',
    },
  ],
  V$DATABASE: ({ settings }) => [{ dbid: 1, name: settings.service, open_mode: 'READ WRITE' }],
  V$VERSION: () => [{ banner: BANNER, banner_full: BANNER, con_id: 0 }],
  V$MYSTAT: (_, session) => [{ sid: session.sid, 'statistic#': 0, value: 0 }],
};

const BANNER = 'outlive Oracle stand-in: a test stand-in, not an Oracle Database';

export function viewRows(name: ViewName, server: StandInServer, session: Session): Row[] {
  return ROWS[name](server, session);
}
