/** The preload: `node --require outlive/register app.js`. Loading it twice does nothing more. */
import { fault } from './faults.ts';
import { PROBE, startProbe } from './probe.ts';

const place = globalThis as { [PROBE]?: unknown };
if (place[PROBE] === undefined) {
  try {
    Object.defineProperty(place, PROBE, { value: startProbe(), configurable: true });
  } catch {
    fault('start');
  }
}
