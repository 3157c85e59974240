/** Reads files that a recording, or a folder, names: it may come from anywhere. */
import fs from 'node:fs';

/** Taken before the probe itself puts others in their places. */
const { closeSync, constants, fstatSync, openSync, readFileSync } = fs;

const { O_RDONLY } = constants;
// Windows has none
const { O_NONBLOCK = 0 } = constants as Partial<typeof constants>;

/** Bytes of a text: the largest bundles are not as large. */
const LARGEST = 64 * 1024 * 1024;

/** A descriptor. Throws where it is no regular file: nobody waits at a FIFO, or reads a device to its end. */
export function openRegular(file: string): number {
  const descriptor = openSync(file, O_RDONLY | O_NONBLOCK);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw Object.assign(new Error(`${file} is no file`), { code: 'it is no file' });
}

/** Null when it cannot be read, or is too large. */
export function textOf(file: string): string | null {
  let descriptor: number | null = null;
  try {
    descriptor = openRegular(file);
    return fstatSync(descriptor).size > LARGEST ? null : readFileSync(descriptor, 'utf8');
  } catch {
    return null;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
