/**
 * Worker threads inherit preloads, except those that are given an environment or arguments of their own: these get the
 * probe by their environment. A thread that shares the environment of its parent has none to put it into.
 */
import workers from 'node:worker_threads';
import { guarded } from '../process/lapses.ts';
import { type Inherit, type OnStarted, replaceIn } from './inherit.ts';

const PART = 'workers';

export function handDownToWorkers(inherit: Inherit, started: OnStarted): void {
  const { Worker } = workers;
  // a proxy: a class cannot be called by a function that stands in for it
  const proxy: typeof Worker = new Proxy(Worker, {
    construct(target, args, newTarget) {
      guarded(PART, () => addTo(args, inherit));
      const worker = Reflect.construct(target, args, newTarget === proxy ? target : newTarget);
      guarded(PART, () => started(process.pid, worker.threadId, scriptOf(args)));
      return worker;
    },
  });
  const descriptor = Object.getOwnPropertyDescriptor(workers, 'Worker');
  Object.defineProperty(workers, 'Worker', { ...descriptor, value: proxy });
  Worker.prototype.constructor = proxy;
}

/** The file; the program of an `eval` thread may be long, and say too much. */
function scriptOf([script, options]: readonly unknown[]): string[] {
  const file = String(script);
  return (options as { eval?: unknown } | undefined)?.eval || file.startsWith('data:') ? [] : [file];
}

function addTo(args: unknown[], inherit: Inherit): void {
  const options = args[1] as { env?: unknown; execArgv?: unknown } | null | undefined;
  if (typeof options !== 'object' || options === null) return;
  const { env } = options;
  const isGiven = typeof env === 'object' && env !== null;
  if (!isGiven && !(Array.isArray(options.execArgv) && env == null)) return;
  const own = { ...(isGiven ? env : process.env) };
  args[1] = replaceIn(options, 'env', { ...own, ...inherit(own) });
}
