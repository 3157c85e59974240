/**
 * Worker threads inherit preloads, except those that are given arguments or an environment of their own. Whatever they
 * are given, the thread sees just that: the probe takes out what it put in before the thread's first line runs.
 *
 * - Arguments of their own: the preload is one more of them.
 * - An environment of their own: the preload is in its NODE_OPTIONS. Node.js accepts options of the whole process there
 *   (`--title=x`) only while they are the same as the parent's, so the parent's are alike for the moment of the start.
 */
import workers from 'node:worker_threads';
import { around } from '../process/around.ts';
import { guarded } from '../process/lapses.ts';
import { handDownArguments, type Inherit, isPreloaded, type OnStarted, preload, replaceIn } from './inherit.ts';

const PART = 'workers';

export function handDownToWorkers(register: string, inherit: Inherit, started: OnStarted): void {
  const { Worker } = workers;
  const scripts = new WeakMap<workers.Worker, string[]>();
  const tell = (worker: workers.Worker): void => {
    const script = scripts.get(worker);
    if (script) started(process.pid, worker.threadId, script);
  };
  const tellsRunning = onRunning(tell);
  // a proxy: a class cannot be called by a function that stands in for it
  const proxy: typeof Worker = new Proxy(Worker, {
    construct(target, args, newTarget) {
      const restore = guarded(PART, () => addTo(args, register, inherit));
      try {
        const worker = Reflect.construct(target, args, newTarget === proxy ? target : newTarget);
        guarded(PART, () => {
          scripts.set(worker, scriptOf(args));
          if (!tellsRunning) tell(worker);
        });
        return worker;
      } finally {
        restore?.();
      }
    },
  });
  const descriptor = Object.getOwnPropertyDescriptor(workers, 'Worker');
  Object.defineProperty(workers, 'Worker', { ...descriptor, value: proxy });
  Worker.prototype.constructor = proxy;
}

/** Of each thread whose program is about to run: one that is ended before has none of it. False where Node does not tell. */
function onRunning(told: (worker: workers.Worker) => void): boolean {
  const { prototype } = workers.Worker;
  const key = Object.getOwnPropertySymbols(prototype).find(({ description }) => description === 'kOnMessage');
  if (key === undefined) return false;
  return around<workers.Worker>(PART, prototype, [key], {
    before: (worker, message) => {
      if ((message as { type?: unknown }).type === 'upAndRunning') told(worker);
    },
  });
}

/** The file; the program of an `eval` thread may be long, and say too much. */
function scriptOf([script, options]: readonly unknown[]): string[] {
  const file = String(script);
  return (options as { eval?: unknown } | undefined)?.eval || file.startsWith('data:') ? [] : [file];
}

/** Returns what to do when the thread has been started. */
function addTo(args: unknown[], register: string, inherit: Inherit): (() => void) | undefined {
  const { env, execArgv } = (args[1] ?? {}) as { env?: unknown; execArgv?: unknown };
  const given = Array.isArray(execArgv) ? execArgv.map(String) : null;
  const isOwn = typeof env === 'object' && env !== null;
  const variables = (isOwn ? env : process.env) as NodeJS.ProcessEnv;
  const isInherited = isPreloaded(variables.NODE_OPTIONS, register);
  handDownArguments(given && !isInherited);
  if (isInherited) return;
  if (given) args[1] = replaceIn(args[1] as object, 'execArgv', [...preload(register), ...given]);
  else if (isOwn && !process.execArgv.includes(register)) return addToEnvironment(args, variables, inherit);
}

function addToEnvironment(args: unknown[], env: NodeJS.ProcessEnv, inherit: Inherit): (() => void) | undefined {
  const added = inherit(env);
  args[1] = replaceIn(args[1] as object, 'env', { ...env, ...added });
  const { NODE_OPTIONS: own } = process.env;
  if (!own || env.NODE_OPTIONS !== own) return;
  process.env.NODE_OPTIONS = added.NODE_OPTIONS;
  return () => {
    process.env.NODE_OPTIONS = own;
  };
}
