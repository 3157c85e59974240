/**
 * Parts that few processes need are loaded when they do. And a service that looks through its loaded modules, or unloads
 * them all, meets none of the probe's.
 */
import Module from 'node:module';
import path from 'node:path';

declare const module: NodeJS.Module;

/** Read anew each time: a service may put another in its place. */
const loaded = () => (Module as unknown as { _cache: Record<string, NodeJS.Module> })._cache;

/** The two modules of a start: this one, as it is built, and the preload. */
export function hideModules(register: string): void {
  for (const file of [__filename, register]) delete loaded()[file];
}

/** What was loaded so far, by file: what several parts share is there once. */
const own: Map<string, NodeJS.Module> = new Map();

/** `load` requires a part, which shares this very copy of the probe. */
export function loadOnDemand<Part>(load: () => Part): Part {
  const before = new Set(Object.keys(loaded()));
  loaded()[__filename] = module;
  for (const [file, part] of own) loaded()[file] ??= part;
  try {
    return load();
  } finally {
    for (const [file, part] of Object.entries(loaded())) {
      // what the service itself has loaded of this package is the service's
      if (!file.startsWith(__dirname + path.sep) || before.has(file)) continue;
      own.set(file, part);
      delete loaded()[file];
    }
  }
}
