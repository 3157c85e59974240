/** Where a run's recordings go. */
import { existsSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import path from 'node:path';

/** `.outlive/<time>-<pid>`; `.outlive/latest` is made to point to it, if that folder can be written. */
export function newRunFolder(): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, '').replace('T', '-');
  const name = `${time}-${process.pid}`;
  const home = path.resolve('.outlive');
  try {
    makeFolder(home);
    const link = path.join(home, `.latest-${process.pid}`);
    symlinkSync(name, link);
    renameSync(link, path.join(home, 'latest'));
  } catch {
    // read-only folder: the recording itself will tell
  }
  return path.join(home, name);
}

/** With its parents. Node's own `recursive` never returns where nothing can be made though the parent exists (/proc). */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    // another process of the run was faster
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
