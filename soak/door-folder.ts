/** Where a soak's side door is: in a folder that nobody else can enter. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '../user-error.ts';

export interface DoorPlace {
  /** To listen on. */
  address: string;
  /** To be removed; null on Windows, where a pipe has no folder. */
  folder: string | null;
}

/** In its folder; the guard of a program removes it by this name. */
export const DOOR = 'door';
/** Bytes that a socket's path may have: macOS allows 103, Linux 107. */
const LONGEST = 103;

/** In the first of the folders `above` that will do. Throws `UserError`. */
export function makeDoorPlace(above: readonly string[] = usual()): DoorPlace {
  if (process.platform === 'win32') {
    return { address: `\\\\.\\pipe\\outlive-${randomBytes(16).toString('hex')}`, folder: null };
  }
  for (const each of above) {
    const folder = tryToMake(path.resolve(each));
    if (folder !== null) return { address: path.join(folder, DOOR), folder };
  }
  throw new UserError(
    `The soak cannot listen for the probe: no socket can be made in ${above.join(' or ')}. TMPDIR may name a folder with a shorter path that can be written.`,
  );
}

function usual(): string[] {
  const { XDG_RUNTIME_DIR: runtime } = process.env;
  return [...new Set([...(runtime && isOwnFolder(runtime) ? [runtime] : []), tmpdir(), '/tmp'])];
}

/** Null where it cannot be, or the path is too long. */
function tryToMake(above: string): string | null {
  try {
    const folder = mkdtempSync(path.join(above, 'outlive-'));
    if (Buffer.byteLength(path.join(folder, DOOR)) <= LONGEST) return folder;
    rmdirSync(folder);
    return null;
  } catch {
    return null;
  }
}

function isOwnFolder(folder: string): boolean {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === process.geteuid?.();
}
