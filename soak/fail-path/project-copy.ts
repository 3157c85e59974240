/** A copy of a project in which something may be changed and run: its own files, and links to what is installed. */
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const INSTALLED = 'node_modules';
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', '.outlive', 'coverage']);
/** More than that is not copied for a test. */
const MOST = { files: 20_000, bytes: 500e6 };

const OUTLIVE = fileURLToPath(new URL('../../..', import.meta.url));

/** The nearest folder at or above it with a manifest, or itself. */
export function projectOf(folder: string): string {
  for (let each = folder; ; each = path.dirname(each)) {
    if (existsSync(path.join(each, 'package.json'))) return each;
    if (each === path.dirname(each)) return folder;
  }
}

/** Into `to`, an empty folder. Null, or why not: `the project has more than 20000 files`. */
export function copyProject(root: string, to: string, apart: readonly string[]): string | null {
  const installed: string[] = [];
  const seen = { files: 0, bytes: 0 };
  const isCopied = (from: string): boolean => {
    if (path.basename(from) === INSTALLED) installed.push(from);
    if (path.basename(from) === INSTALLED || LEFT_OUT.has(path.basename(from)) || apart.includes(from)) return false;
    const entry = lstatSync(from);
    if (entry.isFile()) {
      seen.files++;
      seen.bytes += entry.size;
    }
    const isTooMuch = seen.files > MOST.files || seen.bytes > MOST.bytes;
    return !isTooMuch && (entry.isFile() || entry.isDirectory() || entry.isSymbolicLink());
  };
  cpSync(root, to, { recursive: true, verbatimSymlinks: true, filter: isCopied });
  if (seen.files > MOST.files) return `the project has more than ${MOST.files} files`;
  if (seen.bytes > MOST.bytes) return `the project has more than ${MOST.bytes / 1e6} MB`;
  const own = path.join(root, INSTALLED);
  for (const each of installed) if (each !== own) symlinkSync(each, path.join(to, path.relative(root, each)));
  linkInstalled(root, path.join(to, INSTALLED));
  return null;
}

/** Where the project has no packages of its own, those of a folder above it. */
function linkInstalled(root: string, to: string): void {
  mkdirSync(to);
  for (let folder = root; ; folder = path.dirname(folder)) {
    const from = path.join(folder, INSTALLED);
    if (existsSync(from)) {
      for (const name of readdirSync(from)) symlinkSync(path.join(from, name), path.join(to, name));
      break;
    }
    if (folder === path.dirname(folder)) break;
  }
  // the test needs it, wherever it was started from
  if (!existsSync(path.join(to, 'outlive'))) symlinkSync(OUTLIVE, path.join(to, 'outlive'));
}
