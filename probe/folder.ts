/** Where a run's recordings go when nobody says. */
import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import path from 'node:path';

/** `.outlive/<time>-<pid>`; `.outlive/latest` is made to point to it, if that folder can be written. */
export function newRunFolder(): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, '').replace('T', '-');
  const name = `${time}-${process.pid}`;
  const home = path.resolve('.outlive');
  try {
    mkdirSync(home, { recursive: true });
    const link = path.join(home, `.latest-${process.pid}`);
    symlinkSync(name, link);
    renameSync(link, path.join(home, 'latest'));
  } catch {
    // read-only folder: the recording itself will tell
  }
  return path.join(home, name);
}
