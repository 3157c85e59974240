/** The listener, its sessions, their limits, and the database behind them. */
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { DatabaseUnavailable } from '../pipeline/store/store.ts';
import { UserError } from '../user-error.ts';
import { Backend } from './backend/backend.ts';
import { Catalogue } from './calls/catalogue.ts';
import { type OracleError, oracleError } from './errors.ts';
import { Faults } from './faults.ts';
import type { Host } from './host.ts';
import { Verifier } from './logon/verifiers.ts';
import { type Counted, Metrics } from './metrics.ts';
import type { Settings } from './options.ts';
import { Session } from './session.ts';
import { installation } from './sql/library.ts';
import type { ViewName } from './sql/views.ts';
import { viewRows } from './views.ts';
import type { ConnectData } from './wire/connect.ts';
import { offsetText } from './wire/times.ts';

/** Sessions of Oracle's own begin with 1. */
const FIRST_SID = 100;

export class StandInServer implements Host {
  readonly settings: Settings;
  readonly verifier: Verifier;
  readonly faults = new Faults();
  readonly catalogue = new Catalogue();
  readonly metrics = new Metrics();
  readonly started = new Date();
  /** Every socket that is open, logged on or not. */
  readonly sessions = new Set<Session>();
  readonly log: (sentence: string) => void;
  readonly #url: string;
  readonly #backlog: number | undefined;
  readonly #admin: pg.Pool;
  readonly #admitted = new Set<Session>();
  readonly #serials = new Map<number, number>();
  readonly #freeSids: number[] = [];
  #nextSid = FIRST_SID;
  #server: Server | null = null;
  #port = 0;

  constructor(settings: Settings, url: string, log: (sentence: string) => void, backlog: number | undefined) {
    this.settings = settings;
    this.log = log;
    this.#url = url;
    this.#backlog = backlog;
    this.verifier = new Verifier(settings.password, settings.verifier, settings.verifierRounds);
    this.#admin = new pg.Pool({ connectionString: url, max: 2, application_name: 'oracle stand-in' });
    this.#admin.on('error', () => {});
  }

  get port(): number {
    return this.#port;
  }

  /** Throws `UserError`. */
  async start(): Promise<void> {
    try {
      await this.#admin.query(installation());
    } catch (error) {
      throw new DatabaseUnavailable(`Cannot use the database behind the stand-in: ${reasonOf(error)}.`, {
        cause: error,
      });
    }
    try {
      await this.listen(this.settings.port);
    } catch (error) {
      const { host, port } = this.settings;
      throw new UserError(`The stand-in cannot listen on ${host}:${port}: ${reasonOf(error)}.`, { cause: error });
    }
  }

  /** Begins to accept, or does so again on the same port. */
  async listen(port: number = this.#port): Promise<void> {
    if (this.#server) return;
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host: this.settings.host, ...(this.#backlog && { backlog: this.#backlog }) }, resolve);
    });
    server.on('error', (error) => this.log(`The listener failed: ${error.message}.`));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** New connections are refused by the kernel: what a client calls ORA-12541. Sessions stay. */
  mute(): void {
    this.#server?.close();
    this.#server = null;
  }

  #accept(socket: Socket): void {
    const sid = this.#freeSids.shift() ?? this.#nextSid++;
    const serial = (this.#serials.get(sid) ?? 0) + 1;
    this.#serials.set(sid, serial);
    const session = new Session(sid, serial, socket, this);
    this.sessions.add(session);
    this.metrics.peak('processes', this.sessions.size);
  }

  refusal({ service, sid, server }: ConnectData): number | null {
    const same = (name: string) => name.toUpperCase() === this.settings.service.toUpperCase();
    if (sid !== null && !same(sid)) return 12505;
    if (sid === null && (service === null || !same(service))) return 12514;
    if (this.sessions.size > this.settings.processes) return server === 'DEDICATED' ? 12520 : 12516;
    return null;
  }

  admit(session: Session): OracleError | null {
    if (this.#admitted.size >= this.settings.sessions) return oracleError(18);
    if (this.#admitted.size >= this.settings.sessionsPerUser) return oracleError(2391);
    this.#admitted.add(session);
    session.logon.sid = session.sid;
    session.logon.serial = session.serial;
    this.metrics.peak('sessions', this.#admitted.size);
    return null;
  }

  forget(session: Session): void {
    this.#admitted.delete(session);
    if (session.state === 'ended' && this.sessions.delete(session)) this.#freeSids.push(session.sid);
  }

  openBackend(session: Session, onLost: (error: Error) => void): Promise<Backend> {
    const user = this.settings.user.toUpperCase();
    const context = {
      sid: String(session.sid),
      sessionid: String(session.sid),
      session_user: user,
      current_user: user,
      current_schema: user,
      service_name: this.settings.service,
      instance_name: 'standin',
      db_name: this.settings.service,
      host: session.logon.values.get('AUTH_MACHINE') ?? '',
      os_user: session.logon.values.get('AUTH_SID') ?? '',
      sessiontimezone: offsetText(session.logon.timeZone),
    };
    const program = session.logon.values.get('AUTH_PROGRAM_NM') ?? 'oracledb';
    return Backend.open({ url: this.#url, program, timeZone: session.logon.timeZone, context }, onLost);
  }

  async cancel(pid: number): Promise<void> {
    await this.#admin.query('select pg_cancel_backend($1)', [pid]).catch(() => {});
  }

  async terminate(pid: number): Promise<void> {
    await this.#admin.query('select pg_terminate_backend($1)', [pid]).catch(() => {});
  }

  get admitted(): readonly Session[] {
    return [...this.#admitted];
  }

  kill(sid: number, serial: number | null, disconnect: boolean, by: Session | null): void {
    const session = this.admitted.find((one) => one.sid === sid && (serial === null || one.serial === serial));
    if (!session || session.state === 'killed') throw oracleError(30);
    if (session === by) throw oracleError(27);
    session.kill(disconnect);
  }

  counted(what: Counted): void {
    this.metrics.count(what);
  }

  view(name: ViewName, session: Session): string {
    return JSON.stringify(viewRows(name, this, session));
  }

  async stop(): Promise<void> {
    this.mute();
    const ends = [...this.sessions].map((session) => {
      session.drop('reset');
      return session.end();
    });
    await Promise.all(ends);
    this.metrics.stop();
    await this.#admin.end();
  }
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'this user may not listen on that port',
  EADDRNOTAVAIL: 'this machine has no such address',
  ECONNREFUSED: 'nothing listens there',
};

function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}
