/** A task manager of this machine as the job manager sees it: a process that is started anew as often as it dies. */
import { type ChildProcess, fork } from 'node:child_process';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { JobFailed } from './job.ts';
import { KnownTaskManager, type Listener, type Patience } from './known-task-manager.ts';
import { type FromTaskManager, isFromTaskManager, type TaskManagerSettings, type ToTaskManager } from './protocol.ts';
import { standsStill } from './stillness.ts';

// as source and as built
const SUFFIX = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const PROGRAM = fileURLToPath(new URL(`./task-manager.${SUFFIX}`, import.meta.url));

/** A process that dies before it is ready this often in a row cannot be started: for good, unless it once could. */
const MOST_STILLBORN = 5;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

interface Spawning extends Patience {
  execArgv: readonly string[];
  env: Readonly<Record<string, string>>;
}

export class TaskManagerProcess extends KnownTaskManager {
  readonly host = hostname();
  readonly #settings: TaskManagerSettings;
  readonly #spawning: Spawning;
  #child: ChildProcess;
  /** Resolves with how it ended. */
  protected gone: Promise<string> = Promise.resolve('');
  #stillborn = 0;
  #wasEverReady = false;
  #restart: NodeJS.Timeout | undefined;
  /** Resolves when it is ready for the first time; rejects when it cannot be started. */
  readonly ready: Promise<void>;
  #resolveReady: () => void = () => {};
  #rejectReady: (error: Error) => void = () => {};

  constructor(settings: TaskManagerSettings, spawning: Spawning, listener: Listener) {
    const { frozenMs, cancelMs } = spawning;
    super({ slots: settings.slots, frozenMs, cancelMs, isBusy: () => standsStill(this.pid) === false }, listener);
    this.#settings = settings;
    this.#spawning = spawning;
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

  override stop(): ReturnType<KnownTaskManager['stop']> {
    clearTimeout(this.#restart);
    return super.stop();
  }

  protected send(message: ToTaskManager): void {
    // an error means that it is dying, which its exit says as well
    this.#child.send(message, () => {});
  }

  protected end(): void {
    // ends a process even while it is stopped
    this.#child.kill('SIGKILL');
  }

  #start(): ChildProcess {
    const { execArgv, env } = this.#spawning;
    const child = startProcess(execArgv, env);
    child.on('message', (message) => isFromTaskManager(message) && this.#told(message));
    this.gone = endOf(child);
    void this.gone.then((how) => this.#died(how));
    const settings = this.#settings;
    child.send({ do: 'configure', settings } satisfies ToTaskManager, () => {});
    return child;
  }

  #told(message: FromTaskManager): void {
    if (message.tells === 'ready') {
      this.heartbeat.start();
      this.#stillborn = 0;
      this.#wasEverReady = true;
      this.#resolveReady();
    }
    this.hear(message);
  }

  #died(ended: string): void {
    const loss = this.lost(ended);
    if (!loss) return;
    const { tasks, how, wasReady } = loss;
    if (!wasReady && ++this.#stillborn >= MOST_STILLBORN) {
      const error = new JobFailed(`Task manager ${this.#settings.number} cannot be started: ${how}`);
      if (!this.#wasEverReady) {
        this.#rejectReady(error);
        return;
      }
      this.listener.gaveUp(error);
    }
    this.#restart = setTimeout(
      () => {
        this.#child = this.#start();
      },
      wasReady ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#stillborn),
    );
    if (wasReady) this.listener.died(tasks, how);
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
