/** JSON lines, from whatever is left of them, one at a time: a recording may be larger than memory. */
import { closeSync, readSync } from 'node:fs';
import path from 'node:path';
import { openRegular } from './readable.ts';

/** Read at once: little at first, since most recordings are small and each process reads its own at its end. */
const FIRST_CHUNK = 16 * 1024;
const CHUNK = 1024 * 1024;
/** No line of ours is as long: it is skipped, not kept. */
const LONGEST = 64 * 1024 * 1024;
const NEWLINE = 10;

/**
 * Calls `onLine` for each line of the file that is JSON and sound, until it returns false. Returns what could not be
 * read, as a sentence, or null.
 */
export function readLines<Entry>(
  file: string,
  isSound: (line: unknown) => line is Entry,
  onLine: (line: Entry) => boolean,
): string | null {
  const name = path.basename(file);
  let skipped = 0;
  let isEmpty = true;
  const take = (bytes: Buffer): boolean => {
    const text = bytes.toString();
    if (text.trim() === '') return true;
    isEmpty = false;
    const line = parse(text);
    if (isSound(line)) return onLine(line);
    skipped++;
    return true;
  };
  try {
    const { rest, tooLong } = splitLines(file, take);
    skipped += tooLong;
    // a torn last line is what a kill leaves; more than that is damage
    const before = skipped;
    if (rest && take(rest) && skipped > before && parse(rest.toString()) === undefined) skipped--;
  } catch (error) {
    return `${name} cannot be read (${(error as NodeJS.ErrnoException).code}).`;
  }
  if (isEmpty) return `${name} is empty.`;
  return skipped > 0 ? `${name}: ${skipped} unreadable line${skipped === 1 ? ' was' : 's were'} skipped.` : null;
}

/** Undefined when it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Calls `take` for each whole line until it returns false; what stands behind the last line end is the rest. */
function splitLines(file: string, take: (line: Buffer) => boolean): { rest: Buffer | null; tooLong: number } {
  const descriptor = openRegular(file);
  try {
    let parts: Buffer[] = [];
    let length = 0;
    let tooLong = 0;
    for (let size = FIRST_CHUNK; ; size = Math.min(2 * size, CHUNK)) {
      const buffer = Buffer.allocUnsafe(size);
      const chunk = buffer.subarray(0, readSync(descriptor, buffer, 0, size, null));
      if (chunk.length === 0) break;
      let from = 0;
      for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
        if (length > LONGEST) tooLong++;
        else if (!take(Buffer.concat([...parts, chunk.subarray(from, to)]))) return { rest: null, tooLong };
        from = to + 1;
        parts = [];
        length = 0;
      }
      length += chunk.length - from;
      if (length > LONGEST) parts = [];
      else parts.push(chunk.subarray(from));
    }
    return length > LONGEST ? { rest: null, tooLong: tooLong + 1 } : { rest: Buffer.concat(parts), tooLong };
  } finally {
    closeSync(descriptor);
  }
}
