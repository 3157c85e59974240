/**
 * fs.watch, also recursive, and fs.watchFile. Of one file that is watched twice by watchFile there is one watcher.
 */
import fs from 'node:fs';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'watchers' satisfies AdapterName;

/** `close` of one kind, `stop` of the other. */
type End = 'close' | 'stop';

/** Node's own; null once it was ended. A recursive one on Linux has none. */
interface Watcher {
  _handle?: object | null;
}

export function watchWatchers(desk: Desk): void {
  watch(desk, 'watch', 'close');
  watch(desk, 'watchFile', 'stop');
}

function watch(desk: Desk, name: 'watch' | 'watchFile', end: End): void {
  const watchers = new Entered<Watcher>(desk, {
    ...{ adapter: PART, nature: 'watcher', library: `fs.${name}` },
    hasEnded: ({ _handle }) => _handle === null,
  });
  // a recursive one makes many others
  let depth = 0;
  around<object>(PART, fs, name, {
    before: () => {
      depth++;
    },
    call: (method, self, args) => desk.flows.branch(method, self, args),
    after: (_, watcher: Watcher, __, wrapper) => {
      if (depth > 1) return;
      watchers.learnEnd(watcher, end);
      watchers.openedByUser(watcher, wrapper);
    },
    finally: () => {
      depth--;
    },
  });
}
