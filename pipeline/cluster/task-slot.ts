/** A lane of a task manager: one task at a time. */
import type { ConnectionFactory } from '../connections/factory.ts';
import type { Task, TaskBody } from './protocol.ts';

export class TaskSlot {
  readonly number: number;
  readonly #factory: ConnectionFactory;

  constructor(number: number, factory: ConnectionFactory) {
    this.number = number;
    this.#factory = factory;
  }

  /** Its connections are given up when the task has ended, however it ended. */
  async run({ id: _, module, ...task }: Task, signal: AbortSignal, tell: (note: unknown) => void): Promise<unknown> {
    const { default: exported } = (await import(module)) as { default: TaskBody | { run: TaskBody } };
    const body = typeof exported === 'function' ? exported : exported.run;
    const connections = this.#factory.connectionsFor({ job: task.job, slot: this.number });
    const isLogonError = (error: unknown) => this.#factory.isLogonError(error);
    try {
      return await body({ ...task, slot: this.number, connections, signal, isLogonError, tell });
    } finally {
      await connections.close();
    }
  }
}
