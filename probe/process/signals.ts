/** OUTLIVE_SIGNALS=1: the report is written on SIGTERM and SIGINT too, and then the process dies by that signal. */
import { guarded } from './lapses.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** `last` is called only when nobody else listens: a program that handles its signals ends in its own way. */
export function onDeadlySignal(last: () => void): void {
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      if (process.listenerCount(signal) > 0) return;
      guarded('signals', last);
      process.kill(process.pid, signal);
    });
  }
}
