/** Where root attaches to another user's process: that user writes nothing in a folder of root's, and root follows no link of that user's. */
import {
  chownSync,
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeOwn } from '../probe/recording/own.ts';
import { isPassing } from '../probe/recording/snapshot-names.ts';

/** Gives `use` a folder that the process of user `uid` can write to; what it records there is in `folder` afterwards. */
export async function handedOver<T>(folder: string, uid: number, use: (folder: string) => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0 || uid === 0) return use(folder);
  const theirs = mkdtempSync(path.join(tmpdir(), 'outlive-attach-'));
  chownSync(theirs, uid, -1);
  try {
    return await use(theirs);
  } finally {
    const isOurs = (name: string) => name.endsWith('.jsonl') || isPassing(name);
    for (const name of readdirSync(theirs)) if (isOurs(name)) take(path.join(theirs, name), folder);
    rmSync(theirs, { recursive: true, force: true });
  }
}

function take(file: string, folder: string): void {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (fstatSync(descriptor).isFile())
      writeOwn(path.join(folder, path.basename(file)), readFileSync(descriptor, 'utf8'));
  } catch {
    // a link, or gone: the missing recording tells
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
