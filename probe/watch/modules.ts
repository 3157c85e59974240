/**
 * Tells adapters when a library is loaded. All supported libraries are CommonJS, and Node's CommonJS loader also sees
 * the ones that ES modules import; nested copies are seen each by itself.
 */

import { readFileSync } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { guarded, type Part } from '../process/lapses.ts';
import { patch } from './patch.ts';

export interface LibraryAdapter {
  /** Package name. */
  name: Part;
  /** Called with what `require(name)` returns and the file that exports it, for each copy when it has been loaded, and again until it says true. */
  // biome-ignore lint/suspicious/noExplicitAny: the library's own exports, of any version
  attach(exports: any, file: string): boolean;
}

const IS_HTTP = /^(?:node:)?https?$/;

interface Library {
  name: string;
  version: string;
  file: string;
}

interface LoadingModule {
  loaded: boolean;
  exports: unknown;
}

interface Loader {
  _cache: Record<string, LoadingModule>;
  _resolveFilename(request: string, parent: unknown, isMain: boolean): string;
}

/**
 * `onAttached` gets `pg 8.23.1`; `onHttp` is told before a CommonJS module loads Node's `http` or `https`.
 *
 * Only the resolution of names is patched, which is over before a module runs: a wrapper around the loading would
 * stand in the stack of everything that a module does while it loads.
 */
export function watchModules(
  adapters: readonly LibraryAdapter[],
  onAttached: (label: string) => void,
  onHttp: () => void,
): void {
  const loader = Module as unknown as Loader;
  const byName = new Map<string, LibraryAdapter>(adapters.map((adapter) => [adapter.name, adapter]));
  const isMentioned = new RegExp(`(?:^|[\\\\/])(?:${[...byName.keys()].map(escapeRegExp).join('|')})(?:[\\\\/]|$)`);
  const seen = new WeakSet<object>();

  const attach = ({ exports }: LoadingModule, { name, version, file }: Library): void => {
    if (exports === null || (typeof exports !== 'object' && typeof exports !== 'function') || seen.has(exports)) return;
    const adapter = byName.get(name);
    if (!adapter) return;
    guarded(adapter.name, () => {
      if (!adapter.attach(exports, file)) return;
      seen.add(exports);
      onAttached(`${name} ${version}`);
    });
  };

  const examine = (file: string): void => {
    const library = mainModuleOf(file);
    if (!library || !byName.has(library.name)) return;
    const known = loader._cache[file];
    const whenLoaded = (module: LoadingModule): void =>
      onceSet(module, 'loaded', (isLoaded) => isLoaded && guarded('modules', () => attach(module, library)));
    if (known?.loaded) attach(known, library);
    // in a cycle it is loading already
    else if (known) whenLoaded(known);
    else onceSet(loader._cache, file, (module) => guarded('modules', () => whenLoaded(module)));
  };

  patch(loader, '_resolveFilename', (original) => {
    return function _resolveFilename(this: unknown, request: string): unknown {
      // biome-ignore lint/complexity/noArguments: arity and arguments pass through untouched
      const file = Reflect.apply(original, this, arguments);
      if (IS_HTTP.test(file)) onHttp();
      else if (isMentioned.test(request) || isMentioned.test(file)) guarded('modules', () => examine(file));
      return file;
    };
  });
}

/** Tells when `owner[key]`, which may not be there yet, is next set; it is an ordinary property again from then on. */
function onceSet<T extends object, K extends keyof T & string>(owner: T, key: K, told: (value: T[K]) => unknown): void {
  const before = owner[key];
  const enumerable = Object.hasOwn(owner, key);
  const set = (value: T[K]): void => {
    Object.defineProperty(owner, key, { value, configurable: true, enumerable: true, writable: true });
    told(value);
  };
  Object.defineProperty(owner, key, { get: () => before, set, configurable: true, enumerable });
}

/** The package that `file` is the main module of, or null for any other file. */
function mainModuleOf(file: string): Library | null {
  if (!path.isAbsolute(file)) return null;
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    let manifest: { name?: string; version?: string; main?: string };
    try {
      manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    } catch {
      continue;
    }
    if (!manifest.name) continue;
    const main = path.resolve(folder, manifest.main ?? 'index.js');
    const isMain = file === main || file === `${main}.js` || file === path.join(main, 'index.js');
    return isMain ? { name: manifest.name, version: manifest.version ?? '?', file } : null;
  }
  return null;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
