/**
 * A task manager: a process that runs tasks of many jobs, each in a slot, and has one connection factory for all of
 * them. Gone with who started it.
 */
import { setMaxListeners } from 'node:events';
import { UserError } from '../../user-error.ts';
import { connectionFactory } from '../connections/factory.ts';
import { failureOf, isDatabaseFailure } from '../store/failure.ts';
import { StreamFailure } from '../streams/stream.ts';
import { endWithoutWord } from './lease.ts';
import { metricsOf } from './metrics.ts';
import type { FromTaskManager, TaskManagerSettings, ToTaskManager } from './protocol.ts';
import { TaskSlot } from './task-slot.ts';

const stopping = new AbortController();
setMaxListeners(0, stopping.signal); // every transaction of every lane may listen
const working = new Set<Promise<void>>();
const canceling = new Map<number, AbortController>();
let slots: TaskSlot[] = [];
let account: () => void = () => {};
let connections = () => 0;
let heard = () => {};

process.on('message', (message: ToTaskManager) => {
  heard();
  if (message.do === 'configure') configure(message.settings);
  else if (message.do === 'account') account();
  else if (message.do === 'beat') send({ tells: 'alive', metrics: metricsOf(connections()) });
  else if (message.do === 'cancel') canceling.get(message.task)?.abort();
  else if (message.do === 'stop') void stop();
  else {
    const { task } = message;
    const tell = (note: unknown) => send({ tells: 'note', task: task.id, note });
    const canceled = new AbortController();
    canceling.set(task.id, canceled);
    const signal = AbortSignal.any([stopping.signal, canceled.signal]);
    setMaxListeners(0, signal);
    const work = slots[message.slot - 1]!.run(task, signal, tell).then(
      (result) => send({ tells: 'done', task: task.id, result }),
      (error) => send({ tells: 'failed', task: task.id, ...wordsOf(error) }),
    );
    working.add(work);
    void work.finally(() => {
      working.delete(work);
      canceling.delete(task.id);
    });
  }
});
// the runner is gone: transactions that are open are rolled back by the database
process.on('disconnect', () => process.exit(1));
// Ctrl-C at a terminal reaches every process; the runner says what to do about it
process.on('SIGINT', () => {});

function configure({ slots: count, connections: settings, leaseMs }: TaskManagerSettings): void {
  if (leaseMs !== undefined) heard = endWithoutWord(leaseMs);
  const factory = connectionFactory(settings);
  slots = Array.from({ length: count }, (_, index) => new TaskSlot(index + 1, factory));
  account = () => send({ tells: 'account', account: factory.account() });
  connections = () => factory.account().logons.open;
  send({ tells: 'ready' });
}

async function stop(): Promise<void> {
  stopping.abort();
  await Promise.all(working);
  account();
  process.removeAllListeners('disconnect').disconnect();
}

function wordsOf(error: unknown): { error: string; isForGood: boolean } {
  if (error instanceof UserError) return { error: error.message, isForGood: true };
  const isExpected = isDatabaseFailure(error) || error instanceof StreamFailure;
  return { error: isExpected ? failureOf(error) : String((error as Error)?.stack ?? error), isForGood: false };
}

function send(message: FromTaskManager): void {
  // an error means that the runner is gone, which the end of the channel says as well
  if (process.connected) process.send!(message, undefined, undefined, () => {});
}
