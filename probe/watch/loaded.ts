/** Files of a library that its exports do not lead to. */
import Module from 'node:module';
import path from 'node:path';

interface Loaded<T> {
  exports: T;
}

/** The module of `file`, if that is loaded: what it exports can be replaced. */
export function loadedModule<T>(file: string): Loaded<T> | undefined {
  const { _cache } = Module as unknown as { _cache: Record<string, Loaded<T> | undefined> };
  return _cache[file];
}

/** What a file exports that lies at `name` from `file`, if that is loaded. */
export function loadedExports<T>(file: string, name: string): T | undefined {
  return loadedModule<T>(path.join(path.dirname(file), name))?.exports;
}
