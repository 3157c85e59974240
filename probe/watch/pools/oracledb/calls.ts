/**
 * Which call of the service the driver is at work for, through all of its promises: a logon, or a statement whose result
 * set the service keeps. Where flows can be followed it is known by the async context; elsewhere by the stack of those
 * who await it, which lacks the callers that do not.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Request, Resource } from '../../../account/ledger.ts';
import type { Method } from '../../../process/around.ts';
import { asyncContextFrame } from '../../../process/runtime.ts';

export type StreamName = 'result set' | 'query stream' | 'LOB';

export interface Call {
  readonly what: 'logon' | StreamName;
  /** Null once nothing can come of it any more: sockets keep the context that they were made in. */
  request: Request | null;
  /** The lease that a LOB is asked for on: nothing else tells it when the LOB is there. */
  readonly owner?: Resource | null;
}

export class Calls {
  readonly #storage: AsyncLocalStorage<Call | null> | null = asyncContextFrame ? new AsyncLocalStorage() : null;

  /** False: who called is only known from the stack, at the end. */
  get areFollowed(): boolean {
    return this.#storage !== null;
  }

  current(): Call | null {
    return this.#storage?.getStore() ?? null;
  }

  /** Calls a method of the driver for `call`; other stores stay as the method leaves them. */
  run<T>(call: Call | null, method: Method, self: unknown, args: IArguments): T {
    const storage = this.#storage;
    const outer = this.current();
    if (!storage || outer === call) return Reflect.apply(method, self, args);
    storage.enterWith(call);
    try {
      return Reflect.apply(method, self, args);
    } finally {
      storage.enterWith(outer);
    }
  }
}
