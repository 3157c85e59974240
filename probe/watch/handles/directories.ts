/**
 * Directories that are open to be read entry by entry: fs.opendir, fs.opendirSync and that of node:fs/promises. Each has a
 * descriptor until it is closed, or was read to its end by `for await`, which closes it on every path. One that is
 * collected before is proven to be lost; Node itself then warns of it.
 */
import fs from 'node:fs';
import type { Request } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { guarded } from '../../process/lapses.ts';
import { hearing } from '../../process/outcome.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'files' satisfies AdapterName;

/** Returns what watches node:fs/promises too, once it is there. */
export function watchDirectories(desk: Desk): (promises: object) => void {
  const closed = new WeakSet<fs.Dir>();
  const directories = new Entered<fs.Dir>(desk, {
    ...{ adapter: PART, nature: 'directory', library: 'fs.opendir' },
    hasEnded: (directory) => closed.has(directory),
    isLostWithObject: true,
  });
  const close = (directory: fs.Dir, wrapper: Method): void => {
    closed.add(directory);
    directories.closed(directory, wrapper);
  };
  // each is closed through these, also by the end of its loop
  for (const method of ['close', 'closeSync'] as const) {
    around<fs.Dir>(PART, fs.Dir.prototype, method, { before: (self, _, __, wrapper) => close(self, wrapper) });
  }
  const asked = (wrapper: Method): Request | null => directories.askedByUser(wrapper);
  around<object, Request | null>(PART, fs, 'opendirSync', {
    before: (_, __, ___, wrapper) => asked(wrapper),
    after: (_, directory: fs.Dir, request) => {
      if (request) directories.enter(request, directory);
    },
  });
  around<object, Request | null>(PART, fs, 'opendir', {
    before: (_, __, ___, wrapper) => asked(wrapper),
    callback: (callback, request = null) =>
      function opens(this: unknown, error: unknown, directory: unknown): unknown {
        if (!error && request) guarded(PART, () => directories.enter(request, directory as fs.Dir));
        return Reflect.apply(callback, this, arguments);
      },
  });
  return (promises) => {
    around<object, Request | null>(PART, promises, 'opendir', {
      before: (_, __, ___, wrapper) => asked(wrapper),
      call(method, self, args, request) {
        const opening: Promise<fs.Dir> = Reflect.apply(method, self, args);
        if (!request) return opening;
        const { mark } = request;
        const opened = (directory: fs.Dir): void => directories.enter(request, directory);
        const told = hearing(PART, opening, opened, () => desk.flows.failed(mark));
        // at once: who awaits it goes on with the mark
        desk.flows.enter(mark);
        return told;
      },
    });
  };
}
