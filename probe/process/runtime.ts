/**
 * What the probe uses of the runtime, taken before anything is patched, so that its own work is never watched and a
 * service that replaces globals (fake timers, frozen clocks) does not stop it.
 */
import fs from 'node:fs';
import workers from 'node:worker_threads';

export const { closeSync, fstatSync, openSync, readFileSync, readSync, rmSync, statfsSync, writeSync }: typeof fs = fs;

const { existsSync } = fs;

/** Where Node's permission model lets nobody look, nothing is there: `existsSync` would throw. */
export function exists(file: string): boolean {
  try {
    return existsSync(file);
  } catch {
    return false;
  }
}

const { hrtime } = process;
const [zero] = hrtime();

/** Milliseconds, monotonic. Not `performance.now`: to load Node's perf_hooks is a tenth of what a start costs. */
export function now(): number {
  const [seconds, nanoseconds] = hrtime();
  return (seconds - zero) * 1000 + nanoseconds / 1e6;
}

type Usage = () => { user: number; system: number };
/** Of this thread where Node.js tells it (from 24), else of the process. */
const usage: Usage = ((process as { threadCpuUsage?: Usage }).threadCpuUsage ?? process.cpuUsage).bind(process);

/** Milliseconds of CPU time: unlike `now`, it stands still while other processes have their turn. A microsecond a call. */
export function cpuNow(): number {
  return cpuMs(usage());
}

export function cpuMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

export const wallClock: () => number = Date.now.bind(Date);

/** A promise whose `then` makes no further promise. */
class Settled extends Promise<void> {
  static override get [Symbol.species](): PromiseConstructor {
    return NoPromise as unknown as PromiseConstructor;
  }
}
class NoPromise {
  constructor(executor: (resolve: () => void, reject: () => void) => void) {
    executor(nothing, nothing);
  }
}
function nothing(): void {}

/**
 * Runs `task` as a microtask that no async hook and no promise hook of the service's sees: they are told of promises, and
 * by queueMicrotask of a resource of its own. What it throws is dropped.
 */
export const microtask: (task: () => void) => void = Promise.prototype.then.bind(Settled.resolve());

export const { Worker: OriginalWorker } = workers;

const { setInterval: originalSetInterval, clearInterval: originalClearInterval } = globalThis;
const { setTimeout: originalSetTimeout } = globalThis;

/** A timer that never holds the process open; returns what stops it. */
export function every(milliseconds: number, task: () => void): () => void {
  const timer = originalSetInterval(task, milliseconds).unref();
  return () => originalClearInterval(timer);
}

/** Once, without holding the process open. */
export function later(milliseconds: number, task: () => void): NodeJS.Timeout {
  return originalSetTimeout(task, milliseconds).unref();
}

export const nodeMajor: number = Number(process.versions.node.split('.')[0]);

/** AsyncLocalStorage costs next to nothing only where Node keeps it in a context frame (default from 24). */
export const asyncContextFrame: boolean = ((): boolean => {
  const flags = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(' ')];
  if (flags.includes('--no-async-context-frame')) return false;
  return nodeMajor >= 24 || flags.includes('--experimental-async-context-frame');
})();
