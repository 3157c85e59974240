/**
 * Parts that few processes need are loaded when they do, and not by Node's own loader: a service that looks through its
 * loaded modules, or unloads them all, meets none of the probe's. It is quicker, too.
 */
import Module from 'node:module';
import path from 'node:path';
import vm from 'node:vm';
import { readFileSync } from './runtime.ts';

declare const module: NodeJS.Module;

/** Requires a part by its name in the build, relative to this file there, or a module of Node's. */
export type LoadPart = (name: string) => unknown;

/** Taken before it is watched. */
const { compileFunction } = vm;
const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];

/** What was loaded so far, by file: what several parts share is there once, and this very copy of the probe. */
const own: Map<string, { exports: unknown }> = new Map([[__filename, module]]);

/** The two modules of a start: this one, as it is built, and the preload. */
export function hideModules(register: string): void {
  // read anew: a service may put another in its place
  const { _cache: loaded } = Module as unknown as { _cache: Record<string, NodeJS.Module> };
  for (const file of [__filename, register]) delete loaded[file];
}

export function loadOnDemand<Part>(load: (load: LoadPart) => Part): Part {
  return load(requireFrom(__dirname));
}

function requireFrom(folder: string): LoadPart {
  return (name) => (name.startsWith('.') ? exportsOf(path.join(folder, name)) : require(name));
}

function exportsOf(file: string): unknown {
  const known = own.get(file);
  if (known) return known.exports;
  const folder = path.dirname(file);
  const part = { exports: {} };
  const run = compileFunction(readFileSync(file, 'utf8'), PARAMETERS, { filename: file });
  run(part.exports, requireFrom(folder), part, file, folder);
  own.set(file, part);
  return part.exports;
}
