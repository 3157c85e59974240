/** Temporary folders that go with this process however it ends: a copy of a project may be large. */
import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const REMOVE_AFTER = path.join(import.meta.dirname, `../../guards/remove-after${path.extname(import.meta.filename)}`);

let home: string | null = null;

/** A new one, by its real path. */
export function ownFolder(name: string): string {
  home ??= newHome();
  return mkdtempSync(path.join(home, `${name}-`));
}

function newHome(): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'outlive-fail-path-')));
  // who has no patience ends us in the middle …
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  // … or kills us
  const args = [REMOVE_AFTER, String(process.pid), folder];
  spawn(process.execPath, args, { detached: true, stdio: 'ignore', env: {} }).unref();
  return folder;
}
