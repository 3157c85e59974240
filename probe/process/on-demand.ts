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

/** `load` requires a part, which shares this very copy of the probe. */
export function loadOnDemand<Part>(load: () => Part): Part {
  const before = new Set(Object.keys(loaded()));
  loaded()[__filename] = module;
  try {
    return load();
  } finally {
    // what the service itself has loaded of this package is the service's
    const isNew = (file: string) => file.startsWith(__dirname + path.sep) && !before.has(file);
    for (const file of Object.keys(loaded())) if (isNew(file)) delete loaded()[file];
  }
}
