/** The thread of one job in a task manager, see `doTasksInThreads`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { TaskManagerSettings, ToTaskManager } from './protocol.ts';
import { doTasks } from './tasks.ts';

const port = parentPort as NonNullable<typeof parentPort>;
const settings = workerData as TaskManagerSettings;
const tasks = doTasks(
  { ...settings, isolation: 'context' },
  (message) => port.postMessage(message),
  () => {},
);
port.on('message', (message: Exclude<ToTaskManager, { do: 'configure' }>) => tasks.told(message));
