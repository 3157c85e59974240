/** Which package a file is of. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const NODE_MODULES = `${path.sep}node_modules${path.sep}`;

export interface Manifest {
  name: string;
  version: string;
  /** As the manifest says it, or `index.js`. */
  main: string;
  folder: string;
}

/** By the folder that a search began in; what is installed stays as it is. */
const known = new Map<string, Manifest>();

/** The manifest of an installed package, some of which carry copies of it deeper down; else the nearest that names one. */
export function manifestOf(file: string): Manifest | null {
  if (!path.isAbsolute(file)) return null;
  const begin = installedAs(file)?.folder ?? path.dirname(file);
  const manifest = known.get(begin) ?? manifestAbove(begin);
  if (manifest) known.set(begin, manifest);
  return manifest;
}

function manifestAbove(begin: string): Manifest | null {
  for (let folder = begin; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    let manifest: { name?: string; version?: unknown; main?: unknown };
    try {
      manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    } catch {
      continue;
    }
    const { name, version = '?', main = 'index.js' } = manifest;
    if (name) return { name, version: String(version), main: String(main), folder };
  }
  return null;
}

/** Of a file in node_modules: its package's name and folder. Reads nothing. */
export function installedAs(file: string): { name: string; folder: string } | null {
  const name = installedName(file);
  if (name === null) return null;
  return { name, folder: file.slice(0, file.lastIndexOf(NODE_MODULES) + NODE_MODULES.length + name.length) };
}

/** Of a file in node_modules: its package's name. */
export function installedName(file: string): string | null {
  const at = file.lastIndexOf(NODE_MODULES);
  if (at < 0) return null;
  const begin = at + NODE_MODULES.length;
  return file.slice(begin, endOfName(file, begin, path.sep)).replace('\\', '/');
}

/** The package that a bare specifier names: `mysql2` of `mysql2/promise`. */
export function packageIn(specifier: string): string {
  return specifier.slice(0, endOfName(specifier, 0, '/'));
}

/** `@scope/name` is one name. */
function endOfName(text: string, begin: number, separator: string): number {
  let end = text.indexOf(separator, begin);
  if (text[begin] === '@' && end >= 0) end = text.indexOf(separator, end + 1);
  return end < 0 ? text.length : end;
}
