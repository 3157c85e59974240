/**
 * A thread for each job of a task manager, with a memory of its own that is limited: what a job leaves open ends with
 * it, and a job that needs too much ends alone. It lives as long as its job.
 */
import { Worker } from 'node:worker_threads';
import type { ConnectionAccount } from '../connections/factory.ts';
import { Logons } from '../connections/logons.ts';
import { messageOf } from './lines.ts';
import { metricsOf } from './metrics.ts';
import { type FromTaskManager, isFromTaskManager, type TaskManagerSettings } from './protocol.ts';
import type { Tasks } from './tasks.ts';
import { lineOfThrown } from './thrown.ts';

const SUFFIX = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const PROGRAM = new URL(`./job-thread.${SUFFIX}`, import.meta.url);

/** A task that was canceled may take so long to end; then its job's thread is ended. */
const CANCEL_LIMIT_MS = 5000;
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';
/** Each thread has a factory of its own, whose account ends with it. */
const NO_ACCOUNT: ConnectionAccount = { logons: new Logons().counts(), pools: [] };

interface JobThread {
  worker: Worker;
  tasks: Set<number>;
  connections: number;
  /** A task, if it is one of its own, within the limit. */
  mustEnd(task: number): void;
}

/** As `doTasks`, which see; each job's tasks are done in its thread. */
export function doTasksInThreads(
  settings: TaskManagerSettings,
  send: (message: FromTaskManager) => void,
  stopped: () => void,
): Tasks {
  const threads = new Map<string, JobThread>();
  let isStopping = false;
  const endIfDone = () => {
    if (!isStopping || [...threads.values()].some((thread) => thread.tasks.size > 0)) return;
    isStopping = false;
    send({ tells: 'account', account: NO_ACCOUNT });
    for (const { worker } of threads.values()) void worker.terminate();
    stopped();
  };

  const start = (key: string): JobThread => {
    const worker = new Worker(PROGRAM, {
      workerData: settings,
      resourceLimits: { maxOldGenerationSizeMb: settings.memoryMb },
    });
    const tasks = new Set<number>();
    const mustEnd = (task: number) => {
      if (tasks.has(task)) setTimeout(() => tasks.has(task) && worker.terminate(), CANCEL_LIMIT_MS).unref();
    };
    const thread: JobThread = { worker, tasks, connections: 0, mustEnd };
    threads.set(key, thread);
    let why = 'it ended by itself';
    worker.on('message', (text: string) => {
      const message = messageOf(text);
      if (!isFromTaskManager(message)) return;
      if (message.tells === 'alive') thread.connections = message.metrics.connections;
      if (message.tells === 'done' || message.tells === 'failed') tasks.delete(message.task);
      if (message.tells !== 'alive' && message.tells !== 'account') send(message);
      endIfDone();
    });
    // whatever the job threw
    worker.on('error', (error: NodeJS.ErrnoException | null | undefined) => {
      const isFull = error?.code === OUT_OF_MEMORY;
      why = isFull ? `${OUT_OF_MEMORY}: it may have ${settings.memoryMb} MB` : lineOfThrown(error);
    });
    worker.on('exit', () => {
      if (threads.get(key) === thread) threads.delete(key);
      const error = `The thread of the job was lost (${why}).`;
      for (const task of tasks) send({ tells: 'failed', task, error, isForGood: false });
      tasks.clear();
      endIfDone();
    });
    return thread;
  };

  return {
    told(message) {
      if (message.do === 'run') {
        const { key, id } = message.task;
        const thread = threads.get(key) ?? start(key);
        thread.tasks.add(id);
        thread.worker.postMessage(message);
      } else if (message.do === 'forget') {
        const thread = threads.get(message.key);
        threads.delete(message.key);
        void thread?.worker.terminate();
      } else {
        for (const { worker } of threads.values()) worker.postMessage(message);
        if (message.do === 'cancel') for (const thread of threads.values()) thread.mustEnd(message.task);
        const connections = [...threads.values()].reduce((sum, thread) => sum + thread.connections, 0);
        if (message.do === 'beat') send({ tells: 'alive', metrics: metricsOf(connections) });
        if (message.do === 'account') send({ tells: 'account', account: NO_ACCOUNT });
        if (message.do !== 'stop') return;
        isStopping = true;
        endIfDone();
      }
    },
  };
}
