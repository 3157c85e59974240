/** OUTLIVE_SIGNALS=1: the report is written on SIGTERM and SIGINT too, and then the process dies by that signal, or exits as if. */
import { guarded } from './lapses.ts';

/** As they are everywhere. */
const SIGNALS = { SIGTERM: 15, SIGINT: 2 };

/** `last` is called only when nobody else listens: a program that handles its signals ends in its own way. */
export function onDeadlySignal(last: () => void): void {
  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.once(signal, () => {
      if (process.listenerCount(signal) > 0) return;
      guarded('signals', last);
      process.kill(process.pid, signal);
      // the first process of a container does not die of a signal that it sends itself: as a shell tells such a death
      if (process.pid === 1) process.exit(128 + number);
    });
  }
}
