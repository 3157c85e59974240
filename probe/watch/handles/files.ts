/**
 * Files that are open: FileHandles of node:fs/promises, descriptors of fs.open and fs.openSync, streams (see
 * file-streams.ts), and directories (directories.ts). What Node opens for itself (readFile) is not entered.
 *
 * A FileHandle that is collected while its file is open is proven to be lost; Node itself then warns of it. Of a
 * descriptor nobody can tell who still knows the number: whether it is open is asked of the system.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { Request } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { guarded } from '../../process/lapses.ts';
import { hearing } from '../../process/outcome.ts';
import { noteStreamedFile } from '../../process/streamed-files.ts';
import type { Desk } from '../desk.ts';
import { watchDirectories } from './directories.ts';
import { Entered } from './entered.ts';
import { watchFileStreams } from './file-streams.ts';
import { onceLoaded } from './once-loaded.ts';

const PART = 'files' satisfies AdapterName;

/** A number's own object: what is open by it now is another one than before. */
interface Descriptor {
  readonly fd: number;
  /** Of which file it is, where to ask holds nobody up: what is closed unseen, others may have the number of. */
  readonly file: string | null;
}

interface FileHandle {
  readonly fd: number;
}

export function watchFiles(desk: Desk): void {
  watchFileStreams(desk);
  watchDescriptors(desk, watchHandlesOnceLoaded(desk, watchDirectories(desk)));
  around(PART, fs, 'openAsBlob', { before: noteStreamedFile });
}

/** `onOpening`: Node's loader of ES modules opens files by it, too. */
function watchDescriptors(desk: Desk, onOpening: () => void): void {
  // taken before anything is patched
  const { fstatSync } = fs;
  /** Null where it is no file. */
  const fileOf = (fd: number): string | null => {
    try {
      const it = fstatSync(fd);
      const isFile = it.isFile() || it.isDirectory() || it.isCharacterDevice() || it.isBlockDevice();
      return isFile ? `${it.dev} ${it.ino}` : null;
    } catch {
      return null;
    }
  };
  const files = new Entered<Descriptor>(desk, {
    ...{ adapter: PART, nature: 'file descriptor', library: 'fs' },
    hasEnded: ({ fd, file }) => {
      const now = fileOf(fd);
      return now === null || (file !== null && now !== file);
    },
  });
  /** Kept here, since nobody else has them. */
  const byNumber = new Map<number, Descriptor>();
  const opened = (request: Request | null, fd: unknown, isSync: boolean, wrapper: Method): void => {
    if (typeof fd !== 'number') return;
    const before = byNumber.get(fd);
    byNumber.delete(fd);
    // closed unseen, since its number is given out again
    if (before !== undefined) files.closed(before, wrapper);
    if (request === null) return;
    const descriptor = { fd, file: isSync ? fileOf(fd) : null };
    byNumber.set(fd, descriptor);
    files.enter(request, descriptor);
  };
  around<object, Request | null>(PART, fs, 'openSync', {
    before: (_, __, ___, wrapper) => {
      onOpening();
      return files.askedByUser(wrapper);
    },
    after: (_, fd: number, request = null, wrapper) => opened(request, fd, true, wrapper),
  });
  around<object, Request | null>(PART, fs, 'open', {
    before: (_, __, ___, wrapper) => files.askedByUser(wrapper),
    callback: (callback, request = null) =>
      function opens(this: unknown, error: unknown, fd: unknown): unknown {
        if (error === null) guarded(PART, opened, request, fd, false, opens);
        return Reflect.apply(callback, this, arguments);
      },
  });
  for (const name of ['close', 'closeSync'] as const) {
    around<object>(PART, fs, name, {
      before: (_, fd, __, wrapper) => {
        const descriptor = byNumber.get(fd as number);
        if (descriptor === undefined) return;
        byNumber.delete(fd as number);
        files.closed(descriptor, wrapper);
      },
    });
  }
}

/** node:fs/promises is loaded late, and tells nobody. Returns what looks whether it is there. */
function watchHandlesOnceLoaded(desk: Desk, watchMore: (promises: object) => void): () => void {
  const look = onceLoaded(desk, PART, 'internal/fs/promises', () => {
    watchFileHandles(desk);
    watchMore(process.getBuiltinModule('node:fs/promises'));
    syncBuiltinESMExports();
  });
  const descriptor = Object.getOwnPropertyDescriptor(fs, 'promises');
  if (descriptor?.get !== undefined) {
    around<object>(PART, descriptor, 'get', { after: look });
    Object.defineProperty(fs, 'promises', descriptor);
  }
  return look;
}

function watchFileHandles(desk: Desk): void {
  // by the one of Node's own beneath each, through which it is closed in every way
  const handles = new WeakMap<object, WeakRef<FileHandle>>();
  const files = new Entered<FileHandle>(desk, {
    ...{ adapter: PART, nature: 'file handle', library: 'fs.promises' },
    hasEnded: ({ fd }) => fd === -1,
    isLostWithObject: true,
  });
  let prototype: object | null = null;
  const opened = (request: Request, handle: FileHandle): void => {
    if (prototype === null) {
      prototype = Object.getPrototypeOf(handle) as object;
      around(PART, prototype, 'readableWebStream', { before: noteStreamedFile });
    }
    const beneath = beneathOf(handle);
    if (beneath === undefined) return;
    handles.set(beneath, new WeakRef(handle));
    for (const method of ['close', 'releaseFD']) files.learnEnd(beneath, method, (self) => handles.get(self)?.deref());
    files.enter(request, handle);
  };
  around<object, Request | null>(PART, process.getBuiltinModule('node:fs/promises'), 'open', {
    before: (_, __, ___, wrapper) => files.askedByUser(wrapper),
    call(method, self, args, request) {
      const opening: Promise<FileHandle> = Reflect.apply(method, self, args);
      if (!request) return opening;
      const { mark } = request;
      const told = hearing(
        PART,
        opening,
        (handle) => opened(request, handle),
        () => desk.flows.failed(mark),
      );
      // at once: who awaits it goes on with the mark
      desk.flows.enter(mark);
      return told;
    },
  });
}

function beneathOf(handle: FileHandle): object | undefined {
  const key = Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'kHandle');
  return key === undefined ? undefined : (handle as unknown as Record<symbol, object>)[key];
}
