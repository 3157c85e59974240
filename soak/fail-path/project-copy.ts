/** A copy of a project in which something may be changed and run: its own files, and links to what is installed. */
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  type Stats,
  symlinkSync,
} from 'node:fs';
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

/** Into `to`, an empty folder, which may lie in the project where it is `apart`. Null, or why not: `the project has more than 20000 files`. */
export function copyProject(root: string, to: string, apart: readonly string[]): string | null {
  const installed: string[] = [];
  const seen = { files: 0, bytes: 0 };
  const isCopied = (from: string, entry: Stats): boolean => {
    if (path.basename(from) === INSTALLED) installed.push(from);
    if (path.basename(from) === INSTALLED || LEFT_OUT.has(path.basename(from)) || apart.includes(from)) return false;
    if (entry.isFile()) {
      seen.files++;
      seen.bytes += entry.size;
    }
    return seen.files <= MOST.files && seen.bytes <= MOST.bytes;
  };
  copyFolder(root, to, isCopied);
  if (seen.files > MOST.files) return `the project has more than ${MOST.files} files`;
  if (seen.bytes > MOST.bytes) return `the project has more than ${MOST.bytes / 1e6} MB`;
  const own = path.join(root, INSTALLED);
  for (const each of installed) if (each !== own) symlinkSync(each, path.join(to, path.relative(root, each)));
  linkInstalled(root, path.join(to, INSTALLED));
  return null;
}

/** Files, folders and links, as they are; nothing else. */
function copyFolder(from: string, to: string, isCopied: (from: string, entry: Stats) => boolean): void {
  for (const name of readdirSync(from)) {
    const [own, copy] = [path.join(from, name), path.join(to, name)];
    const entry = lstatSync(own);
    if (!isCopied(own, entry)) continue;
    if (entry.isFile()) copyFileSync(own, copy);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(own), copy);
    else if (entry.isDirectory()) {
      mkdirSync(copy);
      copyFolder(own, copy, isCopied);
    }
  }
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
