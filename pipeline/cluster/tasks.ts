/** Does tasks for whoever speaks `ToTaskManager` at the other end of a channel: a process's, or a thread's. */
import { setMaxListeners } from 'node:events';
import { UserError } from '../../user-error.ts';
import { connectionFactory } from '../connections/factory.ts';
import { failureOf, isDatabaseFailure } from '../store/failure.ts';
import { StreamFailure } from '../streams/stream.ts';
import { metricsOf } from './metrics.ts';
import type { FromTaskManager, TaskManagerSettings, ToTaskManager } from './protocol.ts';
import { loaderOf, TaskSlot } from './task-slot.ts';
import { lineOfThrown, textOfThrown } from './thrown.ts';

/** Of what a task tells or results in, as JSON: it has to go by a socket, as one message. */
const MOST_TOLD_MB = 8;

export interface Tasks {
  told(message: Exclude<ToTaskManager, { do: 'configure' }>): void;
}

/** `stopped`: called when all tasks have ended, and the last was told. */
export function doTasks(
  { slots: count, connections: settings, isolation }: TaskManagerSettings,
  send: (message: FromTaskManager) => void,
  stopped: () => void,
): Tasks {
  let isStopping = false;
  const working = new Set<Promise<void>>();
  /** By task. */
  const endings = new Map<number, AbortController>();
  const factory = connectionFactory(settings);
  const load = loaderOf(isolation);
  const slots = Array.from({ length: count }, (_, index) => new TaskSlot(index + 1, factory, load));
  const account = () => send({ tells: 'account', account: factory.account() });
  const sendResult = (task: number, result: unknown) => {
    mustBePlain('The result of the task', result);
    send({ tells: 'done', task, result });
  };

  const run = ({ task, slot }: Extract<ToTaskManager, { do: 'run' }>) => {
    const tell = (note: unknown) => {
      mustBePlain('What the task tells', note);
      send({ tells: 'note', task: task.id, note });
    };
    // its own: what listens to a signal of all tasks would stay there
    const ending = new AbortController();
    setMaxListeners(0, ending.signal); // every transaction of the lane may listen
    endings.set(task.id, ending);
    if (isStopping) ending.abort();
    const work = (slots[slot - 1] as TaskSlot)
      .run(task, ending.signal, tell)
      .then((result) => sendResult(task.id, result))
      .catch((error) => send({ tells: 'failed', task: task.id, ...wordsOf(error) }));
    working.add(work);
    void work.finally(() => {
      working.delete(work);
      endings.delete(task.id);
    });
  };
  const stop = async () => {
    isStopping = true;
    for (const ending of endings.values()) ending.abort();
    await Promise.all(working);
    account();
    stopped();
  };
  return {
    told(message) {
      if (message.do === 'run') run(message);
      else if (message.do === 'account') account();
      else if (message.do === 'beat') send({ tells: 'alive', metrics: metricsOf(factory.account().logons.open) });
      else if (message.do === 'cancel') endings.get(message.task)?.abort();
      else if (message.do === 'stop') void stop();
    },
  };
}

/** Throws `UserError`. */
function mustBePlain(what: string, value: unknown): void {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new UserError(`${what} is no plain data: ${lineOfThrown(error)}.`);
  }
  if ((text?.length ?? 0) > MOST_TOLD_MB * 2 ** 20) throw new UserError(`${what} is larger than ${MOST_TOLD_MB} MB.`);
}

function wordsOf(error: unknown): { error: string; isForGood: boolean } {
  if (error instanceof UserError) return { error: error.message, isForGood: true };
  const isExpected = isDatabaseFailure(error) || error instanceof StreamFailure;
  return { error: isExpected ? failureOf(error) : textOfThrown(error), isForGood: false };
}
