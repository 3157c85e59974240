/**
 * A stand-in for an Oracle database: it speaks enough of Oracle Net and TTC that the unmodified `oracledb` driver logs
 * on over a real socket and works, each session backed by one backend of a PostgreSQL. For tests; it is not Oracle.
 */
import { randomBytes } from 'node:crypto';
import { type EmbeddedPostgres, startPostgres } from '../pipeline/store/embedded.ts';
import type { Fault } from './faults.ts';
import { type OracleStandInOptions, settingsOf } from './options.ts';
import { StandInServer } from './server.ts';

export { type Action, type Fault, parseFault, STAGES, type Stage } from './faults.ts';
export type { OracleStandInOptions } from './options.ts';

export interface StandInSession {
  sid: number;
  serial: number;
  status: 'ACTIVE' | 'INACTIVE' | 'KILLED';
  /** The client's CONNECTION_ID, which is in its error messages and in `connection._impl.nscon.sAtts`. */
  connectionId: string | null;
  /** Of the client's socket. */
  clientPort: number;
  program: string;
  machine: string;
  module: string;
  action: string;
  clientIdentifier: string;
  /** Of the call that runs or ran last. */
  sql: string;
  openCursors: number;
  inTransaction: boolean;
  /** Process id of its PostgreSQL backend. */
  backend: number;
}

export interface OracleStandIn {
  readonly port: number;
  /** `host:port/service` */
  readonly connectString: string;
  readonly user: string;
  readonly password: string;
  /** Sessions that are logged on. */
  sessions(): StandInSession[];
  /** Sockets that are open, logged on or not. */
  connections(): number;
  /** Lets a fault strike from now on; the function that is returned takes it away. Throws `UserError`. */
  fault(fault: Fault): () => void;
  clearFaults(): void;
  /** As ALTER SYSTEM KILL SESSION does, or DISCONNECT SESSION. Throws `OracleError` when there is no such session. */
  kill(sid: number, options?: { disconnect?: boolean }): void;
  /** Closes the socket of every connection, or of one session. */
  drop(how: 'end' | 'reset', sid?: number): void;
  /** Ends a session in band: its next call gets NJS-513 with this number; 12572 makes it unhealthy without an error. */
  control(sid: number, error: number): void;
  /** Nothing listens any more: what a client calls ORA-12541. Sessions stay. */
  stopListening(): void;
  /** On the same port again. */
  listen(): Promise<void>;
  /** Ends every session, the listener, and the database if it is a private one. May be called again. */
  stop(): Promise<void>;
}

/** PostgreSQL's own sessions, those for cancelling, and some that are about to end. */
const SPARE_BACKENDS = 20;

/** Throws `UserError`: wrong options, no database, a port in use. */
export async function startOracleStandIn(options: OracleStandInOptions = {}): Promise<OracleStandIn> {
  const settings = settingsOf(options, randomBytes(9).toString('base64url'));
  const log = options.log ?? (() => {});
  let database: EmbeddedPostgres | null = null;
  if (options.database === undefined) {
    database = await startPostgres({ maxConnections: settings.sessions + SPARE_BACKENDS, fsync: false, log });
  }
  const server = new StandInServer(settings, options.database ?? database!.url, log, options.backlog);
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= server.stop().then(() => database?.stop());
    return stopping;
  };
  try {
    await server.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port: server.port,
    connectString: `${settings.host}:${server.port}/${settings.service}`,
    user: settings.user,
    password: settings.password,
    sessions: () => server.admitted.map(describe),
    connections: () => server.sessions.size,
    fault: (fault) => server.faults.add(fault),
    clearFaults: () => server.faults.clear(),
    kill: (sid, { disconnect = false } = {}) => server.kill(sid, null, disconnect, null),
    drop: (how, sid) => {
      for (const session of server.sessions) if (sid === undefined || session.sid === sid) session.drop(how);
    },
    control: (sid, error) => server.admitted.find((session) => session.sid === sid)?.control(error),
    stopListening: () => server.mute(),
    listen: () => server.listen(),
    stop,
  };
}

function describe(session: StandInServer['admitted'][number]): StandInSession {
  const { values, data } = session.logon;
  return {
    sid: session.sid,
    serial: session.serial,
    status: session.state === 'active' ? 'ACTIVE' : session.state === 'killed' ? 'KILLED' : 'INACTIVE',
    connectionId: data?.connectionId ?? null,
    clientPort: session.clientPort,
    program: values.get('AUTH_PROGRAM_NM') ?? '',
    machine: values.get('AUTH_MACHINE') ?? '',
    module: session.told.module,
    action: session.told.action,
    clientIdentifier: session.told.clientIdentifier,
    sql: session.sql,
    openCursors: session.executor?.cursors.size ?? 0,
    inTransaction: session.inTransaction,
    backend: session.backend?.pid ?? 0,
  };
}
