/** Which files an input means. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UserError } from '../../user-error.ts';
import { Unusable } from './record.ts';

export interface InputFile {
  /** Absolute: progress is kept under it. */
  path: string;
  /** Null when it cannot be read, and `problem` says why. */
  bytes: number | null;
  problem: Unusable | null;
}

/** Firehose and Connector Hub write names without an ending. */
const INPUT_NAME = /(\.(json|jsonl|ndjson|log)(\.gz)?|\.gz|\/[^./]+)$/i;

/** Throws `UserError` when there is nothing at `path`. */
export async function mustExist(path: string): Promise<void> {
  const missing = await stat(path).then(
    () => false,
    () => true,
  );
  if (missing) throw new UserError(`There is no input file or folder at ${path}.`);
}

/** All files below a folder, in a fixed order, or the one file. Throws `UserError` when there is nothing at `path`. */
export async function* filesOf(path: string): AsyncIterable<InputFile> {
  await mustExist(path);
  const root = resolve(path);
  if (!(await stat(root)).isDirectory()) {
    yield await inputFile(root);
    return;
  }
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of paths.sort()) {
    const input = await inputFile(file);
    if (input.problem === null && !INPUT_NAME.test(file)) {
      input.problem = new Unusable(
        'unknown-file',
        'not named .json, .jsonl, .ndjson or .log, nor .gz, nor without an ending',
      );
    }
    yield input;
  }
}

async function inputFile(path: string): Promise<InputFile> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return { path, bytes: null, problem: new Unusable('unreadable', 'not a regular file') };
    return { path, bytes: found.size, problem: null };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { path, bytes: null, problem: new Unusable('unreadable', `cannot be read: ${code}`) };
  }
}

export function chunksOf(path: string): AsyncIterable<Buffer> {
  return createReadStream(path, { highWaterMark: 256 * 1024 });
}
