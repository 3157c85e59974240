/**
 * Interfaces of node:readline, which is not loaded for it: each one listens for its own `close` while it is being made,
 * and that is what tells. Also of node:readline/promises and of subclasses.
 */
import { EventEmitter } from 'node:events';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'readline' satisfies AdapterName;

interface LineReader extends EventEmitter {
  closed?: boolean;
  /** Set before it listens. */
  crlfDelay?: number;
}

export function watchLineReaders(desk: Desk): void {
  const readers = new Entered<LineReader>(desk, {
    ...{ adapter: PART, nature: 'line reader', library: 'readline' },
    hasEnded: ({ closed }) => closed === true,
  });
  around<LineReader>(PART, EventEmitter.prototype, 'once', {
    before: (emitter, event, _, wrapper) => {
      if (event !== 'close' || emitter.crlfDelay === undefined || emitter.closed === true) return;
      readers.learnEnd(emitter, 'close');
      readers.opened(emitter, wrapper);
    },
  });
}
