/** Where a run's recordings go where nobody says. */
import { mkdirSync, readdirSync, readlinkSync, renameSync, rmdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../user-error.ts';
import { makeFolder } from './own.ts';

/** By which a process, and its threads, know where they record: the name of a datum of theirs. */
export const FOLDER = 'outlive.folder';

const HOME = '.outlive';
const LATEST = 'latest';
/** `<time>-<pid>`, so that the newest is the last by name; in a container all may have one pid. */
const RUN = /^\d{8}-\d{6}-\d+(?:-\d+)?$/;

/**
 * Makes `.outlive/<time>-<pid>`, and `.outlive/latest` points to it, if that can be written. Throws `UserError` when
 * `.outlive` is another user's.
 */
export function newRunFolder(): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '-');
  const home = path.resolve(HOME);
  const name = `${time}-${process.pid}`;
  try {
    makeFolder(home);
    const made = makeNew(home, name);
    pointTo(home, made);
    return path.join(home, made);
  } catch (error) {
    if (error instanceof UserError) throw error;
    // read-only folder: the recording itself will tell
    return path.join(home, name);
  }
}

/** Removes a folder in which nothing was recorded. `latest` then points to the newest that is left. */
export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
    const home = path.dirname(folder);
    let gone = path.basename(folder);
    // those of other runs may go meanwhile
    while (readlinkSync(path.join(home, LATEST)) === gone) {
      const newest = readdirSync(home)
        .filter((name) => RUN.test(name))
        .sort()
        .at(-1);
      if (newest === undefined) rmSync(path.join(home, LATEST), { force: true });
      else pointTo(home, newest);
      if (newest === undefined || statSync(path.join(home, newest), { throwIfNoEntry: false })) return;
      gone = newest;
    }
  } catch {
    // there is something in it, or no link
  }
}

function makeNew(home: string, name: string): string {
  for (let copy = 1; ; copy++) {
    const unique = copy === 1 ? name : `${name}-${copy}`;
    try {
      mkdirSync(path.join(home, unique), 0o700);
      return unique;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** By rename: there is always one. */
function pointTo(home: string, name: string): void {
  const link = path.join(home, `.${LATEST}-${process.pid}`);
  try {
    rmSync(link, { force: true });
    symlinkSync(name, link);
    renameSync(link, path.join(home, LATEST));
  } catch {
    // a file system without links
    rmSync(link, { force: true });
  }
}
