/** A task manager of this machine as the job manager sees it: a process that is started anew as often as it dies. */
import { type ChildProcess, fork } from 'node:child_process';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ConnectionAccount } from '../connections/factory.ts';
import { Heartbeat } from './heartbeat.ts';
import { JobFailed } from './job.ts';
import type { FromTaskManager, Metrics, Task, TaskManagerSettings, ToTaskManager } from './protocol.ts';
import { standsStill } from './stillness.ts';
import { TaskManagerEnd } from './task-manager-end.ts';

// as source and as built
const SUFFIX = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const PROGRAM = fileURLToPath(new URL(`./task-manager.${SUFFIX}`, import.meta.url));

/** Tasks may finish their batch within this time; then the process is killed. */
export const STOP_LIMIT_MS = 10_000;
/** A process that dies before it is ready this often in a row is not started any more. */
const MOST_STILLBORN = 5;
const FIRST_PAUSE_MS = 100;

/** A task manager, wherever it is. */
export interface TaskManager {
  readonly host: string;
  readonly pid: number;
  readonly slots: number;
  readonly freeSlots: number;
  readonly isReady: boolean;
  /** Milliseconds since it last answered. */
  readonly silentMs: number;
  /** How often it died or was lost. */
  readonly deaths: number;
  /** Null until its first heartbeat. */
  readonly metrics: Metrics | null;
  run(task: Task): void;
  cancel(task: number): void;
  forget(key: string): void;
  /** Null when it is not there to tell. */
  account(): Promise<ConnectionAccount | null>;
  /** Resolves with its last account when it is gone. */
  stop(): Promise<ConnectionAccount | null>;
}

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

export class TaskManagerProcess implements TaskManager {
  readonly host = hostname();
  readonly #settings: TaskManagerSettings;
  readonly #spawning: Spawning;
  readonly #listener: Listener;
  readonly #end: TaskManagerEnd;
  readonly #heartbeat: Heartbeat;
  #child: ChildProcess;
  /** Resolves with how it ended. */
  #gone: Promise<string> = Promise.resolve('');
  #isReady = false;
  #isStopping = false;
  #stillborn = 0;
  #restart: NodeJS.Timeout | undefined;
  /** Milliseconds without an answer when it was killed for it; else 0. */
  #frozenFor = 0;
  /** Resolves when it is ready for the first time; rejects when it cannot be started. */
  readonly ready: Promise<void>;
  #resolveReady: () => void = () => {};
  #rejectReady: (error: Error) => void = () => {};
  deaths = 0;

  constructor(settings: TaskManagerSettings, spawning: Spawning, listener: Listener) {
    this.#settings = settings;
    this.#spawning = spawning;
    this.#listener = listener;
    this.#end = new TaskManagerEnd(settings.slots, (message) => this.#send(message));
    this.#heartbeat = new Heartbeat({
      frozenMs: spawning.frozenMs,
      ask: () => this.#send({ do: 'beat' }),
      isBusy: () => standsStill(this.pid) === false,
      // a killed process ends even while it is stopped
      frozen: (silentMs) => {
        this.#frozenFor = silentMs;
        this.#child.kill('SIGKILL');
      },
    });
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

  get slots(): number {
    return this.#settings.slots;
  }

  get freeSlots(): number {
    return this.#isReady && !this.#isStopping ? this.#end.free : 0;
  }

  get silentMs(): number {
    return this.#heartbeat.silentMs;
  }

  get isReady(): boolean {
    return this.#isReady;
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

  async stop(): Promise<ConnectionAccount | null> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    this.#heartbeat.stop();
    const child = this.#child;
    const last = this.#isReady ? this.#end.lastAccount() : null;
    if (this.#isReady) this.#send({ do: 'stop' });
    else child.kill('SIGKILL');
    const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.#gone;
    clearTimeout(limit);
    return last;
  }

  #start(): ChildProcess {
    const { execArgv, env } = this.#spawning;
    const child = startProcess(execArgv, env);
    child.on('message', (message: FromTaskManager) => this.#told(message));
    this.#gone = endOf(child);
    void this.#gone.then((how) => this.#died(how));
    this.#frozenFor = 0;
    const settings = this.#settings;
    child.send({ do: 'configure', settings } satisfies ToTaskManager, () => {});
    return child;
  }

  #told(message: FromTaskManager): void {
    this.#heartbeat.heard();
    this.#end.hear(message);
    if (message.tells === 'ready') {
      this.#isReady = true;
      this.#heartbeat.start();
      this.#stillborn = 0;
      this.#resolveReady();
      this.#listener.isReady();
    } else {
      this.#listener.told(message);
    }
  }

  #died(ended: string): void {
    const tasks = this.#end.ended();
    this.#heartbeat.stop();
    const how = this.#frozenFor ? frozen(this.#frozenFor) : ended;
    const wasReady = this.#isReady;
    this.#isReady = false;
    if (this.#isStopping) return;
    this.deaths++;
    if (!wasReady && ++this.#stillborn >= MOST_STILLBORN) {
      const error = new JobFailed(`Task manager ${this.#settings.number} cannot be started: ${how}`);
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

/** It waits to be configured. */
export function startProcess(execArgv: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return fork(PROGRAM, [], {
    execArgv: [...execArgv],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** Resolves with how it ended, when all that it said was heard. */
export function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
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
}

export function frozen(silentMs: number): string {
  return `frozen: no answer for ${(silentMs / 1000).toFixed(1)} s`;
}
