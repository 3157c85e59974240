/**
 * A task manager: a process that runs tasks of many jobs, each in a slot, and has one connection factory for all of
 * them, or for each job where it has a thread. Gone with who started it.
 */
import { doTasksInThreads } from './job-threads.ts';
import { endWithoutWord } from './lease.ts';
import type { FromTaskManager, TaskManagerSettings, ToTaskManager } from './protocol.ts';
import { doTasks, type Tasks } from './tasks.ts';

let tasks: Tasks | null = null;
let heard = () => {};

process.on('message', (message: ToTaskManager) => {
  heard();
  if (message.do === 'configure') configure(message.settings);
  else tasks?.told(message);
});
// the runner is gone: transactions that are open are rolled back by the database
process.on('disconnect', () => process.exit(1));
// Ctrl-C at a terminal reaches every process; the runner says what to do about it
process.on('SIGINT', () => {});

function configure(settings: TaskManagerSettings): void {
  if (settings.leaseMs !== undefined) heard = endWithoutWord(settings.leaseMs);
  const stopped = () => process.removeAllListeners('disconnect').disconnect();
  tasks = (settings.isolation === 'worker' ? doTasksInThreads : doTasks)(settings, send, stopped);
  send({ tells: 'ready' });
}

function send(message: FromTaskManager): void {
  // an error means that the runner is gone, which the end of the channel says as well
  if (process.connected) process.send!(message, undefined, undefined, () => {});
}
