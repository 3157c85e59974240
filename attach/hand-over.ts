/**
 * Where the process does not see or own the same files: root attaches to another user's, or to one with a file system of
 * its own (a container, systemd's PrivateTmp). Then the probe is copied to where that process can load it, and it records
 * beside it: no user writes in a folder of root's, and root follows no link of that user's.
 */
import {
  chmodSync,
  closeSync,
  constants,
  cpSync,
  fchownSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeOwn } from '../probe/recording/own.ts';
import { isPassing } from '../probe/recording/snapshot-names.ts';
import { UserError } from '../user-error.ts';
import type { ProcessFacts } from './proc.ts';

const PROBE = fileURLToPath(new URL('../probe', import.meta.url));
/** Where any user may write; the second, where the first is read-only. */
const SHARED = ['tmp', 'dev/shm', 'var/tmp'];
const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** As the process sees them: where it is to write, and where it finds the probe. */
export interface Places {
  folder: string;
  probe: string;
}

/** Gives `use` places that the process can write to and load from; what it records is in `folder` afterwards. */
export async function handedOver<T>(
  folder: string,
  facts: ProcessFacts,
  use: (places: Places) => Promise<T>,
): Promise<T> {
  const { uid, ownFiles } = facts;
  const isAnotherUsers = process.getuid?.() === 0 && uid !== 0;
  if (ownFiles === null && !isAnotherUsers) return use({ folder, probe: PROBE });
  const { parent, descriptor } = openShared(facts);
  const made = mkdtempSync(`/proc/self/fd/${descriptor}/outlive-attach-`);
  const opened = openSync(made, FOLDER);
  if (fstatSync(opened).uid !== process.getuid?.()) {
    throw new UserError(`/${parent} of process ${facts.pid} is not safe: another user replaces what is made there.`);
  }
  // neither a link that is put in its place, nor the end of the process, changes what this stands for
  const theirs = `/proc/self/fd/${opened}`;
  const seen = path.join('/', parent, path.basename(made));
  try {
    cpSync(PROBE, path.join(theirs, 'probe'), { recursive: true, filter: (file) => !/\.(?:map|d\.ts)$/.test(file) });
    makeReadable(theirs);
    if (isAnotherUsers) fchownSync(opened, uid, -1);
    return await use({ folder: seen, probe: path.join(seen, 'probe') });
  } finally {
    const isOurs = (name: string) => name.endsWith('.jsonl') || isPassing(name);
    for (const name of readdirSync(theirs)) if (isOurs(name)) take(path.join(theirs, name), folder);
    for (const name of readdirSync(theirs)) rmSync(path.join(theirs, name), { recursive: true, force: true });
    rmSync(made, { recursive: true, force: true });
    closeSync(opened);
    closeSync(descriptor);
  }
}

function openShared({ pid, ownFiles }: ProcessFacts): { parent: string; descriptor: number } {
  for (const parent of SHARED) {
    let descriptor: number | null = null;
    try {
      descriptor = openSync(path.join(ownFiles ?? '/', parent), FOLDER);
      rmSync(mkdtempSync(`/proc/self/fd/${descriptor}/outlive-attach-`), { recursive: true });
      return { parent, descriptor };
    } catch {
      if (descriptor !== null) closeSync(descriptor);
    }
  }
  const where = SHARED.map((name) => `/${name}`).join(', ');
  throw new UserError(`Process ${pid} has files of its own, and none of ${where} can be written to there.`);
}

/** Whatever the mask of whoever installed it. */
function makeReadable(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const each = path.join(folder, entry.name);
    chmodSync(each, entry.isDirectory() ? 0o755 : 0o644);
    if (entry.isDirectory()) makeReadable(each);
  }
}

function take(file: string, folder: string): void {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fstatSync(descriptor).isFile())
      writeOwn(path.join(folder, path.basename(file)), readFileSync(descriptor, 'utf8'));
  } catch {
    // a link, or gone: the missing recording tells
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
