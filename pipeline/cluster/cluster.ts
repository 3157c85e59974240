/**
 * The runner's side of the task managers: starts them, takes those that register, spreads tasks over their slots, and
 * starts anew what dies or freezes. The job manager stands in front of this.
 */
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../user-error.ts';
import type { ConnectionAccount } from '../connections/factory.ts';
import type { ConnectionSettings } from '../connections/settings.ts';
import { isPatient, type Job, JobCanceled, JobFailed, laneOf, type Running, stopped } from './job.ts';
import type { KnownTaskManager, Patience } from './known-task-manager.ts';
import type { FromTaskManager, Isolation, Metrics, TaskManagerSettings } from './protocol.ts';
import { RegisteredTaskManager } from './registered-task-manager.ts';
import type { Registration } from './registration.ts';
import { PIPELINE_TASK } from './run-pipeline.ts';
import { TaskManagerProcess } from './task-manager-process.ts';

export interface ClusterOptions {
  /** To be started; others may register. */
  taskManagers: number;
  /** Of each that is started. */
  slots: number;
  connections: ConnectionSettings;
  /** What jobs' modules are loaded into (default `none`). */
  isolation?: Isolation;
  /** Of a job's thread (default 256). */
  memoryMb?: number;
  /** Of the task managers' processes, beside what they inherit. */
  execArgv?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /**
   * One that stands still and does not answer for so many milliseconds is frozen (default 8 s): it is killed, and started
   * anew. One that is busy has eight times as long.
   */
  frozenMs?: number;
  /** A task may take so many milliseconds to end when it is canceled (default 30 s); then its task manager is ended. */
  cancelMs?: number;
  /** URL of the folder that modules lie in, with a slash at its end. */
  modules?: string | null;
  /**
   * Ends what a lost task manager has open on the database, where it holds locks: its sessions' names begin with
   * `prefix`. Its tasks are begun again afterwards.
   */
  endSessions?: (prefix: string) => Promise<unknown>;
  /** Told in one sentence when a task manager comes, or dies. */
  log?: (sentence: string) => void;
}

export interface TaskManagerView {
  number: number;
  host: string;
  pid: number;
  slots: number;
  freeSlots: number;
  isReady: boolean;
  /** It registered, and is gone; it may come again. */
  isLost: boolean;
  /** Milliseconds since it last answered. */
  silentMs: number;
  /** How often it died or was lost. */
  deaths: number;
  metrics: Metrics | null;
}

/** A task that threw, or that was there when its task manager died, so often fails its job. */
const MOST_FAILURES = 5;
const MOST_DEATHS = 20;
/** Before a task that threw is begun again; doubled each time. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const FROZEN_MS = 8000;
const CANCEL_MS = 30_000;
const MEMORY_MB = 256;
/** A lost task manager's sessions may take so long to end. */
const FENCE_LIMIT_MS = 5000;
/** Of those that are lost, the latest so many are remembered. */
const MOST_LOST = 20;

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #started: TaskManagerProcess[];
  /** By their number; also those that are lost. */
  readonly #registered = new Map<number, RegisteredTaskManager>();
  readonly #waiting: Running[] = [];
  readonly #running = new Map<number, Running>();
  readonly #pausing = new Map<NodeJS.Timeout, Running>();
  /** Of task managers that ended: their connections are closed, but what they did is part of the account. */
  readonly #accounts: ConnectionAccount[] = [];
  /** Jobs of which a lane failed for good: the others are not begun again. */
  readonly #over = new WeakSet<Job>();
  /** Of those to be started, which cannot be at the moment, and why; by their number. */
  readonly #unstartable = new Map<number, JobFailed>();
  #lastTask = 0;
  #lastNumber: number;
  #registrations = 0;
  #isStopping = false;

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.#started = Array.from({ length: options.taskManagers }, (_, index) => this.#start(index + 1));
    this.#lastNumber = options.taskManagers;
  }

  get #taskManagers(): KnownTaskManager[] {
    return [...this.#started, ...this.#registered.values()];
  }

  /** Resolves when all task managers are ready. Throws when one cannot be started. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    try {
      await Promise.all(cluster.#started.map((taskManager) => taskManager.ready));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Of the task managers, in their order. */
  get pids(): number[] {
    return this.#taskManagers.map(({ pid }) => pid);
  }

  get taskManagers(): TaskManagerView[] {
    const numbers = [...this.#started.keys()].map((index) => index + 1).concat(...this.#registered.keys());
    return this.#taskManagers.map((taskManager, index) => {
      const { host, pid, slots, freeSlots, isReady, silentMs, deaths, metrics } = taskManager;
      const isLost = taskManager instanceof RegisteredTaskManager && taskManager.isLost;
      const number = numbers[index] as number;
      return { number, host, pid, slots, freeSlots, isReady, isLost, silentMs, deaths, metrics };
    });
  }

  /** How often task managers died. */
  get deaths(): number {
    return this.#taskManagers.reduce((sum, { deaths }) => sum + deaths, 0);
  }

  /**
   * The results of all lanes, in their order. Throws `JobFailed`, or `UserError` when the cluster stopped; then those of
   * its lanes that run are told to end.
   */
  async run(given: Job): Promise<unknown[]> {
    const job = { ...given };
    if (this.#isStopping) throw stopped(job);
    const hopeless = this.#hopeless();
    if (hopeless) throw hopeless;
    const { name, key = name, module, parallelism: of, options } = job;
    const lanes = Array.from({ length: of }, (_, index) => {
      const id = ++this.#lastTask;
      const task = { id, job: name, key, module: module.href, index, of, attempt: 1, options };
      return new Promise((resolve, reject) =>
        this.#waiting.push({ task, job, failures: 0, failing: null, deaths: 0, resolve, reject }),
      );
    });
    this.#assign();
    const cancel = () => this.#cancel(job);
    job.signal?.addEventListener('abort', cancel);
    if (job.signal?.aborted) cancel();
    try {
      return await Promise.all(lanes);
    } catch (error) {
      this.#over.add(job);
      this.#cancel(job);
      throw error;
    } finally {
      job.signal?.removeEventListener('abort', cancel);
    }
  }

  /** Why there is nobody to run a task, and nobody who might come; null: there is. */
  #hopeless(): JobFailed | null {
    const [error] = this.#unstartable.values();
    const isThere = [...this.#registered.values()].some(({ isLost }) => !isLost);
    return error && this.#unstartable.size === this.#started.length && !isThere ? error : null;
  }

  /** What waits is given up; what runs is told, and ends by itself. */
  #cancel(job: Job): void {
    const isOther = (lane: Running) => lane.job !== job;
    const others = this.#waiting.filter(isOther);
    const given = this.#waiting.splice(0).filter((lane) => !isOther(lane));
    this.#waiting.push(...others);
    for (const [timer, lane] of this.#pausing) {
      if (isOther(lane)) continue;
      clearTimeout(timer);
      this.#pausing.delete(timer);
      given.push(lane);
    }
    for (const { reject } of given) reject(new JobCanceled(`Job ${job.name} was canceled.`));
    for (const [task, lane] of this.#running) {
      if (!isOther(lane)) for (const taskManager of this.#taskManagers) taskManager.cancel(task);
    }
  }

  /** There are no more runs of the job. */
  forget(key: string): void {
    for (const taskManager of this.#taskManagers) taskManager.forget(key);
  }

  /** What the connections of all task managers went through. A task manager that died takes its account with it. */
  async account(): Promise<ConnectionAccount[]> {
    const living = await Promise.all(this.#taskManagers.map((taskManager) => taskManager.account()));
    return [...this.#accounts, ...living.filter((account) => account !== null)];
  }

  /** Lets the tasks end between two batches, ends the processes, and those that will not end as well. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#rejectWaiting(stopped);
    const accounts = await Promise.all(this.#taskManagers.map((taskManager) => taskManager.stop()));
    this.#accounts.push(...accounts.filter((account) => account !== null));
    for (const { reject, job } of this.#running.values()) reject(stopped(job));
    this.#running.clear();
  }

  /** Also what waits to be tried again. */
  #rejectWaiting(why: (job: Job) => Error): void {
    for (const { reject, job } of [...this.#waiting.splice(0), ...this.#pausing.values()]) reject(why(job));
    for (const timer of this.#pausing.keys()) clearTimeout(timer);
    this.#pausing.clear();
  }

  /** A task manager of elsewhere, as long as its socket stays. One that comes again keeps its number. */
  register(socket: Duplex, registration: Registration): void {
    if (this.#isStopping) {
      socket.destroy();
      return;
    }
    const { connections, modules = null, log = () => {} } = this.#options;
    const { slots, host, id } = registration;
    const [number, before] = this.#knownAs(id) ?? [++this.#lastNumber, null];
    before?.drop('it registered anew');
    // another each time: what is ended are the sessions of before
    const owner = `tm${number}-${id}-${++this.#registrations}`;
    const name = `Task manager ${number} on ${host}`;
    const taskManager = new RegisteredTaskManager(
      ...([socket, registration] as const),
      {
        ...{ ...this.#patience(), deaths: before ? before.deaths + (before.isLost ? 0 : 1) : 0 },
        settings: this.#settings(number, slots, { ...connections, owner }),
        folders: { pipeline: PIPELINE_TASK.href, modules },
      },
      {
        told: (message) => this.#told(message),
        isReady: () => {
          log(`${name} registered, with ${slots} slots.`);
          this.#assign();
        },
        died: (tasks, how) => {
          log(`${name} is lost (${how}) with ${countOf(tasks)}, to be begun again elsewhere.`);
          void this.#endSessions(`${owner}/`, name).then(() => this.#allAgain(tasks, how));
        },
        gaveUp: () => {},
      },
    );
    this.#registered.set(number, taskManager);
    this.#forgetLost();
  }

  #knownAs(id: string): [number, RegisteredTaskManager] | undefined {
    return [...this.#registered].find(([, taskManager]) => taskManager.id === id);
  }

  #forgetLost(): void {
    const lost = [...this.#registered].filter(([, { isLost }]) => isLost);
    for (const [number] of lost.slice(0, -MOST_LOST)) this.#registered.delete(number);
  }

  /** What it holds on the database would hold up others. */
  async #endSessions(prefix: string, name: string): Promise<void> {
    const { endSessions, log = () => {} } = this.#options;
    const late = delay(FENCE_LIMIT_MS, 'the database did not answer', { ref: false });
    const said = await Promise.race([endSessions?.(prefix).then(() => null), late]).catch(
      (error: Error) => error.message,
    );
    if (said) log(`The sessions of ${name.toLowerCase()} could not be ended: ${said}.`);
  }

  #start(number: number): TaskManagerProcess {
    const { slots, connections, execArgv = [], env = {}, log = () => {} } = this.#options;
    return new TaskManagerProcess(
      this.#settings(number, slots, connections),
      { execArgv, env, ...this.#patience() },
      {
        told: (message) => this.#told(message),
        isReady: () => {
          this.#unstartable.delete(number);
          this.#assign();
        },
        died: (tasks, how) => {
          log(`Task manager ${number} died (${how}) with ${countOf(tasks)}; it is started anew.`);
          this.#allAgain(tasks, how);
        },
        gaveUp: (error) => {
          if (!this.#unstartable.has(number)) log(`${error.message}; it is tried again and again.`);
          this.#unstartable.set(number, error);
          if (this.#hopeless()) this.#rejectWaiting(() => error);
        },
      },
    );
  }

  #patience(): Patience {
    const { frozenMs = FROZEN_MS, cancelMs = CANCEL_MS } = this.#options;
    return { frozenMs, cancelMs };
  }

  #settings(number: number, slots: number, connections: ConnectionSettings): TaskManagerSettings {
    const { isolation = 'none', memoryMb = MEMORY_MB } = this.#options;
    return { number, slots, connections, isolation, memoryMb };
  }

  #allAgain(tasks: number[], how: string): void {
    for (const id of tasks) this.#again(id, 'death', `its task manager died (${how})`);
    this.#assign();
  }

  /** Each waiting task goes to the task manager with the most free slots. */
  #assign(): void {
    if (this.#isStopping) return;
    while (this.#waiting.length > 0) {
      const [free] = this.#taskManagers.sort((one, other) => other.freeSlots - one.freeSlots);
      if (!free || free.freeSlots === 0) return;
      const next = this.#waiting.shift()!;
      this.#running.set(next.task.id, next);
      free.run(next.task);
    }
  }

  #told(message: FromTaskManager): void {
    if (!('task' in message)) return;
    const running = this.#running.get(message.task);
    if (!running) return;
    if (message.tells === 'note') {
      running.job.onNote?.(message.note, running.task);
      return;
    }
    if (message.tells === 'failed') this.#failed(running, message);
    else {
      this.#running.delete(message.task);
      running.resolve(message.result);
    }
    this.#assign();
  }

  #failed({ task, reject }: Running, { error, isForGood }: Extract<FromTaskManager, { tells: 'failed' }>): void {
    if (isForGood) {
      this.#running.delete(task.id);
      reject(new UserError(error));
    } else {
      this.#again(task.id, 'failure', error);
    }
  }

  #again(id: number, cause: 'failure' | 'death', why: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    this.#running.delete(id);
    const { task, job, reject } = running;
    if (cause === 'failure') this.#count(running, why);
    else running.deaths++;
    const next = { ...running, task: { ...task, attempt: task.attempt + 1 } };
    if (this.#isStopping) {
      reject(stopped(job));
    } else if (job.signal?.aborted || this.#over.has(job)) {
      reject(new JobCanceled(`Job ${job.name} was canceled.`));
    } else if ((running.failures >= MOST_FAILURES && !isPatient(running)) || running.deaths >= MOST_DEATHS) {
      reject(new JobFailed(`${laneOf(running)} failed at each of ${task.attempt} attempts, at last so: ${why}`));
    } else if (cause === 'death') {
      this.#waiting.push(next);
    } else {
      job.onFailure?.(why, task);
      this.#later(next, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (running.failures - 1)));
    }
  }

  #count(running: Running, why: string): void {
    running.failures++;
    running.failing ??= performance.now();
    const { patience = 0 } = running.job;
    if (patience === 0 || running.failures > 1) return;
    const limit = Number.isFinite(patience) ? ` for ${patience / 1_000} s` : '';
    const [words] = why.split('\n');
    this.#options.log?.(`${laneOf(running)} failed: ${words}. It is tried again${limit}.`);
  }

  #later(next: Running, pause: number): void {
    const timer = setTimeout(() => {
      this.#pausing.delete(timer);
      this.#waiting.push(next);
      this.#assign();
    }, pause);
    this.#pausing.set(timer, next);
  }
}

function countOf(tasks: readonly number[]): string {
  return tasks.length === 1 ? '1 task' : `${tasks.length} tasks`;
}
