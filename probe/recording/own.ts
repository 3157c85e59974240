/**
 * What is written is its owner's alone: files 0600, folders that are made here 0700. Nothing is written through a link
 * that somebody planted, nor into a folder of another user's, who could change it. (What lies above such a folder is not
 * looked at: a project of one user that is run by another, as in a container, is nothing unusual.)
 */
import fs, { type Stats } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../user-error.ts';

/** Taken before the probe itself puts others in their places. */
const { closeSync, constants, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } = fs;

const { O_APPEND, O_CREAT, O_WRONLY } = constants;
// Windows has neither
const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>;

/**
 * With its parents. Node's own `recursive` never returns where nothing can be made though the parent exists (/proc).
 * Throws `UserError` when it is another user's.
 */
export function makeFolder(folder: string): void {
  const there = statSync(folder, { throwIfNoEntry: false });
  if (there) {
    if (!isOwn(there)) throw new UserError(`${folder} belongs to another user; --out DIR names another folder.`);
    return;
  }
  const parent = path.dirname(folder);
  if (parent !== folder && !statSync(parent, { throwIfNoEntry: false })) makeFolder(parent);
  try {
    mkdirSync(folder, 0o700);
  } catch (error) {
    // another process of the run was faster
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** A descriptor that appends. Throws when somebody else made the file, or it is none. */
export function appendOwn(file: string): number {
  const descriptor = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  const stats = fstatSync(descriptor);
  if (stats.isFile() && stats.nlink === 1 && isOwn(stats)) return descriptor;
  closeSync(descriptor);
  throw new Error(`${file} is not ours`);
}

/** Replaces what is there, a link too, by a file of one's own: whoever reads it reads all of it. */
export function writeOwn(file: string, text: string): void {
  const unique = `${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}`;
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}-${unique}`);
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** … or root's, who can do as it likes anyway. */
export function isOwn({ uid }: Stats): boolean {
  return uid === 0 || uid === (process.geteuid?.() ?? uid);
}
