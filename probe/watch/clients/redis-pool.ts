/**
 * Pools of node-redis 5 and 6. They lend a client for the time of a task, and have it back when the task's promise is
 * settled: one that never is keeps its client for good. The pool handles that promise itself, so to listen to it too
 * changes nothing of what is told as unhandled.
 */
import { types } from 'node:util';
import type { Request, Resource, Source } from '../../account/ledger.ts';
import type { PoolState } from '../../account/pool-state.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { guarded } from '../../process/lapses.ts';
import type { Desk } from '../desk.ts';

const PART = 'redis' satisfies AdapterName;

interface Pool {
  _self?: Pool;
  clientsInUse: number;
  idleClients: number;
  tasksQueueLength: number;
}

interface Asked {
  request: Request;
  wrapper: Method;
}

export class RedisPools {
  readonly #desk: Desk;
  readonly #sources: WeakMap<Pool, Source & { pool: PoolState }> = new WeakMap();

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  watch(prototype: object): void {
    const { flows } = this.#desk;
    around<Pool, Asked>(PART, prototype, 'execute', {
      before: (pool, _, __, wrapper) => ({
        request: this.#desk.ask(this.#sourceOf(pool._self ?? pool), wrapper),
        wrapper,
      }),
      callback: (task, asked) => (asked ? this.#lending(flows.bind(task, asked.request.mark), asked) : task),
      within: flows.unmarked(),
    });
  }

  #sourceOf(pool: Pool): Source & { pool: PoolState } {
    const known = this.#sources.get(pool);
    if (known) return known;
    const weak = new WeakRef(pool);
    const gauges = () => {
      const alive = weak.deref();
      if (!alive) return null;
      const { clientsInUse: used, idleClients: idle, tasksQueueLength: pending } = alive;
      return { used, idle, pending };
    };
    const source = this.#desk.pool({ adapter: PART, library: `${PART} pool`, name: null, max: 0, gauges });
    this.#sources.set(pool, source);
    return source;
  }

  /** The task, from whose begin to whose end the client is lent. */
  #lending(task: Method, { request, wrapper }: Asked): Method {
    const desk = this.#desk;
    const close = (lease: Resource | undefined): void => {
      if (lease?.closed === false) guarded(PART, () => desk.close(lease, wrapper));
    };
    return function lent(this: unknown): unknown {
      const lease = guarded(PART, () => desk.open(request));
      let result: unknown;
      try {
        result = Reflect.apply(task, this, arguments);
      } catch (error) {
        close(lease);
        throw error;
      }
      const done = (): void => close(lease);
      // of whatever realm: Jest's tests have promises of their own
      if (types.isPromise(result)) {
        // by it alone the client comes back: once it was collected, nobody can settle it any more
        if (lease) lease.handle = new WeakRef(result);
        result.then(done, done);
      } else done();
      return result;
    };
  }
}
