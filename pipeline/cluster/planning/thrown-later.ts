/** What a module throws after it was planned in this process, by a timer or a socket that it left: no reason to end. */
import { AsyncLocalStorage } from 'node:async_hooks';

/** The module's file, in all that it began while it was planned. */
const planned = new AsyncLocalStorage<string>();

export function asPlanned<T>(file: string, plan: () => T): T {
  return planned.run(file, plan);
}

/** Of this process. What anything else throws ends it as ever. */
export function hearThrownLater(tell: (file: string, error: unknown) => void): void {
  process.on('uncaughtException', (error) => {
    const file = planned.getStore();
    if (file === undefined) throw error;
    tell(file, error);
  });
}
