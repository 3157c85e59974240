/**
 * Sees the end of the process without a listener, which the service could count, and after the service's own exit
 * handlers, which may still give things back. Every road of an orderly exit goes through `process.emit('exit')`; a
 * nested `process.exit()` inside a handler ends in `process.reallyExit`.
 */
import { EventEmitter } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { isMainThread } from 'node:worker_threads';
import { around } from './around.ts';
import { disguise } from './disguise.ts';
import { waitForCompilers } from './gc.ts';
import { guarded } from './lapses.ts';
import { onLeave, putBack } from './leaving.ts';

/** As a shell reports SIGABRT. */
const ABORTED = 134;

export interface Ending {
  end: 'exit' | 'crash' | 'signal';
  code: number;
  /** The event loop ran dry: nothing more could have happened. */
  isDrained: boolean;
}

/**
 * What runs now for the first time V8 would have compiled by threads of its own. One that has to wait for a collection while
 * Node waits for its threads to end does so for ever, and Node with it (nodejs/node issue 54918): so one kind of them is not
 * asked any more, and the others are waited for by V8 itself, which knows of that.
 */
function compileHere(): void {
  if (isMainThread) setFlagsFromString('--no-concurrent-sparkplug');
}

export function onExit(last: (ending: Ending) => void): void {
  let isDone = false;
  let isCrash = false;
  const finish = (code: number, isDrained: boolean): void => {
    if (isDone) return;
    isDone = true;
    guarded('exit', compileHere);
    guarded('exit', () => last({ end: isCrash ? 'crash' : 'exit', code, isDrained }));
    // not guarded: by then all parts may be off
    if (isMainThread) waitForCompilers();
  };

  let isDrained = false;
  // on process's own prototype: other emitters keep the unpatched one, which is looked up anew as others patch it too
  const prototype = Object.getPrototypeOf(process);
  const descriptor = Object.getOwnPropertyDescriptor(EventEmitter.prototype, 'emit') as PropertyDescriptor;
  const inherited = Object.getPrototypeOf(prototype) as EventEmitter;
  const emit = function emit(this: typeof process, event: string): boolean {
    if (event === 'beforeExit') isDrained = true;
    else if (event === 'uncaughtExceptionMonitor') isCrash = true;
    let isThrown = true;
    try {
      const handled = Reflect.apply(inherited.emit, this, arguments as unknown as [string]);
      if (event === 'uncaughtException' && handled) isCrash = false;
      isThrown = false;
      return handled;
    } finally {
      if (event === 'exit') {
        isCrash ||= isThrown;
        finish(Number(process.exitCode ?? (isThrown ? 1 : (arguments[1] ?? 0))), isDrained && !isCrash);
      }
    }
  };
  const value = disguise(emit, EventEmitter.prototype.emit);
  Object.defineProperty(prototype, 'emit', { ...descriptor, value });
  onLeave(() => putBack(prototype, 'emit', value, undefined));
  // it is the program's own wish; without this line it would be taken for V8's, which ends so where its heap is full
  if (isMainThread) {
    around('exit', process, 'abort', {
      before: () => {
        isCrash = true;
        finish(ABORTED, false);
      },
    });
  }
  around('exit', process, 'reallyExit', {
    before: (_, code) => finish(Number(code ?? process.exitCode ?? 0), false),
  });
}
