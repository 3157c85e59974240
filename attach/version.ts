/** Which Node.js a program is, from its file alone: an old one may end when its inspector is closed again. */
import { closeSync, openSync, readSync } from 'node:fs';

/** What its inspector says that it is. */
const MARK = 'node.js/v';
const CHUNK = 8 * 1024 * 1024;
const OVERLAP = 64;
const OLDEST = [20, 19] as const;

/** As in `process.version`. Null: the file cannot be read, or Node.js is in a library beside it. */
export function versionIn(file: string): string | null {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, 'r');
    const chunk = Buffer.alloc(CHUNK + OVERLAP);
    for (let kept = 0, length = -1; length !== 0; ) {
      length = readSync(descriptor, chunk, kept, CHUNK, null);
      const part = chunk.subarray(0, kept + length);
      for (let at = part.indexOf(MARK); at >= 0; at = part.indexOf(MARK, at + 1)) {
        const [, version] = /^node\.js\/(v\d+\.\d+\.\d+)/.exec(part.toString('latin1', at, at + OVERLAP / 2)) ?? [];
        if (version !== undefined) return version;
      }
      kept = Math.min(OVERLAP, part.length);
      part.copy(chunk, 0, part.length - kept);
    }
    return null;
  } catch {
    return null;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/** A sentence that says so; null: it is not too old. */
export function tooOld(pid: number, version: string): string | null {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return null;
  return `Process ${pid} runs Node.js ${version}; outlive needs ${OLDEST.join('.')} or later.`;
}
