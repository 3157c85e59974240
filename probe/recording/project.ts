/**
 * Which source files a report may show: those of the projects that were recorded. A recording may come from anywhere,
 * so what it says of itself is not enough: a file must be source code as well.
 *
 * A project is the package that holds the working directory, or the program; of a workspace, all of it. Without a
 * package it is that folder alone, and never the whole disk.
 */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { ProcessLine } from './format.ts';
import { textOf } from './readable.ts';

const SOURCE = /\.(?:[cm]?[jt]sx?|vue|svelte|astro|coffee|es6|map)$/;

/** Of those that were recorded, or of this process. */
export function projectsOf(processes: readonly Pick<ProcessLine, 'cwd' | 'argv'>[]): string[] {
  const folders = processes.flatMap(({ cwd, argv: [, program] }) =>
    program === undefined ? [cwd] : [cwd, path.dirname(path.resolve(cwd, program))],
  );
  const roots = [...new Set(folders)].map((folder) => projectOf(folder));
  return [...new Set(roots)].filter((root) => path.dirname(root) !== root);
}

/** Whether it lies in one of them, where no link leads out of it, and is source code. */
export function isSourceIn(projects: readonly string[], file: string): boolean {
  if (!path.isAbsolute(file) || !isWithin(projects, file)) return false;
  try {
    const real = realpathSync(file);
    if (real !== file && !isWithin([...projects, ...projects.map((root) => realpathSync(root))], real)) return false;
    return SOURCE.test(real) || (path.extname(real) === '' && textOf(real)?.startsWith('#!') === true);
  } catch {
    return false;
  }
}

function isWithin(folders: readonly string[], file: string): boolean {
  return folders.some((folder) => file.startsWith(folder + path.sep));
}

function projectOf(folder: string): string {
  let found: string | null = null;
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    // asked for by name: the folder itself may hold thousands of files
    if (existsSync(path.join(at, 'package.json')) && (found === null || holdsOthers(at))) found = at;
    if (path.dirname(at) === at) return found ?? path.resolve(folder);
  }
}

function holdsOthers(folder: string): boolean {
  const manifest = textOf(path.join(folder, 'package.json')) ?? '';
  return existsSync(path.join(folder, 'pnpm-workspace.yaml')) || /"workspaces"\s*:/.test(manifest);
}
