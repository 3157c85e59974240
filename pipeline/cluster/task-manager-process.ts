/** One task manager as the runner sees it: a process that is started anew as often as it dies. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ConnectionAccount } from '../connections/factory.ts';
import type { FromTaskManager, Metrics, Task, TaskManagerSettings, ToTaskManager } from './protocol.ts';
import { standsStill } from './stillness.ts';

// as source and as built
const SUFFIX = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const PROGRAM = fileURLToPath(new URL(`./task-manager.${SUFFIX}`, import.meta.url));

/** Tasks may finish their batch within this time; then the process is killed. */
const STOP_LIMIT_MS = 10_000;
/** A process that dies before it is ready this often in a row is not started any more. */
const MOST_STILLBORN = 5;
const FIRST_PAUSE_MS = 100;
const BEAT_MS = 1000;
/** One that is only busy may be silent for so many times as long as one that stands still. */
const BUSY_TIMES = 8;

export interface Listener {
  told(message: FromTaskManager): void;
  isReady(): void;
  /** With the tasks it was at. */
  died(tasks: number[], how: string): void;
  /** It cannot be started. */
  gaveUp(error: Error): void;
}

interface Spawning {
  execArgv: readonly string[];
  env: Readonly<Record<string, string>>;
  frozenMs: number;
}

export class TaskManagerProcess {
  readonly #settings: TaskManagerSettings;
  readonly #spawning: Spawning;
  readonly #listener: Listener;
  /** By slot, from 1. */
  readonly #slots = new Map<number, number>();
  #child: ChildProcess;
  /** Resolves with how it ended. */
  #gone: Promise<string> = Promise.resolve('');
  #isReady = false;
  #isStopping = false;
  #stillborn = 0;
  #restart: NodeJS.Timeout | undefined;
  #beats: NodeJS.Timeout | undefined;
  #heardAt = 0;
  /** Milliseconds without an answer when it was killed for it; else 0. */
  #frozenFor = 0;
  #awaitsAccount: ((account: ConnectionAccount | null) => void)[] = [];
  /** Resolves when it is ready for the first time; rejects when it cannot be started. */
  readonly ready: Promise<void>;
  #resolveReady: () => void = () => {};
  #rejectReady: (error: Error) => void = () => {};
  deaths = 0;
  /** Null until its first heartbeat. */
  metrics: Metrics | null = null;

  constructor(settings: TaskManagerSettings, spawning: Spawning, listener: Listener) {
    this.#settings = settings;
    this.#spawning = spawning;
    this.#listener = listener;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => {});
    this.#child = this.#start();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get freeSlots(): number {
    return this.#isReady && !this.#isStopping ? this.#settings.slots - this.#slots.size : 0;
  }

  get slots(): number {
    return this.#settings.slots;
  }

  /** Milliseconds since it last answered. */
  get silentMs(): number {
    return Math.round(performance.now() - this.#heardAt);
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  cancel(task: number): void {
    if ([...this.#slots.values()].includes(task)) this.#send({ do: 'cancel', task });
  }

  run(task: Task): void {
    let slot = 1;
    while (this.#slots.has(slot)) slot++;
    this.#slots.set(slot, task.id);
    this.#send({ do: 'run', task, slot });
  }

  /** Null when it is not there to tell. */
  account(): Promise<ConnectionAccount | null> {
    if (!this.#isReady) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#awaitsAccount.push(resolve);
      this.#send({ do: 'account' });
    });
  }

  /** Resolves with its last account when the process is gone. */
  async stop(): Promise<ConnectionAccount | null> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    clearInterval(this.#beats);
    const child = this.#child;
    const last = this.#isReady
      ? new Promise<ConnectionAccount | null>((resolve) => this.#awaitsAccount.push(resolve))
      : null;
    if (this.#isReady) this.#send({ do: 'stop' });
    else child.kill('SIGKILL');
    const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.#gone;
    clearTimeout(limit);
    return last;
  }

  #start(): ChildProcess {
    const { execArgv, env } = this.#spawning;
    const child = fork(PROGRAM, [], {
      execArgv: [...execArgv],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (message: FromTaskManager) => this.#told(message));
    this.#gone = new Promise((resolve) => {
      child.once('error', (error) => {
        if (child.pid === undefined) resolve(error.message);
      });
      child.once('exit', (code, signal) => {
        const how = signal ?? `exit code ${code}`;
        // what it said last may still be on its way
        if (child.connected) child.once('disconnect', () => resolve(how));
        else resolve(how);
      });
    });
    void this.#gone.then((how) => this.#died(how));
    this.#frozenFor = 0;
    this.metrics = null;
    clearInterval(this.#beats);
    const settings = this.#settings;
    child.send({ do: 'configure', settings } satisfies ToTaskManager, () => {});
    return child;
  }

  /** A killed process ends even while it is stopped; a busy one answers within the time. */
  #beat(): void {
    const { frozenMs } = this.#spawning;
    const isBusy = this.silentMs < BUSY_TIMES * frozenMs && standsStill(this.pid) === false;
    if (this.silentMs < frozenMs || isBusy) {
      this.#send({ do: 'beat' });
      return;
    }
    this.#frozenFor = this.silentMs;
    clearInterval(this.#beats);
    this.#child.kill('SIGKILL');
  }

  #told(message: FromTaskManager): void {
    this.#heardAt = performance.now();
    if (message.tells === 'alive') {
      this.metrics = message.metrics;
      return;
    }
    if (message.tells === 'ready') {
      this.#isReady = true;
      this.#beats = setInterval(() => this.#beat(), Math.min(BEAT_MS, this.#spawning.frozenMs / 4)).unref();
      this.#stillborn = 0;
      this.#resolveReady();
      this.#listener.isReady();
    } else if (message.tells === 'account') {
      for (const resolve of this.#awaitsAccount.splice(0)) resolve(message.account);
    } else {
      if (message.tells !== 'note') this.#free(message.task);
      this.#listener.told(message);
    }
  }

  #free(task: number): void {
    for (const [slot, id] of this.#slots) if (id === task) this.#slots.delete(slot);
  }

  #died(ended: string): void {
    const tasks = [...this.#slots.values()];
    this.#slots.clear();
    clearInterval(this.#beats);
    const how = this.#frozenFor ? `frozen: no answer for ${(this.#frozenFor / 1000).toFixed(1)} s` : ended;
    for (const resolve of this.#awaitsAccount.splice(0)) resolve(null);
    const wasReady = this.#isReady;
    this.#isReady = false;
    if (this.#isStopping) return;
    this.deaths++;
    if (!wasReady && ++this.#stillborn >= MOST_STILLBORN) {
      const error = new Error(`Task manager ${this.#settings.number} cannot be started: ${how}.`);
      this.#rejectReady(error);
      this.#listener.gaveUp(error);
      return;
    }
    this.#restart = setTimeout(
      () => {
        this.#child = this.#start();
      },
      wasReady ? 0 : FIRST_PAUSE_MS * 2 ** this.#stillborn,
    );
    this.#listener.died(tasks, how);
  }

  #send(message: ToTaskManager): void {
    // an error means that it is dying, which its exit says as well
    this.#child.send(message, () => {});
  }
}
