/** Files of a library that its exports do not lead to. */
import Module, { createRequire } from 'node:module';
import path from 'node:path';

export interface Loaded<T> {
  exports: T;
  /** What its own code gets by this name. */
  require?(name: string): unknown;
  /** It was asked for by the name of a library that is watched: its folder may have another. */
  isNamed?: boolean;
}

/** A module that another loader has loaded, while it is told of. */
let elsewhere: { file: string; module: Loaded<unknown> } | null = null;

/** Calls `tell`, in which `module` is the one of `file`. */
export function tellOf(file: string, module: Loaded<unknown>, tell: () => void): void {
  elsewhere = { file, module };
  try {
    tell();
  } finally {
    elsewhere = null;
  }
}

/** The module of `file`, if that is loaded: what it exports can be replaced. */
export function loadedModule<T>(file: string): Loaded<T> | undefined {
  if (elsewhere?.file === file) return elsewhere.module as Loaded<T>;
  const { _cache } = Module as unknown as { _cache: Record<string, Loaded<T> | undefined> };
  return _cache[file];
}

/** What a file exports that lies at `name` from `file`, if that is loaded. */
export function loadedExports<T>(file: string, name: string): T | undefined {
  if (elsewhere?.file === file) return elsewhere.module.require?.(`./${name}`) as T | undefined;
  return loadedModule<T>(path.join(path.dirname(file), name))?.exports;
}

/** How the code of `file` gets other files: by the loader that has loaded it. */
// biome-ignore lint/suspicious/noExplicitAny: what a library's files export
export function requireFrom(file: string): (name: string) => any {
  const own = elsewhere?.file === file ? elsewhere.module : undefined;
  return own?.require ? (name) => own.require?.(name) : createRequire(file);
}
