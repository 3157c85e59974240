/** Files of a library that its exports do not lead to. */
import Module from 'node:module';
import path from 'node:path';

/** What a file exports that lies at `name` from `file`, if that is loaded. */
export function loadedExports<T>(file: string, name: string): T | undefined {
  const { _cache } = Module as unknown as { _cache: Record<string, { exports: T } | undefined> };
  return _cache[path.join(path.dirname(file), name)]?.exports;
}
