/** Timers that are set and cleared at once; now and then a turn of the event loop, as a service has. */
import { setImmediate as turn } from 'node:timers/promises';
import { metered } from './meter.ts';

const TURN = 100;
const nothing = (): void => {};

const kinds: Record<string, () => void> = {
  timeout: () => clearTimeout(setTimeout(nothing, 1000)),
  interval: () => clearInterval(setInterval(nothing, 1000)),
};
const setAndClear = kinds[process.argv[2] ?? ''] as () => void;

metered(async (units) => {
  for (let i = 0; i < units; i++) {
    setAndClear();
    if (i % TURN === 0) await turn();
  }
});
