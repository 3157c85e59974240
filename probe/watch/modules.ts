/**
 * Tells when a library is loaded. All supported libraries are CommonJS, and Node's CommonJS loader also sees the ones that
 * ES modules import; nested copies are seen each by itself.
 *
 * Only the resolution of names is patched, which is over before a module runs: a wrapper around the loading would stand
 * in the stack of everything that a module does while it loads.
 */

import { readFileSync } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { around } from '../process/around.ts';
import { guarded } from '../process/lapses.ts';

const PART = 'modules';
const IS_HTTP = /^(?:node:)?https?$/;

/** One copy of a package, loaded. */
export interface Copy {
  name: string;
  version: string;
  /** Where it lies, with a separator at the end. */
  folder: string;
  /** The file that exports it, and what `require` returns. */
  file: string;
  exports: object;
}

interface LoadingModule {
  loaded: boolean;
  exports: unknown;
}

interface Loader {
  _cache: Record<string, LoadingModule>;
}

/**
 * `onLoaded` is told of each copy of the packages `names`, once it is loaded; `onHttp` before a CommonJS module loads
 * Node's `http` or `https`.
 */
export function watchModules(names: ReadonlySet<string>, onLoaded: (copy: Copy) => void, onHttp: () => void): void {
  const loader = Module as unknown as Loader;
  const isMentioned = new RegExp(`(?:^|[\\\\/])(?:${[...names].map(escapeRegExp).join('|')})(?:[\\\\/]|$)`);
  const seen = new WeakSet<object>();

  const tell = ({ exports }: LoadingModule, library: Omit<Copy, 'exports'>): void => {
    if (exports === null || (typeof exports !== 'object' && typeof exports !== 'function') || seen.has(exports)) return;
    seen.add(exports);
    onLoaded({ ...library, exports });
  };

  const examine = (file: string): void => {
    const library = mainModuleOf(file);
    if (!library || !names.has(library.name)) return;
    const known = loader._cache[file];
    const whenLoaded = (module: LoadingModule): void =>
      onceSet(module, 'loaded', (isLoaded) => isLoaded && guarded(PART, () => tell(module, library)));
    if (known?.loaded) tell(known, library);
    // in a cycle it is loading already
    else if (known) whenLoaded(known);
    else onceSet(loader._cache, file, (module) => guarded(PART, () => whenLoaded(module)));
  };

  around<object, string>(PART, Module, '_resolveFilename', {
    before: (_, request) => String(request),
    after: (_, file: string, request = '') => {
      if (IS_HTTP.test(file)) onHttp();
      else if (isMentioned.test(request) || isMentioned.test(file)) examine(file);
    },
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
function mainModuleOf(file: string): Omit<Copy, 'exports'> | null {
  if (!path.isAbsolute(file)) return null;
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    let manifest: { name?: string; version?: unknown; main?: unknown };
    try {
      manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    } catch {
      continue;
    }
    if (!manifest.name) continue;
    const main = path.resolve(folder, String(manifest.main ?? 'index.js'));
    const isMain = file === main || file === `${main}.js` || file === path.join(main, 'index.js');
    const { name, version = '?' } = manifest;
    return isMain ? { name, version: String(version), folder: folder + path.sep, file } : null;
  }
  return null;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
