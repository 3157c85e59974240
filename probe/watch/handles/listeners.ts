/**
 * What Node itself says of listeners: it warns once, when an emitter or an event target gets more listeners of one event
 * than its limit, and the line that adds that one is on the stack. Costs nothing until then. The warning goes its way.
 */
import type { EventEmitter } from 'node:events';
import type { Crowd } from '../../account/crowd.ts';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import type { Desk } from '../desk.ts';

const PART = 'listeners' satisfies AdapterName;
/** Warnings that are remembered; Node gives one for each emitter and event. */
const MAX_CROWDS = 200;

/** As Node attaches it to its warning. */
interface Warning {
  count: number;
  type: string | symbol;
  emitter?: EventEmitter;
  target?: EventTarget;
}

/** Adds to `crowds` whatever Node warns of. */
export function watchListeners(desk: Desk, crowds: Crowd[]): void {
  around(PART, process, 'emitWarning', {
    before: (_, warning, __, wrapper) => {
      const emitter = isTold(warning) ? (warning.emitter ?? warning.target) : undefined;
      if (emitter === undefined || crowds.length >= MAX_CROWDS) return;
      const { type: event, count: warnedAt } = warning as Warning;
      const site = desk.siteHere(wrapper);
      if (site === null) return;
      crowds.push({
        ...{
          emitter: new WeakRef(emitter),
          name: String(emitter.constructor?.name ?? 'EventEmitter'),
          event,
          warnedAt,
        },
        ...{ site, isOfScope: desk.scope() !== null },
      });
    },
  });
}

/** As Node gives it. */
export function isTold(warning: unknown): warning is Warning {
  return warning instanceof Error && warning.name === 'MaxListenersExceededWarning' && 'count' in warning;
}
