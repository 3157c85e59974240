/** The thread of one job in a task manager, see `doTasksInThreads`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { TaskManagerSettings, ToTaskManager } from './protocol.ts';
import { doTasks } from './tasks.ts';

const port = parentPort as NonNullable<typeof parentPort>;
const settings = workerData as TaskManagerSettings;
const tasks = doTasks(
  { ...settings, isolation: 'context' },
  // as text: what cannot be sent on is found out here, where it fails its task alone
  (message) => port.postMessage(JSON.stringify(message)),
  () => {},
);
port.on('message', (message: Exclude<ToTaskManager, { do: 'configure' }>) => tasks.told(message));
