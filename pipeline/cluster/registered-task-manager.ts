/** A task manager that registered, as the job manager sees it: it is lost with its socket, and may come again. */
import type { Duplex } from 'node:stream';
import type { ConnectionAccount } from '../connections/factory.ts';
import { Heartbeat } from './heartbeat.ts';
import { hearLines, sendLine } from './lines.ts';
import type { Metrics, Task, TaskManagerSettings, ToTaskManager } from './protocol.ts';
import type { Admission, Folders, FromElsewhere, Registration } from './registration.ts';
import { TaskManagerEnd } from './task-manager-end.ts';
import { frozen, type Listener, STOP_LIMIT_MS, type TaskManager } from './task-manager-process.ts';

interface Admitting {
  settings: TaskManagerSettings;
  /** How often it was lost before. */
  deaths: number;
  frozenMs: number;
  folders: Folders;
}

/** It gives up its tasks before they are begun elsewhere: sooner than it is called frozen. */
const LEASE_SHARE = 0.75;

export class RegisteredTaskManager implements TaskManager {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly slots: number;
  readonly #socket: Duplex;
  readonly #listener: Listener;
  readonly #end: TaskManagerEnd;
  readonly #heartbeat: Heartbeat;
  readonly #gone: Promise<void>;
  #isReady = false;
  #isStopping = false;
  #how = 'its connection ended';
  /** Of its last own answer: who only says that it is at work answers nothing. */
  #answeredAt = performance.now();
  deaths: number;
  isLost = false;

  constructor(socket: Duplex, { id, host, pid, slots }: Registration, admitting: Admitting, listener: Listener) {
    this.id = id;
    this.host = host;
    this.pid = pid;
    this.slots = slots;
    this.deaths = admitting.deaths;
    this.#socket = socket;
    this.#listener = listener;
    this.#end = new TaskManagerEnd(slots, (message) => this.#send(message));
    const { frozenMs, settings, folders } = admitting;
    const leaseMs = LEASE_SHARE * frozenMs;
    this.#heartbeat = new Heartbeat({
      frozenMs,
      ask: () => this.#send({ do: 'beat' }),
      isBusy: () => false,
      frozen: (silentMs) => {
        this.drop(frozen(silentMs));
      },
    });
    this.#gone = new Promise((resolve) =>
      socket.once('close', () => {
        this.#lost();
        resolve();
      }),
    );
    hearLines<FromElsewhere>(socket, (message) => this.#told(message));
    sendLine(socket, { leaseMs, folders } satisfies Admission);
    this.#send({ do: 'configure', settings: { ...settings, leaseMs } });
    this.#heartbeat.start();
  }

  get freeSlots(): number {
    return this.#isReady && !this.#isStopping ? this.#end.free : 0;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get silentMs(): number {
    return Math.round(performance.now() - this.#answeredAt);
  }

  get metrics(): Metrics | null {
    return this.#end.metrics;
  }

  run(task: Task): void {
    this.#end.run(task);
  }

  cancel(task: number): void {
    this.#end.cancel(task);
  }

  forget(key: string): void {
    this.#send({ do: 'forget', key });
  }

  async account(): Promise<ConnectionAccount | null> {
    return this.#isReady ? this.#end.account() : null;
  }

  /** It comes again to the next job manager. */
  async stop(): Promise<ConnectionAccount | null> {
    this.#isStopping = true;
    this.#heartbeat.stop();
    const last = this.#isReady ? this.#end.lastAccount() : null;
    if (this.#isReady) this.#send({ do: 'stop' });
    else this.#socket.destroy();
    const limit = setTimeout(() => this.#socket.destroy(), STOP_LIMIT_MS);
    await this.#gone;
    clearTimeout(limit);
    return last;
  }

  /** Its tasks begin again elsewhere. */
  drop(how: string): void {
    this.#how = how;
    this.#socket.destroy();
  }

  #told(message: FromElsewhere): void {
    this.#heartbeat.heard();
    if (message.tells === 'busy') return;
    this.#answeredAt = performance.now();
    this.#end.hear(message);
    if (message.tells === 'ready') {
      this.#isReady = true;
      this.#listener.isReady();
    } else {
      this.#listener.told(message);
    }
  }

  #lost(): void {
    this.isLost = true;
    this.#heartbeat.stop();
    const tasks = this.#end.ended();
    this.#isReady = false;
    if (this.#isStopping) return;
    this.deaths++;
    this.#listener.died(tasks, this.#how);
  }

  #send(message: ToTaskManager): void {
    sendLine(this.#socket, message);
  }
}
