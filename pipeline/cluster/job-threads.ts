/**
 * A thread for each job of a task manager, with a memory of its own that is limited: what a job leaves open ends with
 * it, and a job that needs too much ends alone. It lives as long as its job.
 */
import { Worker } from 'node:worker_threads';
import type { ConnectionAccount } from '../connections/factory.ts';
import { Logons } from '../connections/logons.ts';
import { metricsOf } from './metrics.ts';
import type { FromTaskManager, TaskManagerSettings } from './protocol.ts';
import type { Tasks } from './tasks.ts';

const SUFFIX = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const PROGRAM = new URL(`./job-thread.${SUFFIX}`, import.meta.url);

const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';
/** Each thread has a factory of its own, whose account ends with it. */
const NO_ACCOUNT: ConnectionAccount = { logons: new Logons().counts(), pools: [] };

interface JobThread {
  worker: Worker;
  tasks: Set<number>;
  connections: number;
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
    if (!isStopping || [...threads.values()].some(({ tasks }) => tasks.size > 0)) return;
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
    const thread: JobThread = { worker, tasks: new Set(), connections: 0 };
    threads.set(key, thread);
    let why = 'it ended by itself';
    worker.on('message', (message: FromTaskManager) => {
      if (message.tells === 'alive') thread.connections = message.metrics.connections;
      if (message.tells === 'done' || message.tells === 'failed') thread.tasks.delete(message.task);
      if (message.tells !== 'alive' && message.tells !== 'account') send(message);
      endIfDone();
    });
    worker.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      why = code === OUT_OF_MEMORY ? `${code}: it may have ${settings.memoryMb} MB` : message;
    });
    worker.on('exit', () => {
      if (threads.get(key) === thread) threads.delete(key);
      const error = `The thread of the job was lost (${why}).`;
      for (const task of thread.tasks) send({ tells: 'failed', task, error, isForGood: false });
      thread.tasks.clear();
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
