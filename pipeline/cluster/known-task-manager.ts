/**
 * A task manager as the job manager sees it, wherever it is: which task is in which slot, what it told last, and whether
 * it still answers. How it is reached and ended is for those that are made of this.
 */
import type { ConnectionAccount } from '../connections/factory.ts';
import { Heartbeat } from './heartbeat.ts';
import type { JobFailed } from './job.ts';
import type { FromTaskManager, Metrics, Task, ToTaskManager } from './protocol.ts';

/** Tasks may finish their batch within this time; then all that is left is ended. */
const STOP_LIMIT_MS = 10_000;

export interface Listener {
  told(message: FromTaskManager): void;
  isReady(): void;
  /** With the tasks it was at. */
  died(tasks: number[], how: string): void;
  /** It could be started before, and cannot be now. Told again at each further try. */
  gaveUp(error: JobFailed): void;
}

/** One that is gone, not because it was to stop. */
export interface Loss {
  tasks: number[];
  how: string;
  wasReady: boolean;
}

/** Milliseconds. */
export interface Patience {
  /** Silence that means that it is frozen. */
  frozenMs: number;
  /** For a task to end that was canceled. */
  cancelMs: number;
}

interface Watching extends Patience {
  slots: number;
  /** Whether it is at work, though it does not answer. */
  isBusy(): boolean;
}

export abstract class KnownTaskManager {
  abstract readonly host: string;
  abstract readonly pid: number;
  readonly slots: number;
  /** Null until its first heartbeat. */
  metrics: Metrics | null = null;
  /** How often it died or was lost. */
  deaths = 0;
  protected readonly listener: Listener;
  protected readonly heartbeat: Heartbeat;
  /** By slot, from 1. */
  readonly #tasks = new Map<number, number>();
  #awaitsAccount: ((account: ConnectionAccount | null) => void)[] = [];
  #isReady = false;
  #isStopping = false;
  /** Why it is being ended. */
  #why: string | null = null;
  #answeredAt = performance.now();
  readonly #cancelMs: number;

  constructor({ slots, frozenMs, cancelMs, isBusy }: Watching, listener: Listener) {
    this.slots = slots;
    this.#cancelMs = cancelMs;
    this.listener = listener;
    this.heartbeat = new Heartbeat({
      ...{ frozenMs, isBusy },
      ask: () => this.send({ do: 'beat' }),
      frozen: (silentMs) => this.drop(`frozen: no answer for ${(silentMs / 1000).toFixed(1)} s`),
    });
  }

  protected abstract send(message: ToTaskManager): void;
  /** At once, whatever it is at. */
  protected abstract end(): void;
  /** Resolves when it has ended. */
  protected abstract get gone(): Promise<unknown>;

  get isReady(): boolean {
    return this.#isReady;
  }

  get freeSlots(): number {
    return this.#isReady && !this.#isStopping ? this.slots - this.#tasks.size : 0;
  }

  /** Milliseconds since it last answered. */
  get silentMs(): number {
    return Math.round(performance.now() - this.#answeredAt);
  }

  run(task: Task): void {
    let slot = 1;
    while (this.#tasks.has(slot)) slot++;
    this.#tasks.set(slot, task.id);
    this.send({ do: 'run', task, slot });
  }

  /** A task that does not end in time holds its slot: then all of it is ended, as nothing else ends code. */
  cancel(task: number): void {
    const has = () => [...this.#tasks.values()].includes(task);
    if (!has()) return;
    this.send({ do: 'cancel', task });
    const late = () => has() && this.drop(`a task did not end within ${this.#cancelMs / 1000} s of being canceled`);
    setTimeout(late, this.#cancelMs).unref();
  }

  forget(key: string): void {
    this.send({ do: 'forget', key });
  }

  /** Null when it is not there to tell. */
  async account(): Promise<ConnectionAccount | null> {
    if (!this.#isReady) return null;
    const told = this.#nextAccount();
    this.send({ do: 'account' });
    return told;
  }

  /** Resolves with its last account when it is gone. */
  async stop(): Promise<ConnectionAccount | null> {
    this.#isStopping = true;
    this.heartbeat.stop();
    const last = this.#isReady ? this.#nextAccount() : null;
    if (this.#isReady) this.send({ do: 'stop' });
    else this.end();
    const limit = setTimeout(() => this.end(), STOP_LIMIT_MS);
    await this.gone;
    clearTimeout(limit);
    return last;
  }

  /** Ends it; its tasks begin again elsewhere. */
  drop(why: string): void {
    this.#why = why;
    this.end();
  }

  protected hear(message: FromTaskManager): void {
    this.heartbeat.heard();
    this.#answeredAt = performance.now();
    if (message.tells === 'alive') this.metrics = message.metrics;
    else if (message.tells === 'account') for (const tell of this.#awaitsAccount.splice(0)) tell(message.account);
    else if (message.tells === 'done' || message.tells === 'failed')
      for (const [slot, id] of this.#tasks) if (id === message.task) this.#tasks.delete(slot);
    if (message.tells !== 'ready') {
      this.listener.told(message);
      return;
    }
    this.#isReady = true;
    this.listener.isReady();
  }

  /** It has ended. Null: as it was to. */
  protected lost(ended: string): Loss | null {
    const loss = { tasks: [...this.#tasks.values()], how: this.#why ?? ended, wasReady: this.#isReady };
    this.heartbeat.stop();
    this.#tasks.clear();
    this.metrics = null;
    this.#isReady = false;
    this.#why = null;
    for (const tell of this.#awaitsAccount.splice(0)) tell(null);
    if (this.#isStopping) return null;
    this.deaths++;
    return loss;
  }

  /** The next that it tells, or null when it ends before. */
  #nextAccount(): Promise<ConnectionAccount | null> {
    return new Promise((resolve) => this.#awaitsAccount.push(resolve));
  }
}
