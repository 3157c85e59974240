/**
 * The dynamic views that a stand-in can fill honestly: rows about itself, given as JSON with each execution, joined
 * with what PostgreSQL knows of the same sessions.
 */

const VARCHAR = 'varchar';
const NUMBER = 'numeric';
const DATE = 'timestamp(0)';

type Columns = Record<string, string>;

const rows = (parameter: string, columns: Columns) =>
  `json_to_recordset(cast(${parameter} as json)) as r(${Object.entries(columns)
    .map(([name, type]) => `"${name}" ${type}`)
    .join(', ')})`;

const view = (name: string, columns: Columns) => (parameter: string) =>
  `${name} as (select * from ${rows(parameter, columns)})`;

const SESSION: Columns = {
  saddr: VARCHAR,
  sid: NUMBER,
  'serial#': NUMBER,
  audsid: NUMBER,
  paddr: VARCHAR,
  'user#': NUMBER,
  username: VARCHAR,
  status: VARCHAR,
  server: VARCHAR,
  schemaname: VARCHAR,
  osuser: VARCHAR,
  process: VARCHAR,
  machine: VARCHAR,
  port: NUMBER,
  terminal: VARCHAR,
  program: VARCHAR,
  type: VARCHAR,
  sql_id: VARCHAR,
  sql_exec_start: DATE,
  prev_sql_id: VARCHAR,
  module: VARCHAR,
  action: VARCHAR,
  client_info: VARCHAR,
  client_identifier: VARCHAR,
  logon_time: DATE,
  last_call_et: NUMBER,
  service_name: VARCHAR,
  taddr: VARCHAR,
};

/** Waits are PostgreSQL's own; a lock has Oracle's name, other events keep theirs. */
function session(parameter: string): string {
  const columns = Object.keys(SESSION)
    .map((name) => `r."${name}"`)
    .join(', ');
  return `v$session as (select ${columns},
    cast(case when r.status <> 'ACTIVE' then 'SQL*Net message from client'
      when a.wait_event_type = 'Lock' then 'enq: TX - row lock contention'
      else coalesce(a.wait_event, 'CPU') end as varchar) as event,
    cast(case when r.status <> 'ACTIVE' then 'Idle' when a.wait_event_type = 'Lock' then 'Application'
      when a.wait_event is null then null else a.wait_event_type end as varchar) as wait_class,
    cast(case when a.wait_event is null then 'WAITED KNOWN TIME' else 'WAITING' end as varchar) as state,
    r.last_call_et as seconds_in_wait, b.sid as blocking_session
    from ${rows(parameter, { ...SESSION, backend: 'integer' })}
    left join pg_stat_activity a on a.pid = r.backend
    left join json_to_recordset(cast(${parameter} as json)) as b(sid numeric, backend integer)
      on a.wait_event_type = 'Lock' and b.backend = (pg_blocking_pids(r.backend))[1])`;
}

/** Since when they are open only PostgreSQL knows. */
function transaction(parameter: string): string {
  return `v$transaction as (select r.addr, r.ses_addr, r.status,
    cast(a.xact_start at time zone 'UTC' as ${DATE}) as start_date
    from ${rows(parameter, { addr: VARCHAR, ses_addr: VARCHAR, status: VARCHAR, backend: 'integer' })}
    left join pg_stat_activity a on a.pid = r.backend)`;
}

export const VIEWS = {
  V$SESSION: session,
  V$PROCESS: view('v$process', {
    addr: VARCHAR,
    pid: NUMBER,
    spid: VARCHAR,
    pname: VARCHAR,
    username: VARCHAR,
    'serial#': NUMBER,
    program: VARCHAR,
    background: VARCHAR,
    pga_alloc_mem: NUMBER,
  }),
  V$RESOURCE_LIMIT: view('v$resource_limit', {
    resource_name: VARCHAR,
    current_utilization: NUMBER,
    max_utilization: NUMBER,
    initial_allocation: VARCHAR,
    limit_value: VARCHAR,
  }),
  V$SYSMETRIC: view('v$sysmetric', {
    begin_time: DATE,
    end_time: DATE,
    intsize_csec: NUMBER,
    group_id: NUMBER,
    metric_id: NUMBER,
    metric_name: VARCHAR,
    value: NUMBER,
    metric_unit: VARCHAR,
  }),
  V$TRANSACTION: transaction,
  V$OPEN_CURSOR: view('v$open_cursor', { sid: NUMBER, user_name: VARCHAR, sql_id: VARCHAR, sql_text: VARCHAR }),
  V$SQL: view('v$sql', { sql_id: VARCHAR, sql_text: VARCHAR, sql_fulltext: VARCHAR, users_executing: NUMBER }),
  V$PARAMETER: view('v$parameter', { name: VARCHAR, value: VARCHAR, description: VARCHAR }),
  V$INSTANCE: view('v$instance', {
    instance_number: NUMBER,
    instance_name: VARCHAR,
    host_name: VARCHAR,
    version: VARCHAR,
    startup_time: DATE,
    status: VARCHAR,
  }),
  V$DATABASE: view('v$database', { dbid: NUMBER, name: VARCHAR, open_mode: VARCHAR }),
  V$VERSION: view('v$version', { banner: VARCHAR, banner_full: VARCHAR, con_id: NUMBER }),
  V$MYSTAT: view('v$mystat', { sid: NUMBER, 'statistic#': NUMBER, value: NUMBER }),
} satisfies Record<string, (parameter: string) => string>;

export type ViewName = keyof typeof VIEWS;
