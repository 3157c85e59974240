/** What the job manager's side knows of one task manager: which task is in which slot, and what it told last. */
import type { ConnectionAccount } from '../connections/factory.ts';
import type { FromTaskManager, Metrics, Task, ToTaskManager } from './protocol.ts';

export class TaskManagerEnd {
  readonly slots: number;
  readonly #send: (message: ToTaskManager) => void;
  /** By slot, from 1. */
  readonly #tasks = new Map<number, number>();
  #awaitsAccount: ((account: ConnectionAccount | null) => void)[] = [];
  /** Null until its first heartbeat. */
  metrics: Metrics | null = null;

  constructor(slots: number, send: (message: ToTaskManager) => void) {
    this.slots = slots;
    this.#send = send;
  }

  get free(): number {
    return this.slots - this.#tasks.size;
  }

  run(task: Task): void {
    let slot = 1;
    while (this.#tasks.has(slot)) slot++;
    this.#tasks.set(slot, task.id);
    this.#send({ do: 'run', task, slot });
  }

  cancel(task: number): void {
    if ([...this.#tasks.values()].includes(task)) this.#send({ do: 'cancel', task });
  }

  account(): Promise<ConnectionAccount | null> {
    const told = this.lastAccount();
    this.#send({ do: 'account' });
    return told;
  }

  /** The next that it tells, or null when it ends before. */
  lastAccount(): Promise<ConnectionAccount | null> {
    return new Promise((resolve) => this.#awaitsAccount.push(resolve));
  }

  hear(message: FromTaskManager): void {
    if (message.tells === 'alive') this.metrics = message.metrics;
    else if (message.tells === 'account') for (const tell of this.#awaitsAccount.splice(0)) tell(message.account);
    else if (message.tells === 'done' || message.tells === 'failed')
      for (const [slot, id] of this.#tasks) if (id === message.task) this.#tasks.delete(slot);
  }

  /** It is gone: the tasks that it was at. */
  ended(): number[] {
    const tasks = [...this.#tasks.values()];
    this.#tasks.clear();
    this.metrics = null;
    for (const tell of this.#awaitsAccount.splice(0)) tell(null);
    return tasks;
  }
}
