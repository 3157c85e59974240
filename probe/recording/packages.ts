/** Installed packages, by the files of theirs that stand in a stack. */
import path from 'node:path';
import { textOf } from './readable.ts';

export interface Package {
  name: string;
  /** Null: its manifest cannot be read here. */
  version: string | null;
}

export interface PackageFile extends Package {
  /** Where it is in the package. */
  inside: string;
}

const FILE = /^(.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+))[\\/](.*)$/;
const NAME = /^(?:@[\w.~-]+\/)?[\w.~-]+$/;
const VERSION = /^\d+\.\d+\.\d+[\w.+-]*$/;

/** The package that a file is of, by its manifest where that is here, and where in it; null outside of node_modules. */
export function packageOf(file: string): PackageFile | null {
  const [, folder = '', installedAs = '', inside = ''] = FILE.exec(file) ?? [];
  if (folder === '') return null;
  // installed under another name: an alias
  const { name, version } = manifestIn(folder);
  return { name: name ?? slashed(installedAs), version, inside: slashed(inside) };
}

/** A recording may name any folder: nothing but a name and a version is taken from there. */
function manifestIn(folder: string): { name: string | null; version: string | null } {
  try {
    const { name, version } = JSON.parse(textOf(path.join(folder, 'package.json')) ?? '{}');
    return { name: textLike(NAME, name), version: textLike(VERSION, version) };
  } catch {
    return { name: null, version: null };
  }
}

function textLike(pattern: RegExp, value: unknown): string | null {
  return typeof value === 'string' && pattern.test(value) ? value : null;
}

function slashed(text: string): string {
  return text.replaceAll('\\', '/');
}

/** Whether version `a` comes before `b`; of prereleases only the numbers count. */
export function isBefore(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => text.split(/[-+]/)[0]?.split('.').map(Number) ?? []);
  for (let part = 0; part < 3; part++) {
    const difference = (left?.[part] ?? 0) - (right?.[part] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
