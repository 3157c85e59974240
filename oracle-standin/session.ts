/** One client: its logon, its calls one after the other, breaks between them, and its end. */

import type { Socket } from 'node:net';
import type { Backend } from './backend/backend.ts';
import { CallFailed } from './backend/call.ts';
import { Gateway } from './backend/gateway.ts';
import { Break } from './break.ts';
import { Executor } from './calls/executor.ts';
import { Lobs } from './calls/lobs.ts';
import { Preparer } from './calls/prepare.ts';
import { writeOutcome, writeStatus } from './calls/reply.ts';
import { type EndToEnd, type Piggyback, type Request, readRequest } from './calls/request.ts';
import { asOracleError, OracleError, oracleError } from './errors.ts';
import { type Stage, suffer } from './faults.ts';
import type { Host } from './host.ts';
import { Logon } from './logon/logon.ts';
import { alterSession, setSchema } from './settings.ts';
import { Transport } from './transport.ts';
import { controlPacket, type Packet, refusePacket } from './wire/packets.ts';
import { MalformedPacket } from './wire/reader.ts';
import { Message } from './wire/ttc.ts';
import { Writer } from './wire/writer.ts';

export type SessionState = 'logon' | 'inactive' | 'active' | 'killed' | 'ended';

export class Session {
  readonly sid: number;
  readonly serial: number;
  readonly logon: Logon;
  readonly connected: Date = new Date();
  readonly clientPort: number;
  state: SessionState = 'logon';
  told: Required<EndToEnd> = { clientIdentifier: '', module: '', action: '', clientInfo: '' };
  /** Of the call that runs, or ran last. */
  sql = '';
  lastCall: Date = new Date();
  backend: Backend | null = null;
  executor: Executor | null = null;
  readonly #host: Host;
  readonly #transport: Transport;
  readonly #lobs = new Lobs();
  readonly #queue: Buffer[] = [];
  #gateway: Gateway | null = null;
  #serving: Promise<void> | null = null;
  readonly #break = new Break({
    running: () => this.#serving,
    cancel: async () => {
      if (this.backend) await this.#host.cancel(this.backend.pid);
    },
    settle: async () => {
      await this.#gateway?.guarded([{ kind: 'plain', text: 'select' }]).catch(() => {});
    },
    send: (packet) => this.#transport.send(packet),
    gone: () => this.#isEnded(),
    over: () => {
      this.#fail(oracleError(1013));
      this.#pump();
    },
  });
  /** By ALTER SYSTEM, not by the loss of its backend. */
  #killed = false;
  #ending: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null;

  constructor(sid: number, serial: number, socket: Socket, host: Host) {
    this.sid = sid;
    this.serial = serial;
    this.#host = host;
    this.clientPort = socket.remotePort ?? 0;
    this.logon = new Logon(host.settings, host.verifier);
    this.#timer = setTimeout(() => this.#over('the logon took too long'), host.settings.logonTimeout);
    this.#transport = new Transport(socket, {
      packet: (packet) => void this.#guard(() => this.#connect(packet)),
      request: (payload) => this.#take(payload),
      marker: (kind) => this.#marker(kind),
      endOfFile: () => this.#leave(),
      malformed: (error) => this.#malformed(error),
      closed: () => void this.end(),
    });
    void this.#guard(async () => void (await this.#strike('accept')));
  }

  get inTransaction(): boolean {
    return this.#gateway?.inTransaction ?? false;
  }

  /** Runs what has no call to report to: whatever it throws ends this session. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof MalformedPacket) this.#malformed(error);
      else this.#over(`an error of the stand-in itself: ${(error as Error).stack}`);
    }
  }

  #malformed(error: MalformedPacket): void {
    this.#over(error.message);
  }

  #over(why: string): void {
    if (this.state === 'ended') return;
    this.#host.log(`Session ${this.sid} is closed: ${why}.`);
    this.#transport.destroy();
    void this.end();
  }

  #leave(): void {
    this.#transport.end();
    void this.end();
  }

  /** True when the fault took the place of what would have been done. */
  async #strike(stage: Stage, sql = ''): Promise<boolean> {
    const fault = this.#host.faults.strike(stage, sql);
    if (fault === null) return false;
    if (fault.do === 'refuse') this.#refuse(fault.code);
    else if (fault.do === 'error') this.#fail(oracleError(fault.code));
    else await suffer(fault, this.#transport);
    return fault.do !== 'delay' || this.#isEnded();
  }

  #refuse(code: number): void {
    this.#transport.send(refusePacket(code));
    this.#transport.end();
  }

  async #connect(packet: Packet): Promise<void> {
    const request = this.logon.connect(packet);
    if (!request) return; // its data follow
    if (await this.#strike('connect')) return;
    const refusal = this.#host.refusal(request);
    if (refusal !== null) return this.#refuse(refusal);
    const acceptance = this.logon.accept();
    this.#transport.send(acceptance.packet);
    this.#transport.accepted(acceptance.sdu);
  }

  #take(payload: Buffer): void {
    this.#queue.push(payload);
    this.#pump();
  }

  #pump(): void {
    if (this.#serving || this.#break.active) return;
    const payload = this.#queue.shift();
    if (!payload) return;
    this.#serving = this.#guard(() => this.#serve(payload)).finally(() => {
      this.#serving = null;
      this.#transport.waiting--;
      this.#pump();
    });
  }

  async #serve(payload: Buffer): Promise<void> {
    if (this.state === 'ended') return;
    if (this.state === 'logon') return this.#logonStep(payload);
    const { piggybacks, request } = readRequest(payload, this.logon.dialect);
    if (this.state === 'killed') return this.#die();
    this.lastCall = new Date();
    this.state = 'active';
    this.sql = this.#sqlOf(request) ?? this.sql;
    this.#host.counted('calls');
    const writer = new Writer();
    try {
      if (await this.#strike(stageOf(request), this.sql)) return;
      for (const piggyback of piggybacks) await this.#piggyback(piggyback);
      await this.#call(request, writer);
      if (request.kind === 'session-release') return;
      this.#answer(writer);
    } catch (error) {
      if (error instanceof MalformedPacket) throw error;
      if (this.#isKilled()) this.#die();
      else this.#fail(asOracleError(error instanceof CallFailed ? error.cause : error, this.#host.settings.user));
    } finally {
      this.lastCall = new Date();
      if (this.state === 'active' && !this.#transport.silent) this.state = 'inactive';
    }
    if (request.kind === 'logoff') await this.#endBackend();
    if (this.#isKilled()) this.#transport.end();
  }

  /** Since `await` lets others change it, which a compiler does not see. */
  #isKilled(): boolean {
    return this.state === 'killed';
  }

  async #logonStep(payload: Buffer): Promise<void> {
    const writer = new Writer();
    for (const step of this.logon.read(payload)) {
      if (await this.#strike(step.stage)) return;
      if (step.stage !== 'auth2') {
        step.write(writer);
        continue;
      }
      const error = this.logon.denial() ?? this.#host.admit(this);
      if (error) return this.#fail(error);
      try {
        await this.#open();
      } catch (failure) {
        this.#host.forget(this);
        return this.#fail(asOracleError(failure, this.#host.settings.user));
      }
      if (this.#isEnded()) return;
      step.write(writer);
      this.#begin();
    }
    this.#answer(writer);
  }

  #isEnded(): boolean {
    return this.state === 'ended';
  }

  async #open(): Promise<void> {
    const backend = await this.#host.openBackend(this, (error) => this.#lost(error));
    this.backend = backend;
    // the client may have gone in the meantime
    if (this.#isEnded()) await this.#endBackend();
    this.#gateway = new Gateway(backend, this.#host.settings.user, (how) => this.#host.counted(how));
    const preparer = new Preparer(this.#gateway, this.#lobs, this.#host.catalogue, (view) =>
      this.#host.view(view, this),
    );
    this.executor = new Executor({
      preparer,
      catalogue: this.#host.catalogue,
      dialect: this.logon.dialect,
      user: this.#host.settings.user,
      openCursors: this.#host.settings.openCursors,
      timeZone: this.logon.timeZone,
      context: {
        describe: (values) => Object.assign(this.told, values),
        alter: alterSession,
        kill: (sid, serial, disconnect) => this.#host.kill(sid, serial, disconnect, this),
      },
    });
  }

  #begin(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.state = 'inactive';
    this.#transport.trusted();
    this.#host.counted('logons');
  }

  #lost(error: Error): void {
    // a call that runs fails by itself, and is answered before the end
    if (this.#serving && this.executor) this.state = 'killed';
    else this.#over(`its backend is gone: ${error.message}`);
  }

  #sqlOf(request: Request): string | null {
    if (request.kind === 'execute' && request.sql !== null) return request.sql;
    return 'cursor' in request ? (this.executor?.cursors.get(request.cursor)?.sql ?? null) : null;
  }

  async #piggyback(piggyback: Piggyback): Promise<void> {
    switch (piggyback.kind) {
      case 'close-cursors':
        for (const cursor of piggyback.cursors) await this.executor?.close(cursor);
        return;
      case 'cancel-cursors':
        for (const cursor of piggyback.cursors) await this.executor?.cancel(cursor);
        return;
      case 'end-to-end':
        Object.assign(this.told, piggyback.values);
        return;
      case 'free-lobs':
        this.#lobs.free(piggyback.locators);
        return;
      case 'set-schema':
        return setSchema(piggyback.schema, this.#gateway!);
      case 'context':
        return;
    }
  }

  async #call(request: Request, writer: Writer): Promise<void> {
    switch (request.kind) {
      case 'commit':
        await this.#gateway?.commit();
        break;
      case 'rollback':
      case 'session-release':
        await this.#gateway?.rollback();
        break;
      case 'logoff':
        await this.#gateway?.rollback();
        break;
      case 'ping':
        break;
      case 'refused':
        throw new OracleError(3001, `unimplemented feature: the stand-in knows no ${request.what}`);
      case 'lob':
        this.#lobs.operate(request, writer);
        return this.#outcome(writer);
      default:
        this.#host.counted('executions');
        return this.executor!.run(request, writer);
    }
    writeStatus(writer, this.inTransaction);
  }

  #outcome(writer: Writer): void {
    writeOutcome(writer, this.logon.dialect, { inTransaction: this.inTransaction });
  }

  #answer(writer: Writer): void {
    if (this.#break.active || this.#isEnded()) return;
    const { endOfRequest } = this.logon.dialect;
    if (endOfRequest && this.logon.endsAnswers) writer.u8(Message.endOfResponse);
    this.#transport.answer(writer.result, endOfRequest && this.logon.endsAnswers);
  }

  #fail(error: OracleError): void {
    const writer = new Writer();
    writeOutcome(writer, this.logon.dialect, { inTransaction: this.inTransaction, error });
    this.#answer(writer);
  }

  #die(): void {
    this.#fail(oracleError(this.#killed ? 28 : 3113));
    this.#transport.end();
  }

  #marker(kind: number): void {
    if (this.state === 'logon') throw new MalformedPacket('a MARKER before the logon');
    if (!this.#break.active) this.#transport.dropRequest();
    void this.#guard(() => this.#break.marker(kind));
  }

  /** Ends it from outside: a call that runs gets ORA-00028, an idle session at its next call. */
  kill(disconnect: boolean): void {
    if (disconnect) {
      this.#over('disconnected by ALTER SYSTEM');
      return;
    }
    this.state = 'killed';
    this.#killed = true;
    if (this.#serving && this.backend) void this.#host.terminate(this.backend.pid);
    else void this.#endBackend();
  }

  /** Tells the client in band: error 12572 is a shutdown, others are thrown from its next call. */
  control(error: number): void {
    this.#transport.send(controlPacket(error));
  }

  drop(how: 'end' | 'reset'): void {
    this.#transport[how]();
    void this.end();
  }

  /** Settles when nothing of it is left, neither here nor in PostgreSQL. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.state = 'ended';
    if (this.#timer) clearTimeout(this.#timer);
    this.#queue.length = 0;
    this.#break.abandon();
    this.#host.forget(this);
    if (this.backend && this.#serving) await this.#host.terminate(this.backend.pid);
    await this.#endBackend();
  }

  async #endBackend(): Promise<void> {
    await this.backend?.end();
  }
}

const STAGES: Partial<Record<Request['kind'], Stage>> = {
  reexecute: 'execute',
  lob: 'call',
  refused: 'call',
  'session-release': 'call',
};

function stageOf({ kind }: Request): Stage {
  return STAGES[kind] ?? (kind as Stage);
}
