/** A lane of a task manager: one task at a time. */
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { UserError } from '../../user-error.ts';
import type { ConnectionFactory } from '../connections/factory.ts';
import { HeapRoom } from './planning/heap-room.ts';
import { loadInContext } from './planning/module-context.ts';
import type { Isolation, Task, TaskBody } from './protocol.ts';
import { PIPELINE_TASK } from './run-pipeline.ts';

type Load = (module: string) => Promise<TaskBody>;

/** How the modules of jobs come into a task manager. */
export function loaderOf(isolation: Isolation): Load {
  if (isolation === 'none') return loadOnce;
  // a thread that runs out of memory ends alone
  const room = isMainThread ? new HeapRoom() : null;
  return async (module) => {
    // the pipeline's own is the same for all jobs
    if (module === PIPELINE_TASK.href) return loadOnce(module);
    const load = () => bodyOf(loadInContext(fileURLToPath(module), { limitMs: LOAD_LIMIT_MS }));
    return room ? room.take(load) : load();
  };
}

const LOAD_LIMIT_MS = 60_000;

async function loadOnce(module: string): Promise<TaskBody> {
  return bodyOf(((await import(module)) as { default: unknown }).default);
}

/** Throws `UserError`. */
function bodyOf(exported: unknown): TaskBody {
  const body = typeof exported === 'function' ? exported : (exported as { run?: unknown } | null)?.run;
  if (typeof body !== 'function') throw new UserError('The module of the job exports no function "run".');
  return body as TaskBody;
}

export class TaskSlot {
  readonly number: number;
  readonly #factory: ConnectionFactory;
  readonly #load: Load;

  constructor(number: number, factory: ConnectionFactory, load: Load) {
    this.number = number;
    this.#factory = factory;
    this.#load = load;
  }

  /** Its connections are given up when the task has ended, however it ended. */
  async run(
    { id: _, key: __, module, ...task }: Task,
    signal: AbortSignal,
    tell: (note: unknown) => void,
  ): Promise<unknown> {
    const body = await this.#load(module);
    const connections = this.#factory.connectionsFor({ job: task.job, slot: this.number });
    const isLogonError = (error: unknown) => this.#factory.isLogonError(error);
    try {
      return await body({ ...task, slot: this.number, connections, signal, isLogonError, tell });
    } finally {
      await connections.close();
    }
  }
}
