/**
 * The probe's files are not loaded by Node's own loader, but for this one and the preload, which are hidden from it: a
 * service that looks through its loaded modules, or unloads them all, meets none of the probe's. It is quicker, too. Parts
 * that few processes need are loaded when they do.
 */
import fs from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { compile } from './compiled.ts';

export { keepCompiled } from './compiled.ts';

/** Requires a part by its name in the build, relative to the probe's folder there, or a module of Node's. */
export type LoadPart = (name: string) => unknown;

/** The probe's folder as it is built, of which this file lies in a room. */
const PROBE = path.dirname(__dirname);

/** In a virtual machine of a test runner, whose own loader has loaded this file: what runs there is to be watched. */
const isWithin = !(fs.readFileSync instanceof Function);

/** What was loaded so far, by file: what several parts share is there once. */
const own: Map<string, { exports: unknown }> = new Map([[__filename, module]]);

const builtins: Map<string, unknown> = new Map();

/** This one, and of those that Node's loader knows, the one that has loaded it. */
export function hideModules(...loaders: string[]): void {
  // read anew: a service may put another in its place
  const { _cache: loaded } = Module as unknown as { _cache: Record<string, NodeJS.Module> };
  for (const file of [__filename, ...loaders]) delete loaded[file];
}

export function loadOnDemand<Part>(load: (load: LoadPart) => Part): Part {
  return load(requireFrom(PROBE));
}

function requireFrom(folder: string): LoadPart {
  return (name) => (name.startsWith('.') ? exportsOf(path.join(folder, name)) : builtin(name));
}

/** Many files ask for the same few. */
function builtin(name: string): unknown {
  let found = builtins.get(name);
  if (found === undefined) {
    found = require(name);
    builtins.set(name, found);
  }
  return found;
}

function exportsOf(file: string): unknown {
  const known = own.get(file);
  if (known) return known.exports;
  if (isWithin) return require(file);
  const folder = path.dirname(file);
  const part = { exports: {} };
  // before it is run, as by Node: what it loads may ask for it
  own.set(file, part);
  try {
    compile(file, PROBE)(part.exports, requireFrom(folder), part, file, folder);
  } catch (error) {
    own.delete(file);
    throw error;
  }
  return part.exports;
}
