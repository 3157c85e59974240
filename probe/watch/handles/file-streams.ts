/**
 * Streams of fs.createReadStream and fs.createWriteStream that open their file themselves. One that is collected before
 * it was ended has lost its descriptor for good, as a file handle has: `proven`.
 *
 * False negatives: `new fs.ReadStream()`, and what graceful-fs makes in its place.
 */
import fs from 'node:fs';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'files' satisfies AdapterName;

type FileStream = (fs.ReadStream | fs.WriteStream) & { fd: number | null };

export function watchFileStreams(desk: Desk): void {
  for (const name of ['createReadStream', 'createWriteStream'] as const) {
    const streams = new Entered<FileStream>(desk, {
      ...{ adapter: PART, nature: 'file stream', library: `fs.${name}` },
      hasEnded: ({ destroyed }) => destroyed,
      isLostWithObject: true,
      pulse: (stream) => ('bytesRead' in stream ? stream.bytesRead : stream.bytesWritten),
    });
    around<object>(PART, fs, name, {
      after: (_, stream: FileStream, __, wrapper) => {
        // a descriptor that it was given is entered where it was opened
        if (stream.fd !== null) return;
        streams.learnEnd(stream, '_destroy');
        streams.openedByUser(stream, wrapper);
      },
    });
  }
}
